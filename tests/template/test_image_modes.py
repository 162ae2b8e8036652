"""The images can be read by Lambda's user, whatever modes the checkout has that they are built from."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NOBODY = 65534
# The folder of the build context that an image's program is, and where the Dockerfile puts it.
PROGRAMS = [("src/Dockerfile", "labelloop"), ("model_container/Dockerfile", ".")]


def instructions(dockerfile: str) -> list[str]:
    """A Dockerfile's instructions, one a line."""
    text = re.sub(r"^\s*#.*\n", "", (ROOT / dockerfile).read_text(), flags=re.M)
    return [line for line in text.replace("\\\n", "").splitlines() if line.strip()]


def chmod_after_copy(dockerfile: str, program: str) -> str:
    """The command that opens what was copied: in the instruction after COPY, so that no layer lacks it."""
    lines = instructions(dockerfile)
    after = lines[lines.index(f"COPY {program} {program}") + 1]
    command = re.match(r"RUN (chmod \S+ \S+ \S+)", after)
    assert command, after
    return command[1]


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that everybody may enter: pytest's own is closed to others."""
    folder = Path("/var/tmp") / f"labelloop-modes-{os.getpid()}"
    folder.mkdir(mode=0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user")
@pytest.mark.parametrize(("dockerfile", "program"), PROGRAMS)
def test_an_unprivileged_user_reads_what_was_copied_from_a_closed_checkout(
    open_folder: Path, dockerfile: str, program: str
) -> None:
    copied = open_folder / "image"
    context = (ROOT / dockerfile).parent / program
    shutil.copytree(context, copied / program, ignore=shutil.ignore_patterns("__pycache__"))
    subprocess.run(["chmod", "-R", "go-rwx", copied / program], check=True)
    copied.chmod(0o755)
    subprocess.run(chmod_after_copy(dockerfile, program), shell=True, cwd=copied, check=True)
    read = subprocess.run(
        ["find", ".", "-type", "f", "-exec", "cat", "{}", "+"],
        cwd=copied,
        user=NOBODY,
        group=NOBODY,
        extra_groups=[],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert (read.returncode, read.stderr) == (0, "")


def test_programs_can_still_be_run() -> None:
    """X keeps the right to run of what may be run, and gives it to nothing else."""
    assert all("a+rX" in chmod_after_copy(*program) for program in PROGRAMS)


def test_the_sentence_encoder_is_opened_in_the_stage_that_fetches_it() -> None:
    """Later it would be a second copy of 90 MB in the image."""
    (fetching,) = [
        line for line in instructions("model_container/Dockerfile") if 'fetch_encoder "$source"' in line
    ]
    assert "chmod -R a+rX /opt/encoder" in fetching


def test_the_container_of_images_is_opened_after_its_last_copy() -> None:
    lines = instructions("image_container/Dockerfile")
    last = max(number for number, line in enumerate(lines) if line.startswith("COPY "))
    assert lines[last + 1] == "RUN chmod -R a+rX ."
    (fetching,) = [line for line in lines if 'fetch_backbone "$source"' in line]
    assert "chmod -R a+rX /opt/backbone" in fetching


def test_both_model_images_have_their_large_layer_in_common() -> None:
    """Docker finds it again where instructions and copied content are the same, to the letter."""

    def until_installed(dockerfile: str) -> list[str]:
        lines = instructions(dockerfile)
        start = max(number for number, line in enumerate(lines) if line.startswith("FROM "))
        end = next(number for number, line in enumerate(lines) if "--require-hashes" in line)
        return lines[start : end + 1]

    assert until_installed("model_container/Dockerfile") == until_installed("image_container/Dockerfile")


def test_only_what_the_container_of_images_is_made_of_is_sent_to_docker() -> None:
    rules = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    assert rules[0] == "*"
    let_in = [rule.removeprefix("!") for rule in rules if rule.startswith("!")]
    for line in instructions("image_container/Dockerfile"):
        if line.startswith("COPY ") and "--from" not in line:
            for source in line.split()[1:-1]:
                assert any(source == rule or source.startswith(f"{rule}/") for rule in let_in), source
