"""How this program is called in the shell it was started from, for commands that a person may copy."""

import os
import shlex
import shutil
import sys
from pathlib import Path

_NAME = "labelloop"


def own_command() -> str:
    """`labelloop` where the shell finds it by that name, else the path by which it was started.

    As a module it has no path of its own: then Python is named too.
    """
    started = Path(sys.argv[0])
    if started.name == "__main__.py" and started.parent.name == _NAME:
        return shlex.join([_short(Path(sys.executable)), "-m", _NAME])
    if started.name != _NAME:
        return _NAME
    found = shutil.which(_NAME)
    if found is not None and Path(found).resolve() == started.resolve():
        return _NAME
    return shlex.quote(_short(started))


def _short(program: Path) -> str:
    """Relative to the current folder, if it is below it."""
    here = Path(os.path.abspath(program))  # noqa: PTH100  a link in an environment is not followed
    return str(here.relative_to(Path.cwd())) if here.is_relative_to(Path.cwd()) else str(here)
