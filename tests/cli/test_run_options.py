import pytest
import typer

from labelloop.cli.run_options import share


@pytest.mark.parametrize(
    ("written", "number"), [("0.05", 0.05), ("5%", 0.05), (" 12.5 % ", 0.125), (0.9, 0.9), ("1e-3", 0.001)]
)
def test_a_share_is_written_as_a_number_or_in_percent(written: object, number: float) -> None:
    assert share(written) == pytest.approx(number)


@pytest.mark.parametrize("written", ["5", "0", "1", "100%", "0%", "-0.1", "nan", "five", "", "%", "0.05%%"])
def test_what_is_no_share_is_refused_with_two_examples(written: str) -> None:
    with pytest.raises(typer.BadParameter, match=r"such as 0\.05 or 5%"):
        share(written)
