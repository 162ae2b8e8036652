"""What is installed with the package, and what it says where something is missing."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

import labelloop
from labelloop import __version__
from labelloop.cli.main import app
from labelloop.core.errors import RequestError
from labelloop.local import container_libraries
from labelloop.local.application_files import application_folder, encoder_folder
from labelloop.local.container_libraries import require_libraries

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def extras() -> dict[str, list[str]]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return dict(project["optional-dependencies"])


@pytest.mark.parametrize(
    ("extra", "folder", "elsewhere"),
    [
        # On Lambda alone; and what the package itself depends on.
        ("model", "model_container", {"awslambdaric", "boto3", "numpy", "orjson"}),
        ("blazingtext", "blazingtext_container", set()),
    ],
)
def test_an_extra_brings_what_a_container_needs(
    extras: dict[str, list[str]], folder: str, extra: str, elsewhere: set[str]
) -> None:
    lines = (ROOT / folder / "requirements.in").read_text().splitlines()
    needed = [line for line in lines if line and not line.startswith("#")]
    assert extras[extra] == [line for line in needed if re.split(r"[>=;]", line)[0] not in elsewhere]


def test_a_version_has_its_notes() -> None:
    notes = (ROOT / "CHANGELOG.md").read_text()
    assert re.search(rf"^## {re.escape(__version__)}\b", notes, re.MULTILINE)


def test_the_version_is_told() -> None:
    assert CliRunner().invoke(app, ["--version"]).output == f"labelloop {__version__}\n"


def test_importing_the_package_loads_nothing_heavy() -> None:
    """The steps on Lambda import it, and it has the Python interface's names all the same."""
    program = "import sys, labelloop; assert 'label' in dir(labelloop); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    heavy = {"pandas", "polars", "narwhals", "numpy", "pydantic", "typer", "rich", "tensorflow", "boto3"}
    assert not heavy & set(loaded.stdout.split())


@pytest.mark.slow
def test_the_python_interface_needs_neither_the_command_line_nor_the_stand_ins_for_aws() -> None:
    program = "import sys, labelloop; labelloop.label, labelloop.audit; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    unwanted = {"typer", "rich", "moto", "pandas", "polars", "tensorflow", "sklearn", "fastapi"}
    assert not (unwanted | {"labelloop.cli"}) & set(loaded.stdout.split())


def test_a_name_that_the_package_does_not_have_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'lable'"):
        labelloop.lable  # type: ignore[attr-defined]  # noqa: B018


@pytest.mark.parametrize("columns", [60, 80, 140])
def test_help_ends_no_sentence_early(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    told = CliRunner().invoke(app, ["--help"], terminal_width=columns).output
    assert "..." not in told.replace("[ARGS]...", "")
    assert max(map(len, told.splitlines())) <= columns
    assert "Label a data set on this machine: the deployed workflow, on stand-ins for AWS." in " ".join(
        told.split()
    )


def test_in_a_checkout_its_own_files_are_deployed() -> None:
    assert application_folder() == ROOT
    assert encoder_folder(ROOT) == ROOT / ".encoder"


def test_without_a_checkout_the_encoder_is_in_the_cache_of_the_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "lib/labelloop"
    (package / "application").mkdir(parents=True)
    monkeypatch.setattr("labelloop.local.application_files.files", lambda _name: package)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert application_folder() == package / "application"
    assert encoder_folder(package / "application") == tmp_path / "cache/labelloop/encoder"


def test_a_container_without_its_libraries_is_refused_before_anybody_labels(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(container_libraries, "find_spec", lambda _name: None)
    with pytest.raises(RequestError, match=r"tensorflow.*pip install 'labelloop\[local,model\]'"):
        require_libraries(ROOT / "model_container")
    require_libraries(tmp_path)  # a user's own: what it needs is not known


@pytest.mark.parametrize("library", ["typer", "yaml"])  # of all commands, and of the one that is run
def test_without_the_commands_libraries_it_says_what_to_install(library: str) -> None:
    program = f"import sys; sys.modules[{library!r}] = None; import labelloop.__main__ as it; it.main()"
    ran = subprocess.run(
        [sys.executable, "-c", program, "run", "--help"], check=False, capture_output=True, text=True
    )
    assert ran.returncode == 1
    assert ran.stderr == f"The commands need {library}, which is missing: pip install 'labelloop[local]'\n"
