"""`labelloop ask-model` as a user calls it."""

from __future__ import annotations

import csv
import json
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from labelloop.cli.ask_model import ask_model
from labelloop.cli.asking_progress import AskingProgress
from labelloop.foundation_model.server_address import ServerAddress, server_key

from .stand_in import Answer, Chat, StandIn, fault, said

app = typer.Typer()
app.command()(ask_model)

TRUTH = {f'text {number}: "quoted", ümlaut\nsecond line': ("cat", "dog")[number % 2] for number in range(30)}
ROWS = [{"id": f"n{number}", "text": text, "people": ""} for number, text in enumerate(TRUTH)]
KEY = "sk-secret-0123456789"


@pytest.fixture
def server() -> Iterator[StandIn]:
    with StandIn(TRUTH).serving() as stand_in:
        yield stand_in


@pytest.fixture(autouse=True)
def _no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "texts.csv"
    write(path, ROWS)
    return path


def write(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def call(table: Path, server: StandIn, *more: str, out: str = "asked.csv") -> Result:
    given = {
        "--text-column": "text",
        "--classes": "cat,dog",
        "--model": "tiny",
        "--server": server.url,
        "--out": str(table.parent / out),
    }
    left = [part for name, value in given.items() if name not in more for part in (name, value)]
    return CliRunner().invoke(app, [str(table), *left, *more], env={"COLUMNS": "200"})


def in_one_line(result: Result) -> str:
    return " ".join(result.output.split())


def fault_of(table: Path, server: StandIn, *more: str, sent: int = 0) -> str:
    refused = call(table, server, *more)
    assert refused.exit_code == 2, refused.output
    assert len(server.chats) == sent
    told = in_one_line(refused)
    assert told.count("Error: ") == 1
    return told


# What goes well ---------------------------------------------------------------------------------------------


def test_rows_come_back_as_they_are_with_label_confidence_and_reason(table: Path, server: StandIn) -> None:
    server.switch = lambda chat: {3: said("?"), 4: said("?"), 7: said("", refusal="No.")}.get(chat.number)
    done = call(table, server, "--at-once", "1", "--price-in", "1", "--price-out", "2")
    assert done.exit_code == 0, done.output
    rows = read(table.parent / "asked.csv")
    assert [{name: row[name] for name in ROWS[0]} for row in rows] == ROWS
    assert list(rows[0]) == ["id", "text", "people", "tiny", "tiny_confidence", "tiny_error"]
    for row in rows:
        assert row["tiny_error"] or row["tiny"] == TRUTH[row["text"]]
        assert (row["tiny_confidence"] in ("0.6", "0.95")) == (row["tiny"] != "")
    told = in_one_line(done)
    assert "tiny labeled 28 of 30 rows; 1 could not be read, 1 were refused." in told
    assert "It took 3,100 tokens in, 310 out, $0.0037; 31 requests were sent now." in told
    assert "'?' is not one of the classes; asked again: '?' is not one of the classes" in told


def test_it_ends_with_the_commands_that_find_out_what_the_labels_are_worth(
    table: Path, server: StandIn
) -> None:
    done = call(table, server, "--id-column", "id", "--label-column", "people")
    out = str(table.parent / "asked.csv")
    commands = [shlex.split(line) for line in done.output.splitlines() if f" {out} " in line]
    (before, audit), (start, label) = (
        (command[: command.index(out)], command[command.index(out) + 1 :]) for command in commands
    )
    assert (before[-1], start[-1]) == ("audit", "label-file")
    assert dict(zip(audit[::2], audit[1::2], strict=True)) == {
        "--text-column": "text",
        "--classes": "cat,dog",
        "--label-column": "tiny",
        "--confidence-column": "tiny_confidence",
        "--out": str(table.parent / "asked-checked"),
    }
    assert dict(zip(label[::2], label[1::2], strict=True)) == {
        "--text-column": "text",
        "--classes": "cat,dog",
        "--prior-column": "tiny",
        "--prior-confidence-column": "tiny_confidence",
        "--id-column": "id",
        "--label-column": "people",
        "--out": str(table.parent / "asked-labeled"),
    }


def test_the_same_command_sends_nothing_twice_and_writes_the_same(table: Path, server: StandIn) -> None:
    assert call(table, server).exit_code == 0
    written, sent = (table.parent / "asked.csv").read_bytes(), len(server.chats)
    again = call(table, server)
    assert again.exit_code == 0, again.output
    assert (table.parent / "asked.csv").read_bytes() == written
    assert len(server.chats) == sent == len(ROWS)
    assert "0 requests were sent now" in again.output


def test_rows_with_the_same_text_are_asked_about_once(table: Path, server: StandIn) -> None:
    write(table, [*ROWS[:3], *ROWS[:3]])
    done = call(table, server)
    assert "about 6 rows (3 different texts)" in in_one_line(done)
    assert len(server.chats) == 3
    assert [row["tiny"] for row in read(table.parent / "asked.csv")] == ["cat", "dog", "cat"] * 2


@pytest.mark.parametrize("ending", ["jsonl", "parquet"])
def test_other_formats_are_written_and_read(table: Path, server: StandIn, ending: str) -> None:
    server.switch = lambda chat: said("?") if chat.number == 29 else None
    lines = table.with_suffix(".jsonl")
    lines.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    done = call(lines, server, "--name", "llm", out=f"asked.{ending}")
    assert done.exit_code == 0, done.output
    again = call(table.parent / f"asked.{ending}", server, "--name", "other", out="again.csv")
    assert again.exit_code == 0, again.output
    assert [row["llm"] for row in read(table.parent / "again.csv")] == list(TRUTH.values())


def test_a_plan_asks_about_a_few_texts_and_says_what_all_will_take(table: Path, server: StandIn) -> None:
    planned = call(table, server, "--plan", "--price-in", "1000", "--price-out", "0", "--max-cost", "2.5")
    assert planned.exit_code == 0, planned.output
    told = in_one_line(planned)
    assert "Estimate from the first 10 answers, by the length of the texts: 3,0" in told
    assert "$3.0" in told
    assert "more than --max-cost" in told
    assert f"Without --plan, the same command asks about the other {len(ROWS) - 10} texts." in told
    assert len(server.chats) == 10
    assert not (table.parent / "asked.csv").exists()
    assert call(table, server).exit_code == 0
    assert len(server.chats) == len(ROWS)
    done = in_one_line(call(table, server, "--plan"))
    assert "All texts are answered already. Without --plan, the same command writes the answers." in done


def test_the_limit_of_the_cost_stops_it_and_a_larger_one_goes_on(table: Path, server: StandIn) -> None:
    prices = ("--price-in", "1000", "--price-out", "0")
    stopped = call(table, server, *prices, "--max-cost", "2")
    assert stopped.exit_code == 1, stopped.output
    assert "Stopped before --max-cost could be exceeded" in in_one_line(stopped)
    rows, sent = read(table.parent / "asked.csv"), len(server.chats)
    assert 0 < sent == sum(row["tiny"] != "" for row in rows) <= 20
    assert {row["tiny_error"] for row in rows} == {"", "not asked"}
    assert call(table, server, *prices, "--max-cost", "9").exit_code == 0
    assert len(server.chats) == len(ROWS)
    assert all(row["tiny"] for row in read(table.parent / "asked.csv"))


def test_a_sample_is_labeled_alone(table: Path, server: StandIn) -> None:
    assert call(table, server, "--sample", "5").exit_code == 0
    rows = read(table.parent / "asked.csv")
    assert len(rows) == len(server.chats) == 5
    assert all({name: row[name] for name in ROWS[0]} in ROWS for row in rows)


def test_the_prompt_is_shown_and_nothing_sent(table: Path, server: StandIn, tmp_path: Path) -> None:
    write(
        table,
        [
            {**row, "people": TRUTH[row["text"]] if number in (4, 5, 6) else ""}
            for number, row in enumerate(ROWS)
        ],
    )
    (tmp_path / "meanings.json").write_text('{"cat": "Says miaow.", "dog": "Barks."}')
    (tmp_path / "rules.txt").write_text("Im Zweifel: cat.")
    more = [
        "--class-descriptions",
        str(tmp_path / "meanings.json"),
        "--guidelines",
        str(tmp_path / "rules.txt"),
    ]
    shown = call(table, server, *more, "--label-column", "people", "--show-prompt")
    assert shown.exit_code == 0, shown.output
    assert '- "cat": Says miaow.' in shown.output
    assert "Im Zweifel: cat." in shown.output
    assert shown.output.count('"label": "') == 3, "one example a class, and the form of the answer"
    assert '"text 0: \\"quoted\\", ümlaut\\nsecond line"' in shown.output
    assert not server.chats
    assert not list(tmp_path.glob("asked*"))


def test_examples_near_a_text_go_with_it_and_are_paid_for(table: Path, server: StandIn) -> None:
    write(table, [{**row, "people": TRUTH[row["text"]] if 10 < n < 20 else ""} for n, row in enumerate(ROWS)])
    near = ["--label-column", "people", "--examples-per-class", "0", "--examples-near", "2"]
    planned = call(table, server, *near, "--plan")
    assert planned.exit_code == 0, planned.output
    assert call(table, server, *near).exit_code == 0
    asked = [chat.raw for chat in server.chats]
    assert len(asked) == len(set(asked)) == len(ROWS), "the plan's answers are kept"
    for chat in server.chats:
        shown = [json.loads(line) for line in chat.system.splitlines() if line.startswith('{"text": ')]
        assert len(shown) == 2
        for one in shown:
            assert TRUTH[one["text"]] == one["label"]
            assert one["text"] != chat.text
    assert call(table, server, *near).exit_code == 0
    assert len(server.chats) == len(ROWS), "nothing is asked twice"
    assert call(table, server, *near[:-1], "1").exit_code == 0
    assert len(server.chats) == 2 * len(ROWS), "another prompt is another request"


def test_descriptions_may_say_which_classes_there_are(table: Path, server: StandIn, tmp_path: Path) -> None:
    (tmp_path / "meanings.csv").write_text("class,description\ndog,Barks\ncat,Says miaow\n")
    arguments = ["--text-column", "text", "--model", "tiny", "--server", server.url]
    described = ["--class-descriptions", str(tmp_path / "meanings.csv"), "--out", str(tmp_path / "o.csv")]
    done = CliRunner().invoke(app, [str(table), *arguments, *described])
    assert done.exit_code == 0, done.output
    assert '- "dog": Barks\n- "cat": Says miaow' in server.chats[0].system


def test_samples_and_own_instructions_reach_the_server(table: Path, server: StandIn, tmp_path: Path) -> None:
    (tmp_path / "own.txt").write_text("Wähle: {% for class in classes %}{{ class.name }} {% endfor %}")
    own = ["--prompt-template", str(tmp_path / "own.txt"), "--confidence-from", "samples", "--samples", "2"]
    done = call(table, server, *own, "--sample", "3", "--max-answer-tokens", "9")
    assert done.exit_code == 0, done.output
    assert len(server.chats) == 6
    body = server.chats[0].body
    assert body["messages"][0]["content"] == "Wähle: cat dog"
    assert (body["temperature"], body["max_tokens"]) == (1.0, 9)
    assert {row["tiny_confidence"] for row in read(tmp_path / "asked.csv")} == {"1.0"}


def test_the_key_goes_to_this_machine_and_is_told_nowhere(
    table: Path, server: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.key = KEY
    assert "wants a key" in fault_of(table, server)
    monkeypatch.setenv("MY_KEY", "sk-wrong-0123456789")
    assert "refuses the key" in fault_of(table, server, "--key-variable", "MY_KEY")
    monkeypatch.setenv("MY_KEY", KEY)
    done = call(table, server, "--key-variable", "MY_KEY")
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    assert call(table, server, "--name", "other").exit_code == done.exit_code == 0
    assert "sk-" not in done.output
    assert all(KEY.encode() not in file.read_bytes() for file in table.parent.iterdir())


# What ends it early -----------------------------------------------------------------------------------------


def test_what_was_answered_is_written_where_the_server_breaks_down(table: Path, server: StandIn) -> None:
    def switch(chat: Chat) -> Answer | None:
        if chat.number == 4:
            # It comes when all is given up.
            return said(json.dumps({"label": TRUTH[chat.text]}), after_seconds=0.3)
        return None if chat.number < 4 else fault(500, "broken")

    server.switch = switch
    ended = call(table, server, "--attempts", "1")
    assert ended.exit_code == 2
    assert (
        "10 texts one after the other have no answer; the last: the server answered 500: broken"
        in in_one_line(ended)
    )
    rows = read(table.parent / "asked.csv")
    assert sum(row["tiny"] != "" for row in rows) == 5
    assert len(rows) == len(ROWS)
    server.switch = lambda chat: None
    assert call(table, server).exit_code == 0
    assert [row["tiny"] for row in read(table.parent / "asked.csv")] == list(TRUTH.values())


def test_ctrl_c_keeps_what_was_answered_and_says_how_to_go_on(
    table: Path, server: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: AskingProgress) -> None:
        if len(server.chats) > 6:
            raise KeyboardInterrupt

    monkeypatch.setattr(AskingProgress, "_line_elsewhere", interrupted)
    stopped = call(table, server)
    assert stopped.exit_code == 130
    assert "Stopped. Every answer is kept: the same command goes on." in in_one_line(stopped)
    assert any(row["tiny"] for row in read(table.parent / "asked.csv"))
    monkeypatch.undo()
    assert call(table, server).exit_code == 0
    assert len({chat.raw for chat in server.chats}) == len(server.chats) == len(ROWS)


# Bad input --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (("--classes", "cat"), "at least two classes"),
        (("--classes", "cat,,dog"), "empty name"),
        (("--text-column", "txt"), "no column 'txt'. Did you mean 'text'?"),
        (("--server", "localhost:11434"), "--server is an address such as"),
        (("--server", "http://me:secret@host/v1"), "--server must hold no key, password or query"),
        (("--server", "http://h:99999/v1"), "is not an address"),
        (("--max-cost", "1"), "--max-cost needs --price-in and --price-out"),
        (("--price-in", "1"), "go together"),
        (("--key-variable", "NO_SUCH"), "has no such variable"),
        (("--name", "text"), "has a column 'text' already"),
        (("--name", " "), "cannot be empty"),
        (("--name", "llm-metadata"), "cannot be a prior column"),
        (("--examples-near", "3"), "--examples-near needs --label-column"),
        (("--guidelines", "no.txt"), "The guidelines no.txt cannot be read"),
        (("--out", "asked.docx"), "its name must end in"),
    ],
)
def test_bad_options_are_told_before_anything_is_sent(
    table: Path, server: StandIn, more: tuple[str, ...], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(table.parent)
    assert told in fault_of(table, server, *more)
    assert not list(table.parent.glob("*.sqlite"))


def test_files_that_say_something_wrong_are_told_before_anything_is_sent(
    table: Path, server: StandIn, tmp_path: Path
) -> None:
    path = tmp_path / "x.txt"
    path.write_text("{{ clases }}")
    assert "uses 'clases', which does not exist" in fault_of(table, server, "--prompt-template", str(path))
    path.write_text('{"cow": "Moos."}')
    assert "describes 'cow', which is not a class" in fault_of(
        table, server, "--class-descriptions", str(path)
    )


def test_a_file_without_texts_is_refused(table: Path, server: StandIn) -> None:
    table.write_text("id,text\n")
    assert "no rows below" in fault_of(table, server)
    write(table, [*ROWS, {"id": "x", "text": " ", "people": ""}])
    assert "empty text" in fault_of(table, server)
    assert call(table, server, "--skip-bad-rows").exit_code == 0


def test_nobody_at_the_address_and_no_such_model_are_told(table: Path, server: StandIn) -> None:
    assert "There is no server at http://127.0.0.1:9/v1" in fault_of(
        table, server, "--server", "http://127.0.0.1:9/v1"
    )
    assert "has no model 'tinny'. Did you mean 'tiny'?" in fault_of(table, server, "--model", "tinny", sent=1)
    assert not (table.parent / "asked.csv").exists()


def test_no_file_of_others_is_overwritten(table: Path, server: StandIn) -> None:
    out = table.parent / "asked.csv"
    out.write_text("mine")
    assert "exists, and is not what this command wrote last" in fault_of(table, server)
    out.unlink()
    assert call(table, server).exit_code == 0
    out.write_bytes(out.read_bytes() + b"more\n")
    sent = len(server.chats)
    assert "is not what this command wrote last" in fault_of(table, server, sent=sent)
    assert out.read_bytes().endswith(b"more\n")
    assert "is the file that is read" in fault_of(table, server, "--out", str(table), sent=sent)


def test_texts_that_travel_openly_are_told(table: Path, server: StandIn) -> None:
    told = call(table, server, "--server", "http://10.255.255.1.invalid/v1").output
    assert "Texts travel to 10.255.255.1.invalid without encryption." in " ".join(told.split())


def test_openai_s_key_goes_to_no_other_company() -> None:
    environment = {"OPENAI_API_KEY": KEY, "OTHER": "other"}

    def key(url: str, variable: str | None = None) -> str:
        return server_key(ServerAddress.parse(url), variable, environment)

    assert (
        key("https://api.openai.com/v1") == key("http://localhost:8000/v1") == key("http://[::1]/v1") == KEY
    )
    assert key("https://api.other.example/v1") == ""
    assert key("https://api.openai.com.evil.example/v1") == ""
    assert key("https://api.other.example/v1", "OTHER") == "other"
    assert (
        ServerAddress.parse("https://h/v1/chat/completions/").completions == "https://h/v1/chat/completions"
    )
