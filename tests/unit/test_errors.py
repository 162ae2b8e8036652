"""The tree of errors drawn in `labelloop.core.errors` is the tree of the code."""

import ast
import importlib
import pkgutil
import re
from pathlib import Path

import pytest
import typer

import labelloop
from labelloop.cli.errors import RunFailedError, explained_errors
from labelloop.core import errors
from labelloop.core.errors import LabelloopError, RequestError
from labelloop.local.job import JobFailed

SOURCE = Path(labelloop.__file__).parent
DRAWING = errors.__doc__ or ""
BRANCH = re.compile(r"^((?:│   |    )*)[├└]── (\w+)  +\S")
OUTSIDE = re.compile(r"^    (\w+(?:, \w+)*)  +\S", re.MULTILINE)


def subclasses(root: type) -> set[type]:
    below: set[type] = set(root.__subclasses__())
    return below.union(*(subclasses(child) for child in below))


@pytest.fixture(scope="module")
def exceptions() -> set[type]:
    """All that labelloop defines, in whichever module."""
    for module in pkgutil.walk_packages(labelloop.__path__, "labelloop."):
        importlib.import_module(module.name)
    return {kind for kind in subclasses(BaseException) if kind.__module__.split(".")[0] == "labelloop"}


def drawn_parents() -> dict[str, str]:
    """The class above each one in the drawing."""
    parents, path = {}, [LabelloopError.__name__]
    for line in DRAWING.splitlines():
        if branch := BRANCH.match(line):
            depth = len(branch[1]) // 4 + 1
            path = [*path[:depth], branch[2]]
            parents[branch[2]] = path[depth - 1]
    return parents


def test_the_drawing_is_the_tree_of_the_code(exceptions: set[type]) -> None:
    tree = [kind for kind in exceptions if issubclass(kind, LabelloopError)]
    assert len({kind.__name__ for kind in tree}) == len(tree), "no name stands for two errors"
    in_code = {kind.__name__: [base.__name__ for base in kind.__bases__] for kind in tree}
    assert in_code.pop(LabelloopError.__name__) == ["Exception"]
    assert {name: [parent] for name, parent in drawn_parents().items()} == in_code


def test_what_is_outside_the_tree_is_listed_below_it_or_private(exceptions: set[type]) -> None:
    listed = [name for names in OUTSIDE.findall(DRAWING) for name in names.split(", ")]
    outside = {kind.__name__ for kind in exceptions if not issubclass(kind, LabelloopError)}
    assert sorted(listed) == sorted(name for name in outside if not name.startswith("_"))


def test_each_says_in_its_first_line_when_it_is_raised(exceptions: set[type]) -> None:
    for kind in exceptions - {LabelloopError}:
        first_line = (kind.__doc__ or "").partition("\n")[0]
        assert kind.__name__.startswith("_") or re.match(r"Raised (when|by) .*[.;]", first_line), kind


def test_each_error_is_raised_somewhere() -> None:
    made = {
        node.func.id
        for path in SOURCE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    groups = set(drawn_parents().values())
    assert not [name for name in drawn_parents() if name not in made | groups]


@pytest.mark.parametrize(
    ("error", "exit_code"),
    [(RequestError("no text"), 2), (RunFailedError("no text"), 1), (PermissionError("no text"), 2)],
)
def test_a_command_explains_what_a_person_can_fix(
    error: Exception, exit_code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(typer.Exit) as ended, explained_errors():
        raise error
    assert ended.value.exit_code == exit_code
    assert capsys.readouterr().err == "Error: no text\n"


def test_a_command_explains_nothing_else() -> None:
    with pytest.raises(JobFailed), explained_errors():
        raise JobFailed
