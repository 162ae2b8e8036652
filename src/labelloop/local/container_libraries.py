"""Whether the libraries are installed that a container of labelloop's own imports when it runs as a process.

A training would find out only after people have labeled.
"""

from importlib.util import find_spec
from pathlib import Path

from labelloop.core.errors import RequestError

# The package that tells a container of labelloop's own, the module it needs, and the extra that brings it.
_OWN = (
    ("text_classifier", "tensorflow", "model"),
    ("image_classifier", "tensorflow", "model"),
    ("image_classifier", "PIL", "model"),
    ("fasttext_classifier", "fasttext", "blazingtext"),
)


def require_libraries(container: Path) -> None:
    """Raises RequestError when the container in a folder is labelloop's own and cannot run here."""
    for package, module, extra in _OWN:
        if (container / package).is_dir() and find_spec(module) is None:
            raise RequestError(
                f"the model needs {module}, which is not installed: install labelloop with its extra "
                f"{extra!r}, as in pip install 'labelloop[local,{extra}]'"
            )
