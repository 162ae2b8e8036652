"""The most memory that a whole run on one machine takes: `make bench-laptop`.

`labelloop sample`, `prepare` and `run`, as a user calls them, on made-up headlines with simulated people, and
with embeddings from the static model alone. Once a second, the memory of all its processes is summed up
(Linux's proportional set size: what several processes share counts once). One round asks the model; further
rounds take the same memory again.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from bench.results import RESULTS, machine, markdown_table, write_json
from bench.runs import console
from labelloop.local.application_files import application_folder

MOST_GIGABYTES = 8
_CATEGORY, _TEXT = "category", "title"
_BATCH = 1000


@dataclass
class Memory:
    """The most of a command and its children, in MB."""

    megabytes: float = 0.0
    seconds: float = 0.0
    of_process: dict[str, float] = field(default_factory=dict)  # the most of each, by its name

    def note(self, processes: dict[int, float], names: dict[int, str]) -> None:
        self.megabytes = max(self.megabytes, sum(processes.values()))
        for number, megabytes in processes.items():
            name = names[number]
            self.of_process[name] = max(self.of_process.get(name, 0.0), megabytes)


def measured(command: list[str], environment: dict[str, str]) -> Memory:
    """Raises CalledProcessError when the command fails."""
    found, began = Memory(), time.monotonic()
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as running:
        while running.poll() is None:
            processes = {number: _megabytes(number) for number in _tree(running.pid)}
            found.note(processes, {number: _name(number) for number in processes})
            time.sleep(1)
    if running.returncode:
        raise subprocess.CalledProcessError(running.returncode, command)
    found.seconds = time.monotonic() - began
    return found


def _tree(number: int) -> Iterator[int]:
    yield number
    for children in Path(f"/proc/{number}/task").glob("*/children"):
        for child in _read(children).split():
            yield from _tree(int(child))


def _megabytes(number: int) -> float:
    for line in _read(Path(f"/proc/{number}/smaps_rollup")).splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    return 0.0  # it has ended


def _name(number: int) -> str:
    """The first argument that tells which of labelloop's processes it is."""
    arguments = _read(Path(f"/proc/{number}/cmdline")).split("\0")
    told = (Path(argument).name for argument in arguments[1:] if not argument.startswith("-"))
    return next(told, "") or "?"


def _read(file: Path) -> str:
    try:
        return file.read_text()
    except OSError:
        return ""


def commands(folder: Path, objects: int) -> dict[str, list[str]]:
    labelloop = [sys.executable, "-m", "labelloop"]
    rows, data = str(folder / "rows.csv"), folder / "data"
    return {
        "sample": [*labelloop, "sample", rows, "--rows", str(objects), "--with-labels", "--seed", "0"],
        "prepare": [
            *(*labelloop, "prepare", rows, "--text-column", _TEXT, "--label-column", _CATEGORY),
            *("--out", str(data)),
        ],
        "run": [
            *(*labelloop, "run", "--request", str(data / "request.json"), "--s3-root", str(data / "s3")),
            *("--out", str(folder / "out"), "--truth", str(data / "truth.csv"), "--seed", "0"),
            *("--batch-size", str(_BATCH), "--application", str(_without_encoder(folder / "application"))),
        ],
    }


def _without_encoder(application: Path) -> Path:
    """The deployed files alone: a sentence encoder is looked for beside them."""
    application.mkdir()
    for name in ("template.yaml", "statemachine", "model_container"):
        (application / name).symlink_to(application_folder() / name)
    return application


def _end_after_one_model(request: Path) -> None:
    document = json.loads(request.read_text())
    request.write_text(json.dumps({**document, "ActiveLearning": {"MaxRounds": 2}}))


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, help="where the files go: there, not on the disk of /tmp")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="bench-laptop-", dir=given.folder))
    environment = dict(os.environ)
    found: dict[str, Memory] = {}
    try:
        for name, command in commands(folder, given.objects).items():
            found[name] = measured(command, environment)
            console.print(f"{name}: {found[name].megabytes:,.0f} MB, {found[name].seconds:.0f} s")
            console.print(found[name].of_process)
            if name == "prepare":
                _end_after_one_model(folder / "data/request.json")
    finally:
        shutil.rmtree(folder)
    rows = {name: asdict(memory) for name, memory in found.items()}
    write_json("laptop", {"objects": given.objects, "machine": machine(), "rows": rows}, RESULTS)
    table = [[name, f"{each.seconds:.0f}", f"{each.megabytes:,.0f}"] for name, each in found.items()]
    print(markdown_table(["Command", "s", "MB"], table))
    most = max(each.megabytes for each in found.values()) / 1024
    if most > MOST_GIGABYTES:
        raise SystemExit(f"{most:.1f} GB is more than {MOST_GIGABYTES}")


if __name__ == "__main__":
    main()
