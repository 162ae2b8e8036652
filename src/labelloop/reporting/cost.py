"""What people's labels cost, and what the model's labels saved."""

from labelloop.core.records import LabelingCost, Report
from labelloop.reporting.parts import Section, Table
from labelloop.reporting.text import count, counted, money, price


def cost(report: Report) -> Section | None:
    numbers = report.cost
    if numbers is None:
        return None
    return Section(
        "cost", "Labels and money", [_summary(numbers), _prices(numbers)], tables=[_table(numbers)]
    )


def _summary(numbers: LabelingCost) -> str:
    people = counted(numbers.people_per_object, "person", "people")
    repeated = numbers.repeated_answers
    anew = (
        f" They were asked again {counted(repeated, 'time')} where they and the model differed."
        if repeated
        else ""
    )
    if not numbers.auto_labels:
        return (
            f"In this run people labeled {count(numbers.human_labels)} data objects, {people} each.{anew} "
            "The model labeled none, so nothing was saved."
        )
    instead = money(numbers.model_labels_by_people, numbers.currency)
    return (
        f"In this run people labeled {count(numbers.human_labels)} data objects, {people} each.{anew} "
        f"If people had also labeled the model's objects, that would have cost {instead} more."
    )


def _prices(numbers: LabelingCost) -> str:
    currency = numbers.currency
    amounts = (
        f"{price(numbers.human_label, currency)} for one person's answer and "
        f"{price(numbers.service_fee, currency)} for each object people label"
    )
    if numbers.list_prices:
        return (
            f"Prices: {amounts}. These are list prices, not yours: Amazon Mechanical Turk's price for an "
            "answer to a text classification task, and the fee of SageMaker Ground Truth for each of the "
            "first 50,000 objects a month. Set ActiveLearning.Prices to your own prices. Training and "
            "prediction are not counted."
        )
    model = price(numbers.auto_label, currency)
    return f"Prices from the request: {amounts}; {model} for a label by the model."


def _table(numbers: LabelingCost) -> Table:
    def amount(of: float) -> str:
        return money(of, numbers.currency)

    asked_anew = [
        "By people, asked again",
        "",
        count(numbers.answers_again),
        amount(numbers.spent_on_repeated_answers),
    ]
    return Table(
        "Labels of this run and their price",
        ["Labels", "Objects", "Answers by people", "Cost"],
        [
            [
                "By people",
                count(numbers.human_labels),
                count(numbers.first_answers),
                amount(numbers.spent_on_people),
            ],
            *([asked_anew] if numbers.repeated_answers else []),
            ["By the model", count(numbers.auto_labels), "0", amount(numbers.spent_on_model)],
            [
                "The model's, if people had given them",
                count(numbers.auto_labels),
                count(numbers.answers_in_place_of_model),
                amount(numbers.model_labels_by_people),
            ],
            ["Saved", "", count(numbers.answers_saved), amount(numbers.saved)],
        ],
        numeric=frozenset({1, 2, 3}),
    )
