import inspect
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from labelloop.core.ledger import NO_IDS, Ids, Ledger, State
from labelloop.core.model.predictions import Predictions
from labelloop.core.query_strategies import (
    DEFAULT_QUERY_STRATEGY,
    QUERY_STRATEGIES,
    LabeledObjects,
    QueryStrategyError,
    checked_ranking,
    load_query_strategy,
    neighborhood_margin,
)
from labelloop.core.query_strategies.nearest_neighbors import nearest_neighbors
from labelloop.core.query_strategies.selection import labeled_by_people, select_most_useful
from labelloop.workflow.request import ActiveLearning

DOCS = (Path(__file__).parents[2] / "docs" / "query-strategies.md").read_text()


def predictions_of(
    margins: npt.ArrayLike, labels: npt.ArrayLike = 0, embedding: npt.ArrayLike | None = None
) -> Predictions:
    margins = np.asarray(margins, np.float32)
    predictions = Predictions(len(margins))
    predictions.label[:] = labels
    predictions.margin[:] = margins
    predictions.confidence[:] = (1 + margins) / 2
    predictions.entropy[:] = 1 - margins
    if embedding is not None:
        predictions.embedding = np.asarray(embedding, np.float16)
    return predictions


def rank(strategy: str, predictions: Predictions, batch_size: int = 1, seed: int = 0) -> list[int]:
    candidates = np.arange(len(predictions.label))
    rng = np.random.default_rng(seed)
    return [int(i) for i in QUERY_STRATEGIES[strategy]().rank(candidates, predictions, rng, batch_size)]


@pytest.mark.parametrize("strategy", ["margin", "least-confidence", "entropy", "neighborhood-margin"])
def test_the_least_sure_come_first(strategy: str) -> None:
    assert rank(strategy, predictions_of([0.5, 0.1, 0.9, 0.3])) == [1, 3, 0, 2]


def test_entropy_looks_at_all_classes_and_margin_at_two() -> None:
    predictions = predictions_of([0.1, 0.2])
    predictions.entropy[:] = (0.7, 1.0)
    assert (rank("margin", predictions), rank("entropy", predictions)) == ([0, 1], [1, 0])


def test_bald_asks_where_the_ensemble_disagrees_however_small_the_margin() -> None:
    predictions = predictions_of([0.0, 0.9, 0.9])
    predictions.disagreement = np.asarray([0.0, 0.3, 0.1], np.float32)
    assert rank("bald", predictions) == [1, 2, 0]


def test_random_sampling_draws_each_object_equally_often() -> None:
    predictions = predictions_of([0.0, 0.5, 1.0])
    firsts = np.bincount([rank("random", predictions, seed=seed)[0] for seed in range(600)])
    assert firsts.min() > 150


def test_k_center_covers_every_group_before_it_asks_twice_in_one() -> None:
    places = np.asarray([[0, 0], [0.1, 0], [0, 0.1], [9, 0], [9, 0.1], [0, 9]])
    for seed in range(20):
        ranked = rank("k-center", predictions_of(np.ones(6), embedding=places), 3, seed)
        assert {(object_id > 2) + (object_id > 4) for object_id in ranked[:3]} == {0, 1, 2}


def test_badge_draws_from_each_unsure_group_and_takes_all_sure_objects_for_one() -> None:
    """Thirty objects of no gradient, however far out, and two groups of ten unsure ones."""
    places = np.concatenate(
        [np.tile([50.0, 50.0], (30, 1)), np.tile([3.0, 0], (10, 1)), np.tile([0, 3.0], (10, 1))]
    )
    margins = np.repeat([1.0, 0.1, 0.1], [30, 10, 10])
    for seed in range(20):
        ranked = rank("badge", predictions_of(margins, embedding=places), 3, seed)
        assert sorted(max(2, object_id // 10) for object_id in ranked[:3]) == [2, 3, 4]


def two_groups(seed: int = 0) -> tuple[Predictions, int]:
    """Forty objects each of two classes, well apart; one in the first is surely taken for the second's."""
    rng = np.random.default_rng(seed)
    labels = np.repeat([0, 1], 40)
    embedding = rng.normal(0, 0.1, (80, 3)) + labels[:, np.newaxis] * 5
    labels[7] = 1
    return predictions_of(rng.uniform(0.7, 0.9, 80), labels, embedding), 7


def test_the_default_finds_an_object_taken_for_what_its_neighbors_are_not() -> None:
    predictions, misplaced = two_groups()
    predictions.margin[misplaced] = 0.9
    assert rank(DEFAULT_QUERY_STRATEGY, predictions)[0] == misplaced
    assert rank("margin", predictions)[-1] == misplaced


def test_the_default_is_margin_sampling_without_embeddings() -> None:
    predictions, _ = two_groups()
    predictions.embedding = None
    assert rank(DEFAULT_QUERY_STRATEGY, predictions) == rank("margin", predictions)


def test_the_default_does_not_listen_to_an_embedding_that_knows_nothing_of_the_classes() -> None:
    """Four corners with both classes in equal shares: neighbors agree no more often than any two objects."""
    labels = np.tile([0, 1, 1, 0, 0, 1], 40)
    places = np.repeat(np.arange(40), 6)[:, np.newaxis] * [1.0, 1.0]
    margins = np.random.default_rng(0).random(240)
    predictions = predictions_of(margins, labels, places)
    assert rank(DEFAULT_QUERY_STRATEGY, predictions) == rank("margin", predictions)


@pytest.mark.parametrize("searched", [250_000, 1000])
def test_the_default_asks_sooner_for_fewer_errors_left_behind_than_margin(
    monkeypatch: pytest.MonkeyPatch, searched: int
) -> None:
    """A model whose errors are sure of themselves, one in twelve, among objects of eight kinds.

    Also where neighbors are looked for in parts of all objects.
    """
    monkeypatch.setattr(neighborhood_margin, "_MOST_SEARCHED", searched)
    rng = np.random.default_rng(1)
    kinds = rng.integers(0, 8, 3000)
    truth = kinds % 4
    embedding = rng.normal(0, 1, (8, 6))[kinds] * 3 + rng.normal(0, 1, (3000, 6))
    wrong = rng.random(3000) < 1 / 12
    labels = np.where(wrong, (truth + 1) % 4, truth)
    predictions = predictions_of(rng.uniform(0.6, 0.9, 3000), labels, embedding)
    left = {
        name: wrong[rank(name, predictions, 300)[300:]].mean() for name in ("margin", DEFAULT_QUERY_STRATEGY)
    }
    assert left[DEFAULT_QUERY_STRATEGY] < left["margin"] / 3


@pytest.mark.parametrize(
    ("strategy", "key"), [("k-center", "embedding"), ("badge", "embedding"), ("bald", "disagreement")]
)
def test_what_the_container_does_not_give_is_named(strategy: str, key: str) -> None:
    with pytest.raises(QueryStrategyError, match=f'strategy {strategy} needs .* must answer .*"{key}"'):
        rank(strategy, predictions_of([0.1, 0.2]))


@pytest.mark.parametrize("strategy", ["neighborhood-margin", "badge", "k-center"])
def test_the_unit_of_the_embedding_does_not_matter(strategy: str) -> None:
    predictions, _ = two_groups()
    assert predictions.embedding is not None
    ranked = rank(strategy, predictions, 8)
    predictions.embedding = predictions.embedding * np.float16(16)
    assert rank(strategy, predictions, 8) == ranked


def test_long_embeddings_are_projected_and_still_find_neighbors() -> None:
    predictions, misplaced = two_groups()
    assert predictions.embedding is not None
    predictions.margin[misplaced] = 0.9
    directions = np.random.default_rng(0).normal(0, 1, (3, 300)).astype(np.float16)
    predictions.embedding = predictions.embedding @ directions
    assert rank(DEFAULT_QUERY_STRATEGY, predictions)[0] == misplaced


def exact_neighbors(points: npt.NDArray[np.float32], count: int) -> npt.NDArray[np.int64]:
    distances = np.square(points[:, np.newaxis] - points).sum(axis=2)
    np.fill_diagonal(distances, np.inf)
    return np.sort(np.argsort(distances, axis=1)[:, :count], axis=1)


def test_neighbors_among_few_points_are_the_nearest() -> None:
    points = np.random.default_rng(0).random((300, 4), np.float32)
    found = nearest_neighbors(points, 5, np.random.default_rng(1))
    assert np.array_equal(np.sort(found, axis=1), exact_neighbors(points, 5))


def test_neighbors_among_many_points_are_mostly_the_nearest_and_never_oneself() -> None:
    rng = np.random.default_rng(0)
    points = rng.normal(0, 1, (12_000, 8)).astype(np.float32)
    found = nearest_neighbors(points, 5, rng)
    assert not np.any(found == np.arange(12_000)[:, np.newaxis])
    some = rng.choice(12_000, 200, replace=False)
    distances = np.square(points[some, np.newaxis] - points).sum(axis=2)
    distances[np.arange(200), some] = np.inf
    nearest = np.argsort(distances, axis=1)[:, :5]
    hits = [len(np.intersect1d(ours, theirs)) for ours, theirs in zip(found[some], nearest, strict=True)]
    assert np.mean(hits) / 5 > 0.85


def test_neighbors_where_most_points_are_the_same() -> None:
    points = np.zeros((20_000, 2), np.float32)
    points[:100] = np.random.default_rng(0).random((100, 2), np.float32) + 1
    found = nearest_neighbors(points, 5, np.random.default_rng(1))
    assert all(len(set(row)) == 5 for row in found[::50].tolist())
    assert np.array_equal(np.sort(found[:100], axis=1), exact_neighbors(points[:100], 5))
    assert found[100:].min() >= 100
    assert not np.any(found == np.arange(20_000)[:, np.newaxis])


@pytest.mark.slow
@pytest.mark.parametrize("strategy", sorted(QUERY_STRATEGIES))
def test_a_hundred_thousand_candidates_are_ranked(strategy: str) -> None:
    """What takes a hundred thousand squared of anything would not come to an end."""
    rng = np.random.default_rng(0)
    embedding = rng.normal(0, 1, (100_000, 32)).astype(np.float16)
    predictions = predictions_of(rng.random(100_000), rng.integers(0, 4, 100_000), embedding)
    predictions.disagreement = rng.random(100_000, np.float32)
    assert len(set(rank(strategy, predictions, 2000)[:2000])) == 2000


class Returns:
    """A strategy that makes an answer of the candidates."""

    def __init__(self, answer: Callable[[Ids], object]) -> None:
        self._answer = answer

    def rank(
        self, candidates: Ids, predictions: Predictions, rng: np.random.Generator, batch_size: int = 1
    ) -> Ids:
        return self._answer(candidates)  # type: ignore[return-value]


@pytest.mark.parametrize(
    "answer",
    [
        lambda ids: ids[:-1],
        lambda ids: ids * 0,
        lambda ids: ids + 1,
        lambda ids: ids / 2,
        lambda ids: np.stack([ids]),
        lambda ids: None,
        lambda ids: ["a"] * len(ids),
        lambda ids: np.sort(ids) == 0,
    ],
)
def test_a_ranking_that_is_no_permutation_is_refused_by_name(answer: Callable[[Ids], object]) -> None:
    with pytest.raises(QueryStrategyError, match="test_query_strategies:Returns must return"):
        checked_ranking(Returns(answer), np.arange(3), predictions_of([0, 0, 0]), np.random.default_rng(0))


def test_a_strategy_that_changes_what_it_was_given_is_held_against_the_original() -> None:
    def spoil(ids: Ids) -> Ids:
        ids[:] = 0
        return ids

    with pytest.raises(QueryStrategyError, match="left some out"):
        checked_ranking(Returns(spoil), np.arange(3), predictions_of([0, 0, 0]), np.random.default_rng(0))


def test_a_list_in_another_order_is_a_ranking() -> None:
    strategy = Returns(lambda ids: ids[::-1].tolist())
    ranked = checked_ranking(strategy, np.arange(3), predictions_of([0, 0, 0]), np.random.default_rng(0))
    assert ranked.tolist() == [2, 1, 0]


@pytest.fixture
def own_strategies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a module as a user may write it."""
    (tmp_path / "own_strategies.py").write_text("""
class Oldest:
    def rank(self, candidates, predictions, rng, batch_size):
        return sorted(candidates)

class NeedsTheLabels:
    def rank(self, candidates, predictions, rng, batch_size, *, labeled):
        return candidates

class NeedsAnArgument:
    def __init__(self, size): ...

class CannotRank: ...

class RanksOtherwise:
    def rank(self, candidates): ...

class FailsAtOnce:
    def __init__(self):
        raise OSError("no such file")

not_a_class = 3
""")
    (tmp_path / "broken_strategies.py").write_text("import a_library_that_is_missing")
    (tmp_path / "failing_strategies.py").write_text("1 / 0")
    monkeypatch.syspath_prepend(tmp_path)
    return "own_strategies"


def test_a_users_own_strategy_ranks(own_strategies: str) -> None:
    strategy = load_query_strategy(f"{own_strategies}:Oldest")
    ranked = checked_ranking(strategy, np.array([2, 5]), predictions_of([0] * 6), np.random.default_rng(0))
    assert ranked.tolist() == [2, 5]


class LooksAtLabels:
    """Remembers what it was told of the labeled objects."""

    def __init__(self) -> None:
        self.seen: LabeledObjects | None = None

    def rank(
        self,
        candidates: Ids,
        predictions: Predictions,
        rng: np.random.Generator,
        batch_size: int = 1,
        *,
        labeled: LabeledObjects | None = None,
    ) -> Ids:
        self.seen = labeled
        return candidates[::-1]


def ledger_of_six() -> Ledger:
    """Pool, and an object each in another state, in the order of the states."""
    ledger = Ledger.of_size(6)
    ledger.label(np.array([2]), np.array([1], np.int16), State.HUMAN, 1)
    ledger.label(np.array([3]), np.array([2], np.int16), State.VALIDATION, 1)
    ledger.label(np.array([4]), np.array([0], np.int16), State.AUTO, 1)
    ledger.fail(np.array([5]), 1)
    return ledger


@pytest.mark.parametrize("embedded", [False, True])
def test_a_strategy_may_see_what_people_have_labeled(embedded: bool) -> None:
    places = np.arange(12).reshape(6, 2) if embedded else None
    predictions, strategy = predictions_of(np.zeros(6), embedding=places), LooksAtLabels()
    predictions.label[:] = (0, 1, -1, 2, -1, -1)  # the model was not asked about what it had learned from
    rng = np.random.default_rng(0)
    assert select_most_useful(ledger_of_six(), predictions, NO_IDS, 1, strategy, rng).tolist() == [1]
    assert strategy.seen is not None
    assert (strategy.seen.ids.tolist(), strategy.seen.labels.tolist()) == ([2, 3], [1, 2])
    if not embedded:
        assert strategy.seen.embedding is None
    else:
        assert strategy.seen.embedding is not None
        np.testing.assert_array_equal(strategy.seen.embedding, [[np.nan, np.nan], [6, 7]])
        assert predictions.embedding is not None
        assert not np.isnan(predictions.embedding).any(), "the predictions themselves stay as they are"


def test_no_embedding_is_told_where_no_labeled_object_was_predicted() -> None:
    predictions = predictions_of(np.zeros(6), embedding=np.zeros((6, 2)))
    predictions.label[2:] = -1
    assert labeled_by_people(ledger_of_six(), predictions).embedding is None


def test_a_strategy_of_four_arguments_is_called_with_four(own_strategies: str) -> None:
    strategy, rng = load_query_strategy(f"{own_strategies}:Oldest"), np.random.default_rng(0)
    asked = select_most_useful(ledger_of_six(), predictions_of(np.zeros(6)), NO_IDS, 1, strategy, rng)
    assert asked.tolist() == [0]


def test_a_strategy_that_must_have_the_labels_is_loaded(own_strategies: str) -> None:
    load_query_strategy(f"{own_strategies}:NeedsTheLabels")


@pytest.mark.usefixtures("own_strategies")
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("no_such_module:Oldest", "no module no_such_module can be imported"),
        ("own_strategies.deeper:Oldest", "cannot be imported|no module own_strategies.deeper"),
        ("own_strategies:Missing", "the module own_strategies has no class Missing"),
        ("own_strategies:not_a_class", "has no class not_a_class"),
        ("own_strategies:NeedsAnArgument", "constructible without arguments, but TypeError"),
        ("own_strategies:FailsAtOnce", "constructible without arguments, but OSError: no such file"),
        ("own_strategies:CannotRank", r"has no method rank\(candidates, predictions, rng, batch_size\)"),
        ("own_strategies:RanksOtherwise", r"is called as rank\(.*\), but its method is rank\(candidates\)"),
        ("broken_strategies:Oldest", "cannot be imported: ModuleNotFoundError: .*a_library_that_is_missing"),
        ("failing_strategies:Oldest", "cannot be imported: ZeroDivisionError"),
        ("magic", "there is no query strategy 'magic': choose from neighborhood-margin, badge"),
        ("own_strategies:Oldest()", "there is no query strategy"),
        ("own-strategies:Oldest", "there is no query strategy"),
        ("../own_strategies:Oldest", "there is no query strategy"),
        (".own_strategies:Oldest", "there is no query strategy"),
        ("own_strategies:Oldest:Oldest", "there is no query strategy"),
        ("own_strategies:Oldest\n", "there is no query strategy"),
        ("", "there is no query strategy"),
    ],
)
def test_a_strategy_that_cannot_be_used_is_told_before_anything_is_spent(name: str, message: str) -> None:
    with pytest.raises(QueryStrategyError, match=message):
        load_query_strategy(name)
    if message.startswith("there is no query strategy"):
        with pytest.raises(ValueError, match=message):
            ActiveLearning.model_validate({"QueryStrategy": name})
    else:
        # It may be there in the steps' image alone.
        assert ActiveLearning.model_validate({"QueryStrategy": name}).query_strategy == name


def test_the_documentation_lists_every_strategy_with_its_description_and_source() -> None:
    for name, strategy in QUERY_STRATEGIES.items():
        assert f"| `{name}` | {strategy.description} |" in DOCS, name
        for line in (inspect.getdoc(strategy) or "").split("arXiv ")[1:]:
            assert line.split(";")[0].split(")")[0].split(",")[0] in DOCS, name
    assert f"`{DEFAULT_QUERY_STRATEGY}`, the default" in DOCS
