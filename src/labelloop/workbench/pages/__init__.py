"""What people see of the workbench: the labeling page, the run's page, the sign-in page.

Without a build step and without third-party scripts: what the browser gets is the files in `static/`.
"""

from labelloop.workbench.pages.routes import mount, problem_page

__all__ = ["mount", "problem_page"]
