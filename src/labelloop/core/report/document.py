"""The report: what the run did, and what became of every data object."""

from collections import Counter
from typing import Any

from labelloop.core.certificate.audit_schedule import AuditSchedule, level
from labelloop.core.certificate.betting import fewest_draws
from labelloop.core.ledger import Counts
from labelloop.core.report.forecast import forecast
from labelloop.core.report.learning_curve import InversePowerLaw, fit_inverse_power_law
from labelloop.workflow.request import Prices
from labelloop.workflow.run_state import RunState

FAILURES_LISTED = 100
Record = dict[str, Any]


class Failures:
    """Objects without a label, each with its reason: all counted, the first of them listed."""

    def __init__(self) -> None:
        self._reasons: Counter[str] = Counter()
        self._listed: list[dict[str, Any]] = []

    def note(self, line_number: int, reason: str) -> None:
        """Take note of an object, by its line in the output manifest, counted from 1."""
        self._reasons[reason] += 1
        if len(self._listed) < FAILURES_LISTED:
            self._listed.append({"line": line_number, "reason": reason})

    def as_dict(self) -> dict[str, Any]:
        return {"by_reason": dict(self._reasons.most_common(FAILURES_LISTED)), "first": self._listed}


def outcome_counts(counts: Counts) -> dict[str, int]:
    """How many objects have a label from people, from the model, or none; sums to the input."""
    return {
        "input": counts.input,
        "human": counts.human_labels,
        "auto": counts.auto,
        "failed": counts.failed,
        "unlabeled": counts.pool,
    }


def report_document(
    state: RunState, round_records: list[Record], failures: Failures, evidence: Record | None
) -> Record:
    """The machine-readable report; seconds and comparisons with a known truth are added by who has them.

    `evidence`: what `model_quality` makes of the models' predictions; None when there are none.
    """
    settings = state.settings
    foretold = forecast(round_records, state.counts.pool, settings.target_error)
    return {
        "execution": state.execution_name,
        "policy": settings.policy,
        "query_strategy": settings.query_strategy,
        "seed": settings.seed,
        "target_error": settings.target_error,
        "confidence": settings.confidence,
        "classes": state.class_names,
        "counts": outcome_counts(state.counts),
        "human_labels_in_input": state.labels_in_input,
        "human_share": state.counts.human_labels / state.counts.input,
        "certificate": state.certificate,
        "no_certificate_because": _why_no_certificate(state),
        "stopped_because": state.stopped_because,
        "cost": labeling_cost(
            settings.prices,
            human_labels=state.counts.human_labels - state.labels_in_input,
            auto_labels=_auto_labels_of_the_run(state, round_records),
            people_per_object=state.request.people_per_object,
            repeated_answers=state.repeated_answers,
        ),
        "rounds": round_records,
        "random_baseline": random_baseline(state, round_records, evidence),
        "evidence": evidence,
        "next_round": foretold.as_dict() if foretold else None,
        "failures": failures.as_dict(),
        "settings": settings.model_dump(by_alias=True, mode="json", exclude_none=True),
    }


def labeling_cost(
    prices: Prices, *, human_labels: int, auto_labels: int, people_per_object: int, repeated_answers: int = 0
) -> dict[str, Any]:
    """What the run's labels cost, and what labels by people in place of the auto-labels would have cost.

    `human_labels` and `auto_labels` count data objects; each takes `people_per_object` answers when people
    label it. `repeated_answers`: how often people were asked anew about objects they had answered about, at
    the price of one more object each. Labels that came with the input cost nothing here.
    """
    of_an_object = prices.of_an_object(people_per_object)
    people, model = (human_labels + repeated_answers) * of_an_object, auto_labels * prices.auto_label
    return {
        "currency": prices.currency,
        "human_label": prices.human_label,
        "service_fee": prices.service_fee,
        "auto_label": prices.auto_label,
        "list_prices": prices == Prices(),
        "people_per_object": people_per_object,
        "human_labels": human_labels,
        "repeated_answers": repeated_answers,
        "answers": (human_labels + repeated_answers) * people_per_object,
        "auto_labels": auto_labels,
        "answers_saved": (auto_labels - repeated_answers) * people_per_object,
        "spent_on_people": round(human_labels * of_an_object, 4),
        "spent_on_repeated_answers": round(repeated_answers * of_an_object, 4),
        "spent_on_model": round(model, 4),
        "spent": round(people + model, 4),
        "model_labels_by_people": round(auto_labels * of_an_object, 4),
        "saved": round((auto_labels - repeated_answers) * of_an_object - model, 4),
    }


def human_labels_before(record: Record) -> int:
    """How many labels by people there were when a round began, by the counts at its end."""
    counts = record["counts"]
    return int(counts["human"] + counts["validation"] - record.get("labeled_by_people", 0))


def random_baseline(state: RunState, round_records: list[Record], evidence: Record | None) -> dict[str, Any]:
    """What labels drawn at random would have given: a learning curve through the rounds that had no others.

    Either `law` with the `rounds` it was fitted to and its `accuracy` at the run's last number of labels, or
    `unknown_because`.
    """
    rounds = _rounds_on_random_labels(round_records, state.settings.query_strategy)
    scored = {entry["round"]: entry for entry in (evidence or {}).get("accuracy_by_round", ())}
    known = [record for record in rounds if "accuracy" in scored.get(record["round"], {})]
    labels = [human_labels_before(record) for record in known]
    law = fit_inverse_power_law(
        labels,
        [scored[record["round"]]["accuracy"] for record in known],
        [scored[record["round"]]["labeled"] for record in known],
    )
    if law is None:
        return {"unknown_because": _why_no_baseline(len(set(labels)))}
    last = human_labels_before([record for record in round_records if record.get("trained")][-1])
    return {
        "law": {"limit": law.limit, "factor": law.factor, "decay": law.decay},
        "rounds": [record["round"] for record in known],
        "human_labels": last,
        "accuracy": law.at(last),
        "curve": _points(law, min(labels), max(last, *labels)),
    }


def _rounds_on_random_labels(round_records: list[Record], query_strategy: str) -> list[Record]:
    """Rounds whose model learned from labels drawn from the whole input alike.

    Where a strategy has chosen, what the model may label was left out, or a test has drawn the doubtful ones
    more often, later labels are no such draw.
    """
    rounds = []
    for record in round_records:
        if record.get("trained"):
            rounds.append(record)
            if query_strategy != "random" or record.get("auto_labels_committed") or record.get("test"):
                break
    return rounds


def _why_no_baseline(random_sizes: int) -> str:
    if random_sizes == 0:
        return "no model was trained on randomly drawn labels and scored"
    if random_sizes < 4:
        rounds = "one round" if random_sizes == 1 else f"{random_sizes} rounds"
        return (
            f"{rounds} only had a model trained on randomly drawn labels alone, "
            "and a learning curve takes four to fit"
        )
    return "the accuracy did not rise with the number of randomly drawn labels"


def _points(law: InversePowerLaw, first: int, last: int) -> list[list[float]]:
    steps = 24
    sizes = [first + (last - first) * step / steps for step in range(steps + 1)]
    return [[size, law.at(size)] for size in sizes]


def _auto_labels_of_the_run(state: RunState, round_records: list[Record]) -> int:
    """Auto-labels that came with the input are left out."""
    committed = sum(int(record.get("auto_labels_committed", 0)) for record in round_records)
    return min(committed, state.counts.auto)


def _why_no_certificate(state: RunState) -> str | None:
    if state.certificate is not None:
        return None
    if state.settings.policy == "blog":
        return "the post's rules promise nothing about the error"
    fewest = fewest_draws(state.settings.target_error, level(AuditSchedule(), state.settings.confidence))
    if not state.schedule.tests and state.counts.input - state.labels_in_input <= fewest:
        return (
            f"a test of an error of {state.settings.target_error:.3g} at {state.settings.confidence:.0%} "
            f"confidence draws {fewest} objects or more, and there are {state.counts.input} in all"
        )
    if state.counts.auto == 0:
        tests = "1 test" if state.schedule.tests == 1 else f"{state.schedule.tests} tests"
        return (
            f"{tests} failed, so the model labeled nothing"
            if state.schedule.tests
            else "the model never expected to pass a test, so it labeled nothing"
        )
    return "the auto-labels came with the input"
