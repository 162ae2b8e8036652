"""The program `labelloop`, which says what to install where the commands' libraries are missing."""

import sys

# Those of the extra `local` that commands import.
_OF_THE_COMMANDS = ("typer", "rich", "yaml", "moto", "jsonata", "sklearn", "fastapi")


def main() -> None:
    """Run the command. `pip install labelloop` alone brings only what the steps on Lambda need."""
    try:
        from labelloop.cli.main import main as run

        run()
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _OF_THE_COMMANDS:
            raise
        sys.exit(f"The commands need {error.name}, which is missing: pip install 'labelloop[local]'")


if __name__ == "__main__":
    main()
