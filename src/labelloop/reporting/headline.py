"""The top of the page: what is promised, the evidence for it, and the most important numbers."""

from typing import Any

from labelloop.reporting.drawing import Drawing
from labelloop.reporting.parts import Headline, Key, Tile
from labelloop.reporting.text import count, counted, money, percent, printable, seconds, short_percent

# The class in the style sheet, the words, and the key of the counts.
OUTCOMES = (
    ("human", "labeled by people", "human"),
    ("auto", "labeled by the model", "auto"),
    ("failed", "impossible to label", "failed"),
    ("open", "not labeled", "unlabeled"),
)


def headline(document: dict[str, Any]) -> Headline:
    certificate = document.get("certificate")
    return Headline(
        execution=printable(document.get("execution", "")),
        sentence=_promise(document, certificate) if certificate else _no_promise(document),
        grounds=_grounds(document, certificate) if certificate else _why_not(document),
        certified=certificate is not None,
        tiles=_tiles(document),
        bar=_bar(document["counts"]),
        legend=[
            Key(mark, f"{words}: {count(document['counts'][key])}")
            for mark, words, key in OUTCOMES
            if document["counts"][key]
        ],
    )


def _promise(document: dict[str, Any], certificate: dict[str, Any]) -> str:
    target = certificate.get("TargetError", document["target_error"])
    confidence = certificate.get("Confidence", document["confidence"])
    labels = f"{count(certificate.get('AutoLabels', document['counts']['auto']))} labels the model gave"
    whose = f"each class's share of the {labels}" if certificate.get("ByClass") else f"the {labels}"
    return (
        f"At most {short_percent(target)} of {whose} are wrong, with {short_percent(confidence)} confidence."
    )


def _grounds(document: dict[str, Any], certificate: dict[str, Any]) -> list[str]:
    """The numbers behind the promise, as far as the certificate has them."""
    sentences = []
    drawn, wrong = certificate.get("ValidationObjects"), certificate.get("ValidationErrors")
    if drawn and wrong is not None:
        labels = certificate.get("AutoLabels", document["counts"]["auto"])
        sentences.append(
            f"To test this, {count(drawn)} of the {count(drawn + labels)} objects that the model would label "
            "were drawn at random, doubtful ones more often. People labeled them and found the model "
            f"wrong on {count(wrong)}."
        )
    if (estimate := certificate.get("ErrorEstimate")) is not None:
        sentences.append(
            f"Weighted by the probability of each draw, that is an error of about {percent(estimate)}."
        )
    if (bound := certificate.get("ErrorBound")) is not None:
        sentences.append(f"By the test's exact bound, the error is at most {percent(bound)}.")
    if (coverage := certificate.get("Coverage")) is not None and "Threshold" in certificate:
        sentences.append(
            f"The model labeled {percent(coverage)} of the objects that were open then: those where its "
            f"margin between the two best classes is {certificate['Threshold']:.3f} or more."
        )
    told = [" ".join(sentences)] if sentences else []
    return [
        *told,
        f"An error is a label that differs from people's{_reviewed(document)}. The promise covers these "
        "labels, and its confidence covers the whole run, however many tests it made.",
    ]


def _reviewed(document: dict[str, Any]) -> str:
    if not (document.get("settings") or {}).get("ReviewDisagreements"):
        return ""
    repeated = sum(record.get("repeated_answers", 0) for record in document.get("rounds", ()))
    asked = f", which took {counted(repeated, 'more answer')}" if repeated else ""
    return f". Two people must agree to overrule the model on an object that was drawn{asked}"


def _no_promise(document: dict[str, Any]) -> str:
    counts = document["counts"]
    if counts["auto"]:
        return f"Nothing is promised about the {count(counts['auto'])} labels that the model gave."
    if counts["human"] == counts["input"]:
        return f"People labeled all {count(counts['input'])} data objects; the model labeled none."
    return "The model labeled nothing, so there is no certificate."


def _why_not(document: dict[str, Any]) -> list[str]:
    because = document.get("no_certificate_because")
    return [f"There is no certificate: {printable(because, 400)}."] if because else []


def _tiles(document: dict[str, Any]) -> list[Tile]:
    tiles = [_people(document), _model(document), _saved(document), _accuracy(document), _truth(document)]
    return [tile for tile in tiles if tile is not None]


def _people(document: dict[str, Any]) -> Tile:
    counts, given = document["counts"], document.get("human_labels_in_input", 0)
    came_with_the_input = f"; {count(given)} came with the input" if given else ""
    return Tile(
        "Labels by people",
        count(counts["human"]),
        f"{percent(counts['human'] / counts['input'])} of {count(counts['input'])} objects"
        f"{came_with_the_input}",
        "human",
    )


def _model(document: dict[str, Any]) -> Tile:
    counts, rounds = document["counts"], len(document.get("rounds", ()))
    duration = f", {seconds(document['seconds'])}" if document.get("seconds") else ""
    return Tile(
        "Labels by the model",
        count(counts["auto"]),
        f"{percent(counts['auto'] / counts['input'])}; {rounds} round{'' if rounds == 1 else 's'}{duration}",
        "auto",
    )


def _saved(document: dict[str, Any]) -> Tile | None:
    cost = document.get("cost")
    if cost is None:
        return None
    spent = money(cost["spent"], cost["currency"])
    if not cost["auto_labels"]:
        return Tile("Spent on labels", spent, "nothing was saved: the model labeled nothing")
    return Tile(
        "Saved on labels",
        money(cost["saved"], cost["currency"]),
        f"{count(cost['answers_saved'])} answers fewer; {spent} spent",
    )


def _accuracy(document: dict[str, Any]) -> Tile | None:
    evidence = document.get("evidence") or {}
    scored = [entry for entry in evidence.get("accuracy_by_round", ()) if "accuracy" in entry]
    if not scored:
        return None
    last = scored[-1]
    of = (
        "the validation set"
        if evidence.get("basis") == "validation set"
        else "objects it had not learned from"
    )
    return Tile("Model's accuracy", percent(last["accuracy"]), f"in round {last['round']}, on {of}")


def _truth(document: dict[str, Any]) -> Tile | None:
    error = document.get("auto_label_error")
    if error is None:
        return None
    all_labels = document.get("final_error")
    of_all = f"; {percent(all_labels, 2)} of all labels" if all_labels is not None else ""
    return Tile("Truly wrong", percent(error, 2), f"of the model's labels, compared with the truth{of_all}")


def _bar(counts: dict[str, int]) -> Any:
    shares = ", ".join(f"{count(counts[key])} {words}" for _, words, key in OUTCOMES)
    drawing = Drawing(
        f"Of {count(counts['input'])} data objects: {shares}", width=720, height=14, stretched=True
    )
    left = 0.0
    for mark, words, key in OUTCOMES:
        width = 720 * counts[key] / counts["input"] if counts["input"] else 0
        drawing.rect(left, 0, width, 14, mark, f"{count(counts[key])} {words}")
        left += width
    return drawing.markup()
