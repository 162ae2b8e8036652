"""What is started hears Ctrl-C, whoever started us."""

import os
import subprocess
import sys
from pathlib import Path

STARTS = """
import sys
from pathlib import Path
from labelloop.local.child_process import start_process
says = "import signal; print(signal.getsignal(signal.SIGINT) == signal.SIG_IGN)"
folder = Path(sys.argv[1])
process = start_process([sys.executable, "-c", says], folder=folder, environment={}, log=folder / "log")
sys.exit(not process.wait(300))
"""

IGNORES = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)
os.execv(sys.argv[1], sys.argv[1:])
"""


def test_a_child_hears_ctrl_c_though_its_parent_was_started_in_the_background(tmp_path: Path) -> None:
    command = [sys.executable, "-c", STARTS, str(tmp_path)]
    subprocess.run([sys.executable, "-c", IGNORES, *command], check=True, env=dict(os.environ))
    assert (tmp_path / "log").read_text() == "False\n"
