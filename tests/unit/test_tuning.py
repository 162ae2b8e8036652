"""Every tuned constant is in the `Tuning`, says what it is, and reaches the code that it tunes."""

import ast
import inspect
import math
import pickle
import re
from collections.abc import Iterator
from dataclasses import fields, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from labelloop.core.certificate import tuning as module
from labelloop.core.certificate.audit import Audit
from labelloop.core.certificate.audit_evidence import Group
from labelloop.core.certificate.audit_schedule import AuditSchedule, may_test_again
from labelloop.core.certificate.auto_labeling import AutoLabeling
from labelloop.core.certificate.betting import fewest_draws, make_plan
from labelloop.core.certificate.promise import Promise
from labelloop.core.certificate.reliability import Reliability
from labelloop.core.certificate.tuning import DEFAULT, Betting, Drawing, Timing, Tuning
from labelloop.core.ledger import Counts, Ledger, State
from labelloop.core.loop import Loop, label_what_is_sure
from labelloop.core.model.predictions import Predictions
from labelloop.core.query_strategies.neighborhood_margin import NeighborhoodMargin
from labelloop.core.records import Verdict
from labelloop.core.sizes import default_start_size
from labelloop.core.stopping import Limits, Next, Standing, decide, objects_to_ask
from labelloop.workflow.request import parse_settings

CORE = Path(__file__).parents[2] / "src" / "labelloop" / "core"
LABELERS = CORE.parent / "labelers"
TUNED = [
    *(path for path in sorted((CORE / "certificate").glob("*.py")) if path.name != "tuning.py"),
    CORE / "stopping.py",
    CORE / "loop.py",
    CORE / "sizes.py",
]
# Tolerances, iteration limits, edges of bins: nobody would search over these.
OF_MATHEMATICS = {
    "betting.py": {"_HALVINGS", "_LEAST_GROWTH", "_LEAST_CHANCE", "_DRAWS_TRIED"},
    "promise.py": {"_DECIMALS"},
    "audit_schedule.py": {"_LEAST_DOUBT"},
    "surest.py": {"_LEAST_GROWTH"},
    "lineage.py": {"_NOTHING"},
    "reliability.py": {"_EDGES", "_BINS", "_LEAST", "_MOST", "_MOST_STEPS", "_LEAST_STEP"},
    "possible_parts.py": {"_LEAST_CHANCE"},
}
# What calculations say that are not constants of anything: none, one, all of a chance, an inverse square.
PLAIN_NUMBERS = {0.0, 1.0, 2.0}


def groups() -> Iterator[tuple[str, type[Any]]]:
    for group in fields(Tuning):
        yield group.name, type(getattr(DEFAULT, group.name))


def described(path: Path, classes: dict[str, str]) -> dict[tuple[str, str], str]:
    """The string that stands under each field, by its group and name."""
    found = {}
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ClassDef) and node.name in classes:
            for field, text in pairwise(node.body):
                if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr):
                    found[classes[node.name], ast.unparse(field.target)] = str(ast.literal_eval(text.value))
    return found


DESCRIPTION = re.compile(r"\S.+ Unit: \S.+\. Larger: \S.+\. Source: \S.+\.")
DESCRIBED = described(Path(module.__file__), {cls.__name__: name for name, cls in groups()})
FIELDS = [(name, field.name) for name, cls in groups() for field in fields(cls)]


def varied(group: str, **changes: Any) -> Tuning:
    return replace(DEFAULT, **{group: replace(getattr(DEFAULT, group), **changes)})


def labeled_by(*, doubt: float, tuning: Tuning, size: int = 5_000) -> AutoLabeling:
    """What a model labels that doubts each label as much, at a target error of 5 %."""
    ledger = Ledger.of_size(size)
    ledger.label(np.arange(size // 10), 0, State.HUMAN, 0)
    policy = parse_settings({"Seed": 0}).loop_settings(looks_for_doubt=True, labels_ahead=False)
    predictions = Predictions(size)
    predictions.label[:] = 0
    predictions.confidence[:] = 1 - doubt
    predictions.margin[:] = 1 - 2 * doubt
    loop = Loop.begin(policy, ledger, tuning=tuning)
    loop.schedule = AuditSchedule(expected_errors=3.0, actual_errors=2.9)
    return label_what_is_sure(loop, predictions)


# Where constants are ---------------------------------------------------------------------------------------


def numbers(node: ast.AST) -> list[float]:
    """The numeric literals below a node."""
    values = [inner.value for inner in ast.walk(node) if isinstance(inner, ast.Constant)]
    return [value for value in values if isinstance(value, (int, float)) and not isinstance(value, bool)]


@pytest.mark.parametrize("path", TUNED, ids=lambda path: path.name)
def test_no_constant_outside_the_tuning_but_those_of_mathematics(path: Path) -> None:
    constants = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value and numbers(node.value):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            constants |= {
                name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)
            }
    assert constants == OF_MATHEMATICS.get(path.name, set())


@pytest.mark.parametrize("path", TUNED, ids=lambda path: path.name)
def test_no_number_inside_a_function_or_class_tunes_anything(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            fractions = {number for number in numbers(node) if isinstance(number, float)}
            assert fractions <= PLAIN_NUMBERS, node.name


@pytest.mark.parametrize(("group", "field"), FIELDS)
def test_each_field_says_its_unit_what_it_trades_and_where_it_comes_from(group: str, field: str) -> None:
    assert DESCRIPTION.fullmatch(" ".join(DESCRIBED.get((group, field), "").split()))


@pytest.mark.parametrize(("group", "field"), FIELDS)
def test_each_field_tunes_something(group: str, field: str) -> None:
    name = re.compile(rf"\b{group}\.{field}\b")
    assert any(
        name.search(path.read_text()) for path in [*TUNED, CORE / "settings.py", LABELERS / "container.py"]
    )


def test_the_default_query_strategy_says_the_same_of_its_own_numbers() -> None:
    path = Path(str(inspect.getsourcefile(NeighborhoodMargin)))
    numbers = described(path, {"NeighborhoodMargin": ""})
    assert set(numbers) == {("", field.name) for field in fields(NeighborhoodMargin)}
    assert all(DESCRIPTION.fullmatch(" ".join(text.split())) for text in numbers.values())


# How a Tuning gets there -----------------------------------------------------------------------------------


def tuned_functions() -> set[str]:
    """What takes a Tuning: functions, methods, and classes by their constructor."""
    names = set()
    for path in TUNED:
        for node in ast.walk(ast.parse(path.read_text())):
            for function in node.body if isinstance(node, (ast.ClassDef, ast.Module)) else []:
                if isinstance(function, ast.FunctionDef) and "tuning" in {
                    argument.arg for argument in function.args.kwonlyargs
                }:
                    constructor = function.name == "__init__" and isinstance(node, ast.ClassDef)
                    if isinstance(node, ast.ClassDef) and constructor:
                        names |= {node.name, "cls"}
                    elif isinstance(node, ast.ClassDef) and function.decorator_list:
                        names.add(f"{node.name}.{function.name}")
                    else:
                        names.add(function.name)
    return names


@pytest.mark.parametrize("path", TUNED, ids=lambda path: path.name)
def test_a_tuning_is_handed_on_wherever_one_is_taken(path: Path) -> None:
    """Or a run with another Tuning would here and there use the default one."""
    taking = tuned_functions()
    assert {"auto_label", "Audit", "Audit.of", "may_test_again", "decide", "evidence_of"} <= taking
    tree = ast.parse(path.read_text())
    # An object that holds a Tuning hands it on by itself.
    holds_one = {
        f"self.{method.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and "tuning: Tuning" in ast.unparse(node)
        for method in node.body
        if isinstance(method, ast.FunctionDef) and "tuning" not in ast.unparse(method.args)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if {called, called.rpartition(".")[2]} & taking and called not in holds_one:
                assert "tuning" in {keyword.arg for keyword in node.keywords}, f"line {node.lineno}: {called}"


@pytest.mark.parametrize("path", TUNED, ids=lambda path: path.name)
def test_the_default_is_nothing_but_a_default(path: Path) -> None:
    tree = ast.parse(path.read_text())
    used = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == "DEFAULT"]
    defaults: list[ast.AST | None] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            defaults += node.args.kw_defaults
        elif isinstance(node, ast.AnnAssign):
            defaults.append(node.value)
    assert len(used) == sum(isinstance(one, ast.Name) and one.id == "DEFAULT" for one in defaults)


def test_a_tuning_can_be_sent_to_other_processes_and_compared() -> None:
    other = varied("timing", share_spent=0.5)
    assert pickle.loads(pickle.dumps(other)) == other != DEFAULT == Tuning()
    assert len({DEFAULT, Tuning(), other}) == 2


@pytest.mark.parametrize(
    ("group", "fault"),
    [
        (Timing, {"share_spent": 1.1}),
        (Timing, {"share_spent": 0.0}),
        (Betting, {"most_at_stake": 1.0}),
        (Drawing, {"evenness": (1.0, 0.0)}),
        (Drawing, {"evenness": (1.2,)}),
    ],
)
def test_values_the_proof_does_not_hold_for_are_refused(group: Any, fault: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="proof"):
        group(**fault)


# What fields change ----------------------------------------------------------------------------------------


def audit_with(tuning: Tuning, *, size: int = 2_000) -> Audit:
    """Of a model that gives each of its labels a chance of 1 % to be wrong."""
    chances, together = np.full(size, 0.01), np.zeros(size, int)
    groups = [Group(make_plan(chances, Promise(0.05), 0.1, tuning=tuning), 0.1)]
    return Audit.of(
        np.arange(size), together, 1 - chances, chances, together, groups, Promise(0.05), size,
        np.random.default_rng(0), reviewed=False, tuning=tuning,
    )  # fmt: skip


@pytest.mark.parametrize("in_hope", [False, True])
def test_shares_spent_are_what_a_test_takes(in_hope: bool) -> None:
    """Of a model that doubts more than 5 % of its labels, as people's few answers confirm in part, or 1 %."""
    tuning = varied("timing", share_spent=0.8, share_spent_hoping=0.4)
    found = labeled_by(doubt=0.08 if in_hope else 0.01, tuning=tuning)
    assert found.audit is not None
    assert found.schedule.chance_left == pytest.approx(0.6 if in_hope else 0.2)
    assert [group.level for group in found.audit.groups] == pytest.approx([0.04 if in_hope else 0.08])


def test_growth_is_what_a_second_test_waits_for() -> None:
    schedule = AuditSchedule(tests=1, human_labels=100)
    assert not may_test_again(schedule, 150, tuning=varied("timing", least_growth=2.0))
    assert may_test_again(schedule, 150)


def test_a_first_stage_and_the_least_stage_are_what_is_drawn_first() -> None:
    planned = audit_with(DEFAULT).groups[0].plan.draws
    assert len(audit_with(DEFAULT).next_stage()) == math.ceil(planned / 2)
    assert len(audit_with(varied("drawing", first_stage=1.0)).next_stage()) == math.ceil(planned)
    assert len(audit_with(varied("drawing", least_stage=300)).next_stage()) == 300


def test_what_an_only_stage_may_draw() -> None:
    impatient = varied("giving_up", patience=100.0)
    little = replace(impatient, drawing=Drawing(most_in_only_stage=0.1))
    assert len(audit_with(impatient).next_stage(once=True)) == 1_000
    assert len(audit_with(little).next_stage(once=True)) == 200


def test_patience_is_what_a_bad_test_may_draw() -> None:
    def drawn(tuning: Tuning) -> int:
        audit = audit_with(tuning)
        while audit.outcome() == Verdict.OPEN:
            ids = audit.next_stage()
            audit.vote(ids, (ids % 25 == 0).astype(int))
        return int(audit.asked.sum())

    without = varied("giving_up", patience=1.0, patience_share=0.0)
    assert drawn(without) < drawn(DEFAULT)


def test_evenness_and_stakes_are_what_is_drawn_and_bet_with() -> None:
    chances = np.where(np.arange(2_000) < 200, 0.3, 0.001)
    assert make_plan(chances, Promise(0.05), 0.1).evenness < 1
    assert make_plan(chances, Promise(0.05), 0.1, tuning=varied("drawing", evenness=(1.0,))).evenness == 1
    careful = varied("betting", most_at_stake=0.5)
    plan = make_plan(np.zeros(2_000), Promise(0.05), 0.1, tuning=careful)
    assert plan.stake == pytest.approx(0.5 / 0.95, abs=1e-5)
    assert fewest_draws(Promise(0.05), 0.1, tuning=careful) > fewest_draws(Promise(0.05), 0.1)


def test_a_test_keeps_the_tuning_it_was_given() -> None:
    """The stake of a draw is cut by the same Tuning that it was planned with."""
    careful = varied("betting", most_at_stake=0.1)
    bounds = []
    for tuning in (DEFAULT, careful):
        audit = audit_with(DEFAULT)
        audit = Audit(audit.candidates, audit.groups, Promise(0.05), 2_000, reviewed=False, tuning=tuning)
        ids = audit.next_stage()
        audit.vote(ids, np.zeros(len(ids), int))
        bounds.append(audit.evidence(0).error_bound)
    assert bounds[0] < bounds[1], "less was won"


def test_beliefs_are_what_answers_have_to_outweigh() -> None:
    confidence, wrong = np.full(20, 0.95), np.arange(20) < 5
    nobody = np.zeros(20, bool)
    schedule = AuditSchedule().learned(confidence, wrong, nobody)
    stubborn = varied("belief", prior_errors=1_000.0)
    assert schedule.overconfidence(tuning=stubborn) < schedule.overconfidence()
    forgetful = varied("belief", memory=0.0)
    assert schedule.learned(confidence, nobody, nobody, tuning=forgetful).actual_errors == 0
    assert schedule.learned(confidence, nobody, nobody).actual_errors == 4.5
    hard = AuditSchedule().with_labels(10, confidence).asked(np.full(10, 0.5))
    sure = varied("belief", excess_doubt=1.0, prior_labels=0.0)
    assert hard.excess_doubt(confidence, tuning=sure) == pytest.approx(5.5)
    assert hard.excess_doubt(confidence, tuning=varied("belief", excess_doubt=1.0)) < 1.2
    rigid = varied("belief", scale_deviation=1e-3, shift_deviation=1e-3)
    learned = Reliability().learned(confidence, wrong)
    assert learned.uncertainty(confidence, tuning=rigid) == pytest.approx(0.05, abs=1e-3)
    assert learned.uncertainty(confidence)[0] > 0.08


LIMITS = Limits(start=20, validation=0, batch=50, new_human_labels=100, rounds=50, fewest_draws=5)
PROGRESS = Standing(Counts(1_000, 900, 0, 100, 0, 0), 0, 3, 10, idle_rounds=2)


def test_rounds_are_as_large_and_as_many_as_they_are_tuned_to_be() -> None:
    assert default_start_size(10_000, tuning=varied("rounds", start_factor=1.0)) == 465
    assert default_start_size(10_000, tuning=varied("rounds", start_power=0.5)) == 50
    assert default_start_size(100, tuning=varied("rounds", least_start=30)) == 30
    started = replace(PROGRESS, labels_in_input=100)
    assert objects_to_ask(started, LIMITS, left_to_people=60) == 30
    whole = varied("rounds", batch_of_left_to_people=1.0, least_batch=0.001, least_batch_labels=1)
    assert objects_to_ask(started, LIMITS, left_to_people=40, tuning=whole) == 40
    assert decide(started, LIMITS).next == Next.EXPORT
    assert decide(started, LIMITS, tuning=varied("rounds", most_idle_rounds=3)).next == Next.TRAIN
