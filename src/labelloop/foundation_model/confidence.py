"""How sure the model is: from the probabilities of its answer's tokens, or how often it answers the same.

What either is worth is learned from people's answers, as with any prior label.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from labelloop.foundation_model.reading import Outcome, Reading
from labelloop.foundation_model.replies import Reply


def from_logprobs(reply: Reply, reading: Reading) -> Reading:
    """The probability of the tokens that the label is made of."""
    answer = "".join(token.text for token in reply.tokens)
    # From behind: what comes before may be thoughts about it.
    begin = answer.rfind(reading.written)
    if not reply.tokens or begin < 0:
        return replace(reading, confidence=None, fault="no confidence: the label's tokens were not found")
    end = begin + len(reading.written)
    total, place = 0.0, 0
    for token in reply.tokens:
        if place < end and place + len(token.text) > begin:
            total += token.logprob
        place += len(token.text)
    return replace(reading, confidence=min(1.0, math.exp(total)), fault="")


def from_samples(readings: Sequence[Reading], classes: Sequence[str]) -> Reading:
    """The most frequent label; its share of all answers, also of those that could not be read."""
    votes = Counter(reading.label for reading in readings if reading.outcome is Outcome.LABELED)
    if not votes:
        return replace(readings[0], mendable=False)
    label = max(votes, key=lambda name: (votes[name], -classes.index(name)))
    return Reading(Outcome.LABELED, label, votes[label] / len(readings))
