"""The loop's settings as plain values: no AWS names, no addresses."""

import math
from dataclasses import dataclass, field
from typing import Literal

from labelloop.core.certificate.promise import CertificateFor, Promise
from labelloop.core.certificate.tuning import DEFAULT, Tuning
from labelloop.core.costs import PriceList
from labelloop.core.sizes import default_batch_size, default_start_size, resolve_size
from labelloop.core.stopping import Limits

Policy = Literal["default", "blog"]
# The margin between the two best classes above which the model of the 2020 post labels an object.
BLOG_MARGIN = 0.5


@dataclass(frozen=True)
class LoopSettings:
    """Every choice about the loop. Sizes: a share of the input below 1, else a count of data objects."""

    policy: Policy = "default"
    target_error: float = 0.05
    confidence: float = 0.9
    certificate_for: CertificateFor = "all"
    # When an answer about a randomly drawn object differs from the model's, others are asked until two agree.
    review_disagreements: bool = True
    # In human labels. Objects whose chance of being wrong is above the inverse go to people.
    wrong_label_cost: float | None = None
    start_size: float | None = None
    validation_size: float | None = None
    batch_size: float | None = None
    # People get so many more objects, as a share of the batch, to go on with while the next model learns.
    ahead_share: float = 0.0
    max_rounds: int = 100
    max_human_labels: float | None = None
    max_cost: float | None = None
    prices: PriceList = field(default_factory=PriceList)
    # Share of the training labels that the model may use for tuning instead of learning.
    holdout_share: float = 0.0
    # Whether the query strategy picks what the model is least sure of (see `QueryStrategy`).
    looks_for_doubt: bool = True
    seed: int = 0
    seed_was_given: bool = True  # else it is a secret until the run ends

    @property
    def is_blog(self) -> bool:
        """Whether the 2020 post's rules apply: nothing is tested, nothing is promised."""
        return self.policy == "blog"

    def promise(self, output: int, by_people: int, granted: int) -> Promise:
        """What a certificate promises. For the meaning of the numbers, see `Promise`."""
        if self.certificate_for == "dataset":
            return Promise(self.target_error, output, by_people, granted)
        return Promise(self.target_error)

    def limits(self, total: int, *, most_votes: int, fewest_draws: int, tuning: Tuning = DEFAULT) -> Limits:
        """The sizes as counts of `total` data objects.

        most_votes: how often people can be asked about an object
        fewest_draws: the smallest size of a test
        """
        most = self._most_human_labels(total, most_votes)
        budget = None if self.max_human_labels is None and self.max_cost is None else most
        start, batch = self.start_size, self.batch_size
        return Limits(
            start=(
                default_start_size(total, budget, tuning=tuning)
                if start is None
                else resolve_size(start, total)
            ),
            validation=resolve_size(self.validation_size or 0, total) if self.is_blog else 0,
            batch=(
                default_batch_size(total, budget, tuning=tuning)
                if batch is None
                else resolve_size(batch, total)
            ),
            new_human_labels=most,
            rounds=self.max_rounds,
            fewest_draws=0 if self.is_blog else fewest_draws,
        )

    def most_draws(self, total: int, human_labels_left: int, *, tuning: Tuning = DEFAULT) -> int:
        """How many objects a test may draw, given how many labels people may still be asked for."""
        most = self.labels_for(human_labels_left, tuning=tuning)
        return most if self.validation_size is None else min(most, resolve_size(self.validation_size, total))

    def labels_for(self, answers: int, *, tuning: Tuning = DEFAULT) -> int:
        """How many objects people can label with so many answers, if they are asked about some again."""
        if not self.review_disagreements:
            return answers
        return math.floor(answers / (1 + tuning.drawing.second_opinions))

    def _most_human_labels(self, total: int, most_votes: int) -> int:
        # Without a limit: the most answers a run could need, including objects people are asked about again.
        unlimited = total * most_votes
        most = unlimited if self.max_human_labels is None else resolve_size(self.max_human_labels, total)
        return self.prices.affordable(self.max_cost, most)
