import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from labelloop.local.child_process import start_process
from labelloop.local.container_process import ProcessContainer, RunningContainer
from tests.local.fork_server import ForkServer

PARENT = """
import sys, time
from pathlib import Path
from labelloop.local.child_process import start_process
from labelloop.local.container_process import ProcessContainer
from tests.local.fork_server import ForkServer
folder = Path(sys.argv[1])
start = ForkServer(folder).start if sys.argv[2] == "fork" else start_process
running, _ = ProcessContainer(folder, start=start).serve(folder, {}, folder / "log")
time.sleep(600)
"""
ROOT = Path(__file__).parents[2]
Start = Callable[..., RunningContainer]
MakeContainer = Callable[..., ProcessContainer]


@pytest.fixture(params=["process", "fork"])
def how(request: pytest.FixtureRequest) -> str:
    """The forks of the tests keep to all that processes do."""
    chosen: str = request.param
    return chosen


@pytest.fixture
def start(how: str, forks: ForkServer) -> Start:
    return forks.start if how == "fork" else start_process


@pytest.fixture
def container(tmp_path: Path, start: Start) -> MakeContainer:
    def make(program: str, text: str, environment: Mapping[str, str] | None = None) -> ProcessContainer:
        (tmp_path / program).write_text(text)
        return ProcessContainer(tmp_path, environment or {}, start)

    return make


def await_text(path: Path) -> str:
    until = time.monotonic() + 300
    while not (path.exists() and path.read_text().endswith("\n")):
        assert time.monotonic() < until
        time.sleep(0.01)
    return path.read_text()


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def await_death(pid: int) -> None:
    until = time.monotonic() + 300
    while is_alive(pid):
        assert time.monotonic() < until, f"process {pid} still lives"
        time.sleep(0.01)


def test_a_program_runs_in_its_root_with_a_clean_environment(
    tmp_path: Path, container: MakeContainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "the user's own")
    monkeypatch.setenv("PYTHONPATH", "/the/users/own")
    show = "import os\nprint(os.getcwd(), dict(os.environ))\n"
    running = container("train", show).train(tmp_path, {"OWN": "1"}, tmp_path / "logs/log")
    assert running.wait(300)
    assert running.exit_code() == 0
    shown = (tmp_path / "logs/log").read_text()
    assert shown.startswith(str(tmp_path))
    assert f"'ML_ROOT': '{tmp_path}'" in shown
    assert "'OWN': '1'" in shown
    assert "user" not in shown.replace(str(tmp_path), "")


def test_a_jobs_environment_stands_over_the_containers(tmp_path: Path, container: MakeContainer) -> None:
    image = container(
        "train", "import os\nprint(os.environ['A'], os.environ['B'])\n", {"A": "image", "B": "image"}
    )
    running = image.train(tmp_path, {"B": "job"}, tmp_path / "log")
    assert running.wait(300)
    assert (tmp_path / "log").read_text() == "image job\n"


def test_output_and_errors_are_logged_one_run_after_the_other(
    tmp_path: Path, container: MakeContainer
) -> None:
    noisy = container("train", "import sys\nprint('out')\nsys.exit('err')\n")
    for _ in range(2):
        running = noisy.train(tmp_path, {}, tmp_path / "log")
        assert running.wait(300)
        assert running.exit_code() == 1
    assert (tmp_path / "log").read_text() == "out\nerr\n" * 2


def test_killing_a_program_kills_what_it_started(tmp_path: Path, container: MakeContainer) -> None:
    text = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "print(child.pid, flush=True)\ntime.sleep(600)\n"
    )
    running = container("train", text).train(tmp_path, {}, tmp_path / "log")
    child = int(await_text(tmp_path / "log"))
    assert is_alive(child)
    running.kill()
    assert running.wait(300)
    assert running.exit_code() == -signal.SIGKILL
    await_death(child)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process of its parent's death")
def test_a_container_dies_with_us_even_by_kill_9(tmp_path: Path, how: str) -> None:
    (tmp_path / "serve").write_text("import os, time\nprint(os.getpid(), flush=True)\ntime.sleep(600)\n")
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(tmp_path), how], cwd=ROOT)
    child = int(await_text(tmp_path / "log"))
    assert is_alive(child)
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    await_death(child)


def test_sigterm_reaches_the_program_and_what_it_leaves_with_is_its_code(
    tmp_path: Path, container: MakeContainer
) -> None:
    text = (
        "import signal, sys, time\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(5))\n"
        "print('there', flush=True)\ntime.sleep(600)\n"
    )
    running = container("train", text).train(tmp_path, {}, tmp_path / "log")
    await_text(tmp_path / "log")
    assert running.exit_code() is None
    assert not running.wait(0.01)
    running.terminate()
    assert running.wait(300)
    assert running.exit_code() == 5
    running.terminate()


def test_a_program_that_ends_at_once_has_its_code_like_any(tmp_path: Path, container: MakeContainer) -> None:
    brief = container("train", "import os\nos._exit(4)\n")
    for _ in range(20):
        running = brief.train(tmp_path, {}, tmp_path / "log")
        assert running.wait(300)
        assert running.exit_code() == 4


def test_a_container_without_the_program_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="has no program 'train'"):
        ProcessContainer(tmp_path).train(tmp_path, {}, tmp_path / "log")
