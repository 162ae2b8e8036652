"""What every command waits for."""

import subprocess
import sys

SLOW = {"fastapi", "liquid", "moto", "plotly", "scipy", "sklearn", "uvicorn"}


def test_a_command_loads_what_it_needs_and_no_server() -> None:
    program = f"import sys, labelloop.cli.run; print(*sorted({SLOW} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == []


def test_help_loads_no_command() -> None:
    program = (
        "import sys; from typer.testing import CliRunner; from labelloop.cli.main import app; "
        "print(CliRunner().invoke(app, ['--help']).output); "
        "print('loaded:', *(name for name in sys.modules if name.startswith('labelloop.')))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    told, _, loaded = ran.stdout.partition("loaded:")
    assert "label-file" in told
    assert set(loaded.split()) <= {
        "labelloop.cli",
        "labelloop.cli.aws",
        "labelloop.cli.command_list",
        "labelloop.cli.main",
    }
