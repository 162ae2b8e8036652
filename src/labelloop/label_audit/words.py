"""An audit in sentences: what is promised, what it rests on, what it will take."""

from collections.abc import Iterator

from labelloop.core.report.circumstances import shortfall_in_words
from labelloop.label_audit.findings import AuditReport, JudgeFinding, Share
from labelloop.label_audit.forecast import ASSUMED_WRONG, Plan
from labelloop.reporting.text import count, counted, percent, short_percent

_BASIS = {
    "stated": "if the labels are as good as their confidences say",
    "assumed": "no confidence is stated, so it is assumed",
    "answers": "by people's answers so far",
}


def promise_sentence(certificate_for: str, target_error: float) -> str:
    """What is to be promised."""
    whose = {
        "dataset": "of all labels",
        "all": "of the kept labels",
        "class": "of the kept labels of each class",
    }[certificate_for]
    return f"at most {short_percent(target_error)} {whose} are wrong"


def plan_sentences(plan: Plan, certificate_for: str, target_error: float) -> Iterator[str]:
    """The answers an audit takes; `plan` was made for this promise."""
    outlook = plan.outlook
    believed = percent(plan.believed_wrong, 0)
    about = f"{_BASIS[plan.basis]} (about {believed} wrong)"
    if plan.basis == "assumed":
        about = f"{_BASIS['assumed']} that {short_percent(ASSUMED_WRONG)} are wrong"
    yield (
        f"About {count(outlook.answers)} answers in all ({short_percent(0.95)} of the time no more than "
        f"{count(outlook.seldom_more)}) to certify that {promise_sentence(certificate_for, target_error)}; "
        f"{about}."
    )
    told = [
        f"{short_percent(other.target_error)} would take about {count(other.outlook.answers)}"
        for other in plan.alternatives
        if other.certificate_for == certificate_for and other.wrong == 1
    ]
    if told:
        yield f"A target of {'; one of '.join(told)}."
    for other in plan.alternatives:
        if other.wrong != 1:
            yield (f"If twice as many are wrong: about {count(other.outlook.answers)} answers.")
        elif other.certificate_for != certificate_for:
            yield (
                "A promise about the whole set, where people's labels count as right "
                f"(--certificate-for {other.certificate_for}): about {count(other.outlook.answers)} answers."
            )
    if plan.is_nearly_everything:
        yield (
            f"That is nearly all of the {count(plan.rows)} rows: the given labels are too often wrong for "
            "this promise. Stop here unless you want every row labeled by people: a larger --target-error"
            + (" or --certificate-for dataset" if certificate_for != "dataset" else "")
            + " takes fewer answers."
        )


def certificate_sentences(report: AuditReport) -> list[str]:
    """What is certified and how it was tested, or why nothing is."""
    certificate = report.certificate
    if certificate is None:
        return [f"Nothing is certified: {report.no_certificate_because}."]
    whole = certificate.dataset_error_bound
    bounds = f"at most {percent(certificate.error_bound, 2)} of the kept labels"
    if whole is not None:
        bounds += f", and at most {percent(whole, 2)} of all labels, where people's count as right"
    drawn = certificate.validation_objects
    tested = (
        f"To test this, {count(drawn)} rows were drawn at random, doubtful ones more often; people found "
        f"{count(certificate.validation_errors)} of their labels wrong."
        if drawn
        else "No draws were needed: fewer labels were kept than may be wrong."
    )
    disputed = certificate.validation_unsettled
    if disputed:
        tested += f" On {count(disputed)} people did not agree: they count as wrong."
    return [
        f"Certified with {short_percent(certificate.confidence)} confidence: "
        f"{promise_sentence(report.certificate_for, certificate.promised_error)}.",
        f"{count(certificate.auto_labels)} given labels were kept unseen. By the test's exact bound, what is "
        f"wrong is {bounds}.",
        *([f"{shortfall}."] if (shortfall := shortfall_in_words(certificate)) else []),
        tested,
    ]


def seed_sentence(report: AuditReport) -> str:
    """What is known of the seed, on which the promise depends."""
    if report.seed_was_secret:
        return f"The draws came from a secret random seed, {report.seed}, disclosed here."
    return (
        f"The draws came from --seed {report.seed}: anyone who knew it could work out in advance which rows "
        "would be drawn. The promise holds if the labels were made without that knowledge."
    )


def opinions_sentence(report: AuditReport) -> str:
    """Whose word counts."""
    if report.second_opinions:
        return "A label counts as wrong where two people agreed that it is."
    return (
        "One person's answer counted, without a second opinion: the promise is about what that person would "
        "say, and each of their slips counts against the labels."
    )


def judge_sentences(judge: JudgeFinding, confidence: float) -> list[str]:
    """The labels as the verdicts of a judge."""
    return [
        f"The given labels say {judge.positive!r} of {percent(judge.rate_given)} of the rows. Truly it is "
        f"{with_interval(judge.true_rate)}.",
        f"Sensitivity: of the rows that truly are {judge.positive!r}, {with_interval(judge.sensitivity)} are "
        "given as such.",
        f"Specificity: of the other rows, {with_interval(judge.specificity)} are given as such.",
        f"In brackets: {short_percent(confidence)} intervals.",
    ]


def with_interval(share: Share) -> str:
    """The estimate with its interval; without, where nothing is left to doubt."""
    if share.high - share.low < 1e-9:
        return percent(share.estimate)
    return f"{percent(share.estimate)} [{percent(share.low)}, {percent(share.high)}]"


def summary_sentences(report: AuditReport) -> Iterator[str]:
    """The result in a few sentences."""
    counts = report.counts
    yield (
        f"People labeled {count(counts.human)} of {count(counts.input)} rows "
        f"({percent(counts.human_share)}) in {counted(report.answers, 'answer')}, and changed "
        f"{counted(report.corrections, 'label')}."
    )
    if counts.without_a_label:
        left = counts.without_a_label
        yield f"{counted(left, 'row')} {'has' if left == 1 else 'have'} no label."
    yield from certificate_sentences(report)
    if report.given_error is not None:
        yield f"Of the labels as they were given, {with_interval(report.given_error)} are wrong."
    if report.judge is not None:
        yield from judge_sentences(report.judge, report.confidence)
    if report.final_error is not None:
        yield f"Compared with the truth, {percent(report.final_error, 2)} of the final labels are wrong."
