"""What every command waits for."""

import subprocess
import sys

SLOW = {"fastapi", "liquid", "moto", "plotly", "scipy", "sklearn", "uvicorn"}


def test_a_command_loads_what_it_needs_and_no_server() -> None:
    program = f"import sys, labelloop.cli.main; print(*sorted({SLOW} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == []
