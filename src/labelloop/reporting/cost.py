"""What people's labels cost, and what the model's labels saved."""

from collections.abc import Iterator
from dataclasses import dataclass

from labelloop.core.records import FoundationModelRecord, LabelingCost, Report
from labelloop.reporting.parts import Section, Table
from labelloop.reporting.text import count, counted, money, price, printable

# The only backend that the list prices are of.
_GROUND_TRUTH = "groundtruth"
_MODEL_NAME = 80


def cost(report: Report) -> Section | None:
    if report.cost is None:
        return None
    cost_of = _Cost(report.cost, report.askings, priced=is_priced(report))
    title = "Labels and money" if cost_of.priced else "Labels and answers"
    told = [*cost_of.first_labels(), cost_of.summary(), cost_of.prices()]
    return Section("cost", title, told, tables=[cost_of.table()])


def is_priced(report: Report) -> bool:
    """Whether the prices say anything: list prices of Ground Truth are not those of another backend.

    Nor of people who are simulated, as in a run whose truth is known.
    """
    if report.cost is None:
        return False
    at_ground_truth = report.settings.get("LabelingBackend", _GROUND_TRUTH) == _GROUND_TRUTH
    return (
        not report.cost.list_prices
        or (at_ground_truth and report.score is None)
        or report.settings.get("MaxCost") is not None
    )


@dataclass(frozen=True)
class _Cost:
    """priced: whether amounts of money are shown, or answers alone."""

    numbers: LabelingCost
    askings: tuple[FoundationModelRecord, ...]  # of a foundation model
    priced: bool

    def first_labels(self) -> Iterator[str]:
        """What a foundation model's labels cost, beside what people cost."""
        if not self.askings:
            return
        numbers, currency = self.numbers, self.numbers.currency
        yield from map(self._asking, self.askings)
        if any(asking.spent is None for asking in self.askings):
            yield "What its tokens cost is not known: set FoundationModel.Prices."
            return
        told = f"The foundation model's labels cost {money(numbers.spent_on_foundation_model, currency)}"
        if not self.priced:
            yield f"{told}."
            return
        people = numbers.spent_on_people + numbers.spent_on_repeated_answers
        alone = numbers.spent_on_people + numbers.model_labels_by_people
        yield (
            f"{told}, people's {money(people, currency)}. People alone would have cost "
            f"{money(alone, currency)}."
        )

    def _asking(self, asking: FoundationModelRecord) -> str:
        when = "labeled first"
        if asking.asked_after:
            when = f"was asked again, with {counted(asking.asked_after, 'label')} of people to learn from"
        return (
            f"{printable(asking.model, _MODEL_NAME)} {when}: {count(asking.labels)} data objects, of "
            f"{count(asking.texts)} texts, with {count(asking.tokens_in)} tokens in and "
            f"{count(asking.tokens_out)} out. {self._without_a_label(asking)}"
        )

    @staticmethod
    def _without_a_label(first: FoundationModelRecord) -> str:
        if not first.without_label:
            return "It left none without a label."
        reasons = ", ".join(f"{count(number)} {reason}" for reason, number in first.reasons.items())
        return f"{count(first.without_label)} got no label from it: {reasons}."

    def summary(self) -> str:
        numbers = self.numbers
        people = counted(numbers.people_per_object, "person", "people")
        told = f"In this run people labeled {count(numbers.human_labels)} data objects, {people} each."
        if repeated := numbers.repeated_answers:
            told += f" They were asked again {counted(repeated, 'time')} where they and the model differed."
        if not numbers.auto_labels:
            return f"{told} The model labeled none, so nothing was saved."
        answers = counted(numbers.answers_in_place_of_model, "more answer")
        instead = f"taken {answers}"
        if self.priced:
            instead = f"cost {money(numbers.model_labels_by_people, numbers.currency)} more"
        return f"{told} If people had also labeled the model's objects, that would have {instead}."

    def prices(self) -> str:
        numbers = self.numbers
        if not self.priced:
            return "What an answer costs is not known: set ActiveLearning.Prices to see amounts of money too."
        currency = numbers.currency
        amounts = (
            f"{price(numbers.human_label, currency)} for one person's answer and "
            f"{price(numbers.service_fee, currency)} for each object people label"
        )
        if numbers.list_prices:
            return (
                f"Prices: {amounts}. These are list prices, not yours: what Amazon Mechanical Turk took for "
                "an answer to a text classification task, and the fee of SageMaker Ground Truth for each of "
                "the first 50,000 objects a month. Set ActiveLearning.Prices to your own prices. Training "
                "and prediction are not counted."
            )
        model = price(numbers.auto_label, currency)
        return f"Prices from the request: {amounts}; {model} for a label by the model."

    def table(self) -> Table:
        numbers = self.numbers
        rows = [self._row("By people", numbers.human_labels, numbers.first_answers, numbers.spent_on_people)]
        if numbers.repeated_answers:
            spent = numbers.spent_on_repeated_answers
            rows.append(self._row("By people, asked again", None, numbers.answers_again, spent))
        for asking in self.askings:
            if asking.spent is not None:
                when = "asked again" if asking.asked_after else "before people"
                rows.append(self._row(f"By the foundation model, {when}", asking.labels, 0, asking.spent))
        if numbers.auto_labels:
            rows += [
                self._row("By the model", numbers.auto_labels, 0, numbers.spent_on_model),
                self._row(
                    "The model's, if people had given them",
                    numbers.auto_labels,
                    numbers.answers_in_place_of_model,
                    numbers.model_labels_by_people,
                ),
                self._saved(),
            ]
        money_too = ["Cost"] if self.priced else []
        columns = ["Labels", "Objects", "Answers by people", *money_too]
        return Table(
            "Labels of this run and their price" if self.priced else "Labels of this run",
            columns,
            rows,
            numeric=frozenset(range(1, len(columns))),
        )

    def _saved(self) -> list[str]:
        """People who were asked again may have taken more than the model saved."""
        answers, saved = self.numbers.answers_saved, self.numbers.saved
        if answers <= 0 and (saved < 0 or not self.priced):
            return self._row("Taken more than if people had labeled all", None, -answers, -saved)
        return self._row("Saved", None, answers, saved)

    def _row(self, name: str, objects: int | None, answers: int, spent: float) -> list[str]:
        amount = [money(spent, self.numbers.currency)] if self.priced else []
        return [name, "" if objects is None else count(objects), count(answers), *amount]
