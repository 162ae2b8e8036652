"""The top of the page: what is promised, the evidence for it, and the most important numbers."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from labelloop.core.records import Certificate, OutcomeCounts, Report
from labelloop.core.report.circumstances import (
    NOTHING_TO_TEST,
    draws_in_words,
    lineage_in_words,
    machine_labels_in_words,
    other_promises_in_words,
    shortfall_in_words,
)
from labelloop.core.report.labels_expected import labels_expected
from labelloop.core.report.true_classes import missed_in_words
from labelloop.reporting.cost import is_priced
from labelloop.reporting.drawing import Drawing
from labelloop.reporting.parts import Headline, Key, Tile
from labelloop.reporting.text import count, counted, money, percent, printable, seconds, short_percent

_CLASS_NAME = 40


@dataclass(frozen=True)
class _Outcome:
    mark: str  # the class in the style sheet
    words: str
    objects: int


def headline(report: Report) -> Headline:
    certificate, outcomes = report.certificate, _outcomes(report)
    return Headline(
        execution=printable(report.execution),
        sentence=_promise(certificate) if certificate else _no_promise(report),
        grounds=[
            *(_grounds(report, certificate) if certificate else _why_not(report)),
            *_brought(report),
            *_given(report),
        ],
        certified=certificate is not None,
        tiles=_tiles(report),
        bar=_bar(report.counts, outcomes),
        legend=[Key(one.mark, f"{one.words}: {count(one.objects)}") for one in outcomes if one.objects],
    )


def _outcomes(report: Report) -> list[_Outcome]:
    counts = report.counts
    return [
        _Outcome("human", "labeled by people", counts.human),
        _Outcome("auto", "labeled by the model", report.labels_by_model),
        _Outcome("brought", "labeled by machine in the input", report.machine_labels_in_input),
        _Outcome("failed", "impossible to label", counts.failed),
        _Outcome("open", "not labeled", counts.unlabeled),
    ]


def _promise(certificate: Certificate) -> str:
    target, confidence = certificate.promised_error, certificate.confidence
    if certificate.is_of_dataset:
        return (
            f"At most {short_percent(target)} of all labels are wrong, with {short_percent(confidence)} "
            "confidence. Those that people gave count as right."
        )
    labels = f"{count(certificate.auto_labels)} labels the model gave"
    whose = f"each class's share of the {labels}" if certificate.by_class else f"the {labels}"
    return (
        f"At most {short_percent(target)} of {whose} are wrong, with {short_percent(confidence)} confidence."
    )


def _grounds(report: Report, certificate: Certificate) -> list[str]:
    """The numbers behind the promise."""
    sentences = [
        *_test(certificate),
        f"By the test's exact bound, at most {percent(certificate.error_bound)} of the model's labels are "
        f"wrong{_of_all_labels(certificate)}.",
        *_shortfall(certificate),
        f"The model labeled {percent(certificate.coverage)} of the objects that were open then: those where "
        f"its margin between the two best classes is {certificate.threshold:.3f} or more.",
    ]
    return [
        " ".join(sentences),
        f"An error is a label that differs from people's{_reviewed(report)}. The promise covers these "
        "labels, and its confidence covers the whole run, however many tests it made.",
        *missed_in_words(report.true_classes, [printable(name, _CLASS_NAME) for name in report.classes]),
        _circumstances(report, certificate),
    ]


def _test(certificate: Certificate) -> list[str]:
    if not (drawn := certificate.validation_objects):
        return [*_parts(certificate), f"{NOTHING_TO_TEST}."]
    return [
        f"To test this, {count(drawn)} of the {count(drawn + certificate.auto_labels)} objects that the "
        "model would label were drawn at random, doubtful ones more often. People labeled them and found "
        f"the model wrong on {count(certificate.validation_errors)}.{_unsettled(certificate)}",
        *_parts(certificate),
        "Weighted by the probability of each draw, that is an error of about "
        f"{percent(certificate.error_estimate)}.",
    ]


def _parts(certificate: Certificate) -> list[str]:
    if certificate.parts is None:
        return []
    return [
        f"The labels passed in {count(certificate.parts)} parts, by later and later models, each with a test "
        "and a share of the confidence of its own."
    ]


def _shortfall(certificate: Certificate) -> list[str]:
    words = shortfall_in_words(certificate)
    return [f"{words}."] if words else []


def _unsettled(certificate: Certificate) -> str:
    if not (unsettled := certificate.validation_unsettled):
        return ""
    return f" They did not answer or agree about {count(unsettled)}, which count as wrong too."


def _of_all_labels(certificate: Certificate) -> str:
    if certificate.dataset_error_bound is None:
        return ""
    return f", which is {percent(certificate.dataset_error_bound)} of all labels"


def _circumstances(report: Report, certificate: Certificate) -> str:
    draws = printable(draws_in_words(report.seed, was_secret=report.seed_was_secret), 400)
    lineage = f" {lineage_in_words(certificate.lineage)}." if certificate.lineage else ""
    return f"{draws}.{lineage}"


def _reviewed(report: Report) -> str:
    if not report.settings.get("ReviewDisagreements"):
        return ""
    repeated = report.repeated_answers
    asked = f", which took {counted(repeated, 'more answer')}" if repeated else ""
    return f". Two people must agree to overrule the model on an object that was drawn{asked}"


def _brought(report: Report) -> list[str]:
    words = machine_labels_in_words(report)
    return [f"{words}."] if words else []


def _no_promise(report: Report) -> str:
    counts = report.counts
    if labels := report.labels_by_model:
        return f"Nothing is promised about the {count(labels)} labels that the model gave."
    if counts.human == counts.input:
        return f"People labeled all {count(counts.input)} data objects; the model labeled none."
    return "The model labeled nothing, so there is no certificate."


def _why_not(report: Report) -> list[str]:
    because = report.no_certificate_because
    told = [f"There is no certificate: {printable(because, 400)}."] if because else []
    return [*told, *_other_promises(report)]


def _other_promises(report: Report) -> list[str]:
    """What a run in which people labeled nearly everything would have taken otherwise."""
    for record in reversed(report.rounds):
        if record.other_promises:
            certificate_for = str(report.settings.get("CertificateFor", "all"))
            before = record.human_labels_before
            others = other_promises_in_words(
                record.other_promises,
                labels_expected(record, before, report.counts.input - before),
                report.counts.input,
                certificate_for=certificate_for,
                target_error=report.target_error,
            )
            return [f"In round {record.round}, nearly all was left to people. {others}."]
    return []


def _given(report: Report) -> list[str]:
    if not report.given_by:
        return []
    model = report.foundation_model
    of_model = [asking.attribute for asking in report.askings]
    sources = [name for name in report.given_by if name not in of_model]
    named = [f"those under {_listed(sources)} in the input"] if sources else []
    twice = ", asked twice" if report.foundation_model_again else ""
    named += [f"those of {printable(model.model)}{twice}"] if model else []
    return [
        f"The labels are {' and '.join(named)}. No model was trained: what is called the model "
        "here is how far to believe them, learned from people's answers."
    ]


def _listed(names: Sequence[str]) -> str:
    *others, last = map(printable, names)
    return f"{', '.join(others)} and {last}" if others else last


def _tiles(report: Report) -> list[Tile]:
    tiles = [_people(report), _model(report), _saved(report), _accuracy(report), _truth(report)]
    return [tile for tile in tiles if tile is not None]


def _people(report: Report) -> Tile:
    counts, given = report.counts, report.human_labels_in_input
    came_with_the_input = f"; {count(given)} came with the input" if given else ""
    return Tile(
        "Labels by people",
        count(counts.human),
        f"{percent(counts.human_share)} of {count(counts.input)} objects{came_with_the_input}",
        "human",
    )


def _model(report: Report) -> Tile:
    labels, rounds = report.labels_by_model, len(report.rounds)
    duration = f", {seconds(report.seconds)}" if report.seconds else ""
    return Tile(
        "Labels by the model",
        count(labels),
        f"{percent(report.counts.share(labels))}; {rounds} round{'' if rounds == 1 else 's'}{duration}",
        "auto",
    )


def _saved(report: Report) -> Tile | None:
    cost = report.cost
    if cost is None:
        return None
    priced, saved = is_priced(report), cost.answers_saved
    spent = money(cost.spent, cost.currency) if priced else count(cost.answers)
    if saved <= 0:
        name = "Spent on labels" if priced else "Answers by people"
        lost = f": it took {counted(-saved, 'more answer')} than people's labels alone" if saved else ""
        return Tile(name, spent, f"nothing was saved{lost or ': the model labeled nothing'}")
    if not priced:
        return Tile("Answers saved", count(saved), f"people gave {spent}")
    return Tile(
        "Saved on labels", money(cost.saved, cost.currency), f"{count(saved)} answers fewer; {spent} spent"
    )


def _accuracy(report: Report) -> Tile | None:
    quality = report.evidence
    scored = [each for each in quality.accuracy_by_round if each.accuracy is not None] if quality else []
    if quality is None or not scored or scored[-1].accuracy is None:
        return None
    of = "the validation set" if quality.on_a_validation_set else "objects it had not learned from"
    note = f"in round {scored[-1].round}, on {of}"
    return Tile("Model's accuracy", percent(scored[-1].accuracy), note)


def _truth(report: Report) -> Tile | None:
    score = report.score
    if score is None or score.auto_label_error is None:
        return None
    of_all = f"; {percent(score.final_error, 2)} of all labels" if score.final_error is not None else ""
    error = percent(score.auto_label_error, 2)
    return Tile("Truly wrong", error, f"of the model's labels, compared with the truth{of_all}")


def _bar(counts: OutcomeCounts, outcomes: list[_Outcome]) -> Markup:
    shares = ", ".join(f"{count(one.objects)} {one.words}" for one in outcomes)
    drawing = Drawing(
        f"Of {count(counts.input)} data objects: {shares}", width=720, height=14, stretched=True
    )
    left = 0.0
    for one in outcomes:
        width = 720 * counts.share(one.objects)
        drawing.rect(left, 0, width, 14, one.mark, f"{count(one.objects)} {one.words}")
        left += width
    return drawing.markup()
