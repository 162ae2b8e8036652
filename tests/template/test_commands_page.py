"""docs/commands.md has every command and option, as `--help` tells them."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_the_page_of_commands_is_what_the_commands_say_of_themselves() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "typer", "labelloop.cli.main", "utils", "docs", "--name", "labelloop"],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    ).stdout
    page = (ROOT / "docs/commands.md").read_text()
    assert page.strip() == told.strip(), "a command or option has changed: `make docs` writes the page anew"
