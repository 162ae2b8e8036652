"""The report's own arithmetic: money, baseline, and the prices of a request."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelloop.core.ledger import Counts
from labelloop.core.records import RoundRecord
from labelloop.reporting.drawing import nice_ticks
from labelloop.reporting.text import money, price, seconds
from labelloop.workflow.request import ActiveLearning, Prices

PRICE = st.floats(0, 100)


@given(
    PRICE,
    PRICE,
    PRICE,
    PRICE,
    st.integers(0, 10_000),
    st.integers(0, 10_000),
    st.integers(1, 9),
    st.integers(0, 99),
)
def test_spent_and_saved_make_what_people_alone_would_have_cost(
    human: float, fee: float, auto: float, first: float, by_people: int, by_model: int, people: int, anew: int
) -> None:
    prices = Prices.model_validate({"HumanLabel": human, "ServiceFee": fee, "AutoLabel": auto})
    cost = prices.price_list(people).cost(
        human_labels=by_people, auto_labels=by_model, repeated_answers=anew, foundation_model=first
    )
    people_alone = (by_people + by_model) * (people * human + fee)
    assert cost.spent + cost.saved == pytest.approx(people_alone, abs=0.001)
    assert cost.answers + cost.answers_saved == (by_people + by_model) * people
    assert cost.answers == (by_people + anew) * people == cost.first_answers + cost.answers_again
    assert cost.answers_saved == cost.answers_in_place_of_model - cost.answers_again
    parts = cost.spent_on_people + cost.spent_on_repeated_answers + cost.spent_on_model
    parts += cost.spent_on_foundation_model
    assert cost.spent == pytest.approx(parts, abs=0.001)


def test_the_default_prices_are_the_public_list() -> None:
    cost = Prices().price_list(3).cost(human_labels=1000, auto_labels=500)
    assert cost.spent == pytest.approx(1000 * (3 * 0.012 + 0.08))
    assert cost.saved == pytest.approx(500 * (3 * 0.012 + 0.08))
    assert cost.list_prices


def test_prices_of_ones_own_are_no_list_prices_and_survive_the_state() -> None:
    given_prices = {"HumanLabel": 0.5, "ServiceFee": 0, "Currency": "EUR"}
    block = ActiveLearning.model_validate({"Prices": given_prices})
    again = ActiveLearning.model_validate(block.model_dump(by_alias=True, mode="json", exclude_none=True))
    assert again.prices == block.prices
    cost = block.prices.price_list(1).cost(human_labels=2, auto_labels=0)
    assert (cost.spent, cost.currency, cost.list_prices) == (1.0, "EUR", False)


@pytest.mark.parametrize(
    "prices",
    [
        {"Currency": "EUR"},
        {"Currency": "EUR", "HumanLabel": 1},
        {"Currency": "euro", "HumanLabel": 1, "ServiceFee": 1},
        {"HumanLabel": -1},
        {"HumanLabels": 1},
    ],
)
def test_prices_that_make_no_sense_are_refused(prices: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"Currency|ServiceFee|HumanLabel"):
        ActiveLearning.model_validate({"Prices": prices})


def test_labels_before_a_round_are_those_after_it_less_its_own() -> None:
    counts = Counts(input=100, pool=60, validation=10, human=30, auto=0, failed=0)
    record = RoundRecord(round=2, trained=True, labeled_by_people=15, counts=counts)
    assert record.human_labels_before == 25
    assert record.human_labels == record.outcomes.human == 40


@given(st.floats(0, 1e6), st.floats(1e-3, 1e6), st.integers(2, 8))
def test_ticks_are_even_and_inside(low: float, span: float, most: int) -> None:
    high = low + span
    ticks = nice_ticks(low, high, most)
    assert all(low - 1e-6 * span <= tick <= high + 1e-6 * span for tick in ticks)
    assert len(ticks) <= most + 1
    steps = [(later - earlier) / span for earlier, later in itertools.pairwise(ticks)]
    assert not steps or max(steps) - min(steps) < 1e-5


@given(st.integers(0, 100), st.integers(1, 10_000))
def test_ticks_of_counts_are_whole_numbers(low: int, span: int) -> None:
    ticks = nice_ticks(low, low + span, whole=True)
    assert ticks
    assert all(tick == int(tick) for tick in ticks)


def test_numbers_read_as_people_write_them() -> None:
    assert (money(1234.5, "USD"), money(-3, "CHF")) == ("$1,234.50", "−CHF 3.00")
    assert (price(0.012, "USD"), price(2, "USD"), price(0.125, "EUR")) == ("$0.012", "$2.00", "€0.125")
    told = [seconds(number).replace("\u00a0", " ") for number in (4.21, 9.99, 59.7, 200, 7500)]
    assert told == ["4.2 s", "10 s", "1 min 0 s", "3 min 20 s", "2 h 5 min"]
