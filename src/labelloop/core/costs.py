"""What labels cost: the one place where answers are counted and priced."""

from dataclasses import dataclass

from labelloop.core.records import LabelingCost

# Ground Truth's public price list for text classification: what Amazon Mechanical Turk took for one person's
# answer, and the service's own fee (first 50,000 objects a month).
LIST_PRICE_OF_AN_ANSWER = 0.012
LIST_PRICE_OF_THE_SERVICE = 0.08


@dataclass(frozen=True)
class PriceList:
    """Prices of one run, in one currency."""

    human_label: float = LIST_PRICE_OF_AN_ANSWER  # one person's answer about one data object
    service_fee: float = LIST_PRICE_OF_THE_SERVICE  # each object people label, however many answer
    auto_label: float = 0.0
    currency: str = "USD"
    people_per_object: int = 1
    list_prices: bool = True  # nobody has said what people really cost

    @property
    def of_an_object(self) -> float:
        """The price of one object that people label: each person answers once."""
        return self.people_per_object * self.human_label + self.service_fee

    def of_objects(self, objects: int) -> float:
        """The price of people's labels for this many objects."""
        return objects * self.of_an_object

    def affordable(self, budget: float | None, most: int) -> int:
        """How many objects people can label for a budget: at most `most`, and `most` without a budget."""
        if budget is None or not self.of_an_object:
            return most
        return min(most, int(budget / self.of_an_object))

    def cost(
        self,
        *,
        human_labels: int,
        auto_labels: int,
        repeated_answers: int = 0,
        foundation_model: float = 0.0,
    ) -> LabelingCost:
        """What a run's labels cost, and what they would have cost if people had given all of them.

        `human_labels` and `auto_labels` count data objects. An object takes `people_per_object` answers when
        people label it. `repeated_answers` counts how often people were asked again about an object they had
        answered before; each time costs as much as one more object. Labels from the input cost nothing.
        """
        people, again = self.of_objects(human_labels), self.of_objects(repeated_answers)
        model = auto_labels * self.auto_label
        return LabelingCost(
            currency=self.currency,
            human_label=self.human_label,
            service_fee=self.service_fee,
            auto_label=self.auto_label,
            list_prices=self.list_prices,
            people_per_object=self.people_per_object,
            human_labels=human_labels,
            repeated_answers=repeated_answers,
            answers=(human_labels + repeated_answers) * self.people_per_object,
            auto_labels=auto_labels,
            answers_saved=(auto_labels - repeated_answers) * self.people_per_object,
            spent_on_people=round(people, 4),
            spent_on_repeated_answers=round(again, 4),
            spent_on_model=round(model, 4),
            spent_on_foundation_model=round(foundation_model, 4),
            spent=round(self.of_objects(human_labels + repeated_answers) + model + foundation_model, 4),
            model_labels_by_people=round(self.of_objects(auto_labels), 4),
            saved=round(self.of_objects(auto_labels - repeated_answers) - model - foundation_model, 4),
        )
