"""`labelloop prepare` at the command line."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from labelloop.cli.prepare import prepare

app = typer.Typer()
app.command()(prepare)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "news.csv"
    path.write_text(
        "title,category\n" + "".join(f"text {number},{'be'[number % 2]}\n" for number in range(20))
    )
    return path


def run(path: Path, out: Path, *options: str, label_column: str = "category") -> Result:
    columns = ["--text-column", "title", "--label-column", label_column]
    return CliRunner().invoke(app, [str(path), *columns, "--out", str(out), *options], env={"COLUMNS": "60"})


def test_the_summary_says_what_was_made_and_what_to_type_next(table: Path, tmp_path: Path) -> None:
    out = tmp_path / "with space"
    result = run(table, out)
    assert result.exit_code == 0
    summary = " ".join(result.stdout.split())
    assert "Read news.csv: CSV, commas, UTF-8" in summary
    assert "Prepared 20 of 20 rows, each with a label that only simulated people will know" in summary
    assert "0 b 10 1 e 10" in summary
    command = shlex.split(result.stdout.strip().splitlines()[-1])
    assert command[:2] == ["labelloop", "run"]
    given = dict(zip(command[2::2], command[3::2], strict=True))
    assert given == {
        "--request": str(out / "request.json"),
        "--s3-root": str(out / "s3"),
        "--people": "simulated",
        "--truth": str(out / "truth.csv"),
        "--out": str(out / "run"),
    }
    assert all(str(path) in result.stdout for path in out.rglob("*") if path.is_file())


def test_options_reach_the_preparation(tmp_path: Path) -> None:
    path = tmp_path / "news.tsv"
    path.write_text('1\tan "open text\tb\n2\tother\te\n3\tthird\tx\n', encoding="utf-8")
    out = tmp_path / "out"
    result = run(
        path,
        out,
        *("--delimiter", "\\t", "--columns", "id,title,category", "--plain-quotes"),
        *("--classes", 'e,b,"x, y"', "--class-names", '"b=Business, etc"', "--skip-bad-rows"),
        *("--labeled-share", "1", "--label-attribute", "topic", "--bucket", "my-bucket"),
        *("--creation-date", "2024-05-06T07:08:09", "--job-name-prefix", "news"),
    )
    assert result.exit_code == 0, result.stderr
    lines = (out / "s3/my-bucket/input/input.manifest").read_text().splitlines()
    assert json.loads(lines[0]) == {
        "source": 'an "open text',
        "topic": 1,
        "topic-metadata": {
            "class-name": "Business, etc",
            "job-name": "labeling-job/news",
            "confidence": 1.0,
            "human-annotated": "yes",
            "creation-date": "2024-05-06T07:08:09.000000",
            "type": "groundtruth/text-classification",
        },
    }
    assert len(lines) == 2
    assert "Note: Left out: 1 bad row" in result.stdout


def test_many_classes_are_cut_short_in_the_summary(tmp_path: Path) -> None:
    path = tmp_path / "news.csv"
    path.write_text("title,category\n" + "".join(f"text {number},[bold]{number}\n" for number in range(30)))
    result = run(path, tmp_path / "out")
    assert result.exit_code == 0
    assert "and 10 more" in result.stdout
    assert "[bold]0" in result.stdout


def test_a_fault_of_the_whole_file_is_not_mended_by_leaving_rows_out(tmp_path: Path) -> None:
    path = tmp_path / "news.csv"
    path.write_bytes("title,category\nün,b\nzwöi,e\ndrü,b\n".encode("cp1252"))
    encoding = run(path, tmp_path / "out", "--encoding", "utf-8")
    assert "another encoding: name it with --encoding" in encoding.stderr
    path.write_text("title,category\n" + "one, two,b\n" * 3 + "three,e\n")
    fields = run(path, tmp_path / "out")
    assert "try --delimiter" in fields.stderr
    assert "--skip-bad-rows" not in encoding.stderr + fields.stderr


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        (None, [], "There is no file"),
        ("", [], "is empty"),
        ("title,category\n", [], "no rows below it"),
        ("Title ,category\na,b\n", [], "Did you mean 'Title '?"),
        ("title,category\n,b\na,e\n", [], "1 of 2 rows cannot be used"),
        ("title,category\na,b\n", [], "at least two classes"),
        ("title,category\na,b\n", ["--classes", "b,,e"], "empty name"),
        ("title,category\na,b\n", ["--classes", 'b,"e'], "not a comma-separated list"),
        ("title,category\na,b\n", ["--class-names", "b"], "LABEL=NAME"),
        ("title,category\na,b\n", ["--class-names", "b=x,b=y"], "names 'b' twice"),
        ("title,category\na,b\n", ["--delimiter", "ab"], "must be one character"),
        ("title,category\na,b\n", ["--bucket", "No"], "not an S3 bucket name"),
        ("title,category\na,b\n", ["--label-attribute", "a.b"], "Try --label-attribute a-b"),
    ],
)
def test_a_fault_is_one_sentence_and_exit_code_2(
    tmp_path: Path, content: str | None, options: list[str], message: str
) -> None:
    path = tmp_path / "news.csv"
    if content is not None:
        path.write_text(content)
    result = run(path, tmp_path / "out", *options)
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: ")
    assert message in result.stderr
    assert result.stdout == ""
    assert not (tmp_path / "out").exists()


def test_a_label_column_that_is_no_attribute_name_is_refused_with_one_that_is(tmp_path: Path) -> None:
    path = tmp_path / "news.csv"
    path.write_text("title,my label\na,b\nc,e\n")
    result = run(path, tmp_path / "out", label_column="my label")
    assert result.exit_code == 2
    assert "Try --label-attribute my-label" in result.stderr
    assert (
        run(path, tmp_path / "out", "--label-attribute", "my-label", label_column="my label").exit_code == 0
    )


def test_a_second_run_into_the_same_folder_needs_overwrite(table: Path, tmp_path: Path) -> None:
    assert run(table, tmp_path / "out").exit_code == 0
    refused = run(table, tmp_path / "out")
    assert refused.exit_code == 2
    assert "--overwrite" in refused.stderr
    assert run(table, tmp_path / "out", "--overwrite").exit_code == 0
