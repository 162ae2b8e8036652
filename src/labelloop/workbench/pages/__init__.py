"""What people see of the workbench: the labeling page, the run's page, the sign-in page.

There is no build step and there are no third-party scripts: the browser gets the files in `static/`.
"""

from labelloop.workbench.pages.routes import mount, problem_page

__all__ = ["mount", "problem_page"]
