"""The code in docs/python.md runs as it stands."""

import inspect
import re
from pathlib import Path

import pandas as pd
import pytest

import labelloop
from tests.frames.conftest import Headlines

PAGE = (Path(__file__).parents[2] / "docs/python.md").read_text()


@pytest.mark.slow
def test_the_code_of_the_page_runs(
    headlines: Headlines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = pd.Series(range(160)) % 10 == 3
    swapped = headlines.frame["category"].map({"health": "sports", "sports": "health"})
    judged = headlines.frame["category"].where(~wrong, swapped)
    frame = headlines.frame.assign(llm_label=judged, llm_confidence=0.9)
    frame.to_csv(tmp_path / "headlines.csv", index=False)
    monkeypatch.chdir(tmp_path)
    # By chance, one audit in ten or so passes no test.
    monkeypatch.setattr("secrets.randbits", lambda _bits: 7)
    monkeypatch.setattr("builtins.input", lambda prompt: headlines.truth[prompt.split("\n")[0]])
    names: dict[str, object] = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        exec(block, names)
    told = capsys.readouterr().out
    assert "Certificate: error among the auto-labels <= 0.1" in told
    assert "Of the labels as they were given" in told


@pytest.mark.parametrize("function", [labelloop.label, labelloop.audit, labelloop.simulate])
def test_every_argument_is_documented(function: object) -> None:
    documented = inspect.getdoc(function) or ""
    for name in inspect.signature(function).parameters:  # type: ignore[arg-type]
        assert re.search(rf"^( *|.*, ){name}[:,]", documented, re.MULTILINE), name
