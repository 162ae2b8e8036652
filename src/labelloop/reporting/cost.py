"""What people's labels cost, and what the model's labels saved."""

from typing import Any

from labelloop.reporting.parts import Section, Table
from labelloop.reporting.text import count, counted, money, price


def cost(document: dict[str, Any]) -> Section | None:
    numbers = document.get("cost")
    if numbers is None:
        return None
    return Section(
        "cost", "Labels and money", [_summary(numbers), _prices(numbers)], tables=[_table(numbers)]
    )


def _summary(numbers: dict[str, Any]) -> str:
    people = counted(numbers["people_per_object"], "person", "people")
    repeated = numbers.get("repeated_answers", 0)
    anew = (
        f" They were asked again {counted(repeated, 'time')} where they and the model differed."
        if repeated
        else ""
    )
    if not numbers["auto_labels"]:
        return (
            f"In this run people labeled {count(numbers['human_labels'])} data objects, {people} each.{anew} "
            "The model labeled none, so nothing was saved."
        )
    instead = money(numbers["model_labels_by_people"], numbers["currency"])
    return (
        f"In this run people labeled {count(numbers['human_labels'])} data objects, {people} each.{anew} "
        f"If people had also labeled the model's objects, that would have cost {instead} more."
    )


def _prices(numbers: dict[str, Any]) -> str:
    currency = numbers["currency"]
    amounts = (
        f"{price(numbers['human_label'], currency)} for one person's answer and "
        f"{price(numbers['service_fee'], currency)} for each object people label"
    )
    if numbers["list_prices"]:
        return (
            f"Prices: {amounts}. These are list prices, not yours: Amazon Mechanical Turk's price for an "
            "answer to a text classification task, and the fee of SageMaker Ground Truth for each of the "
            "first 50,000 objects a month. Set ActiveLearning.Prices to your own prices. Training and "
            "prediction are not counted."
        )
    model = price(numbers["auto_label"], currency)
    return f"Prices from the request: {amounts}; {model} for a label by the model."


def _table(numbers: dict[str, Any]) -> Table:
    def amount(key: str) -> str:
        return money(numbers[key], numbers["currency"])

    repeated = numbers.get("repeated_answers", 0)
    anew = count(repeated * numbers["people_per_object"])
    asked_anew = (
        [["By people, asked again", "", anew, amount("spent_on_repeated_answers")]] if repeated else []
    )
    return Table(
        "Labels of this run and their price",
        ["Labels", "Objects", "Answers by people", "Cost"],
        [
            [
                "By people",
                count(numbers["human_labels"]),
                count(numbers["human_labels"] * numbers["people_per_object"]),
                amount("spent_on_people"),
            ],
            *asked_anew,
            ["By the model", count(numbers["auto_labels"]), "0", amount("spent_on_model")],
            [
                "The model's, if people had given them",
                count(numbers["auto_labels"]),
                count(numbers["auto_labels"] * numbers["people_per_object"]),
                amount("model_labels_by_people"),
            ],
            ["Saved", "", count(numbers["answers_saved"]), amount("saved")],
        ],
        numeric=frozenset({1, 2, 3}),
    )
