"""The wheel, made from the sdist, works where there is no checkout."""

import csv
import json
import os
import re
import shutil
import subprocess
import sysconfig
import venv
from collections.abc import Sequence
from pathlib import Path

import pytest

from labelloop import __version__
from labelloop.preparation.demo_headlines import demo_headlines

ROOT = Path(__file__).parents[2]

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("packaging")]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, made from the sdist: so both have everything."""
    folder = tmp_path_factory.mktemp("built")
    venv.create(folder / "tools", with_pip=True)
    python = folder / "tools/bin/python"
    _run([python, "-m", "pip", "install", "--quiet", "hatchling"], folder)
    _run([python, "-m", "hatchling", "build", "-t", "sdist", "-d", folder], ROOT)
    shutil.unpack_archive(next(folder.glob("labelloop-*.tar.gz")), folder / "unpacked", filter="data")
    source = next((folder / "unpacked").iterdir())
    _run([python, "-m", "hatchling", "build", "-t", "wheel", "-d", folder], source)
    return next(folder.glob("labelloop-*.whl"))


@pytest.fixture(scope="module")
def installed(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel's command, in an environment of its own that borrows the libraries of this one."""
    environment = tmp_path_factory.mktemp("environment")
    venv.create(environment, with_pip=False, symlinks=True)
    python = environment / "bin/python"
    pip = built.parent / "tools/bin/pip"
    _run([pip, "--python", python, "install", "--quiet", "--no-deps", built], environment)
    # What .pth files there say is not read: this checkout stays out.
    packages = _run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], environment
    ).strip()
    (Path(packages) / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return environment / "bin/labelloop"


@pytest.fixture
def headlines(tmp_path: Path) -> Path:
    file = tmp_path / "headlines.csv"
    with file.open("w", encoding="utf-8", newline="") as lines:
        table = csv.writer(lines)
        table.writerow(["text", "class"])
        table.writerows((row.text, row.label) for row in demo_headlines(400, 0))
    return file


def test_the_command_is_the_installed_one_and_tells_its_version(installed: Path, tmp_path: Path) -> None:
    assert _run([installed, "--version"], tmp_path) == f"labelloop {__version__}\n"
    where = _run([installed.parent / "python", "-c", "import labelloop; print(labelloop.__file__)"], tmp_path)
    assert Path(where.strip()).is_relative_to(installed.parents[1])


def test_a_simulation_needs_no_checkout(installed: Path, headlines: Path, tmp_path: Path) -> None:
    columns = ["--text-column", "text", "--label-column", "class"]
    told = _run([installed, "simulate", headlines, *columns, "--out", "tried"], tmp_path)
    assert "report" in told
    assert list((tmp_path / "tried").rglob("report.html"))


def test_the_python_interface_needs_no_checkout(installed: Path, headlines: Path, tmp_path: Path) -> None:
    program = (
        "import labelloop, pandas, sys\n"
        "frame = pandas.read_csv(sys.argv[1])\n"
        "print(labelloop.simulate(frame, text='text', label='class', target_error=0.3))\n"
    )
    told = _run([installed.parent / "python", "-c", program, headlines], tmp_path)
    assert told.startswith("People would label")


def test_a_run_deploys_what_the_package_brings(installed: Path, headlines: Path, tmp_path: Path) -> None:
    columns = ["--text-column", "text", "--label-column", "class", "--labeled-share", "0.5"]
    _run([installed, "prepare", headlines, *columns, "--out", "news"], tmp_path)
    request = tmp_path / "news/request.json"
    document = json.loads(request.read_text())
    document["ActiveLearning"] = {"MaxRounds": 1, "Seed": 0}
    request.write_text(json.dumps(document))
    folders = ["--s3-root", "news/s3", "--out", "news/run"]
    told = _run([installed, "run", "--request", request, "--truth", "news/truth.csv", *folders], tmp_path)
    assert "training the model" in told
    report = json.loads((tmp_path / "news/run/report.json").read_text())
    counts = report["counts"]
    assert counts["human"] + counts["auto"] + counts["unlabeled"] + counts["failed"] == 400


def test_the_wheel_brings_no_file_of_this_machine(built: Path, tmp_path: Path) -> None:
    shutil.unpack_archive(built, tmp_path / "wheel", format="zip")
    files = {str(path.relative_to(tmp_path / "wheel")) for path in (tmp_path / "wheel").rglob("*")}
    assert not [
        name for name in files if re.search(r"__pycache__|\.pyc$|\.encoder|\.backbone|\.venv|/\.git", name)
    ]
    for name in (
        "template.yaml",
        "statemachine",
        "infrastructure",
        "model_container",
        "image_container",
        "blazingtext_container",
    ):
        here, there = ROOT / name, tmp_path / "wheel/labelloop/application" / name
        assert _content(there) == _content(here), f"{name} is not the checkout's"


def _content(path: Path) -> dict[str, bytes]:
    if path.is_file():
        return {path.name: path.read_bytes()}
    return {
        str(file.relative_to(path)): file.read_bytes()
        for file in path.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }


def _run(command: Sequence[str | Path], folder: Path) -> str:
    """Without the settings that let this checkout's code be found."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    ended = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout
