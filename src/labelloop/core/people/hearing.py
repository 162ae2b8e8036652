"""Taking in people's answers about objects drawn at random, which count once they are settled."""

import numpy as np

from labelloop.core.ledger import Ids, Ledger, State
from labelloop.core.people.human_labels import HumanLabels
from labelloop.core.people.second_opinions import SecondOpinions


def hear(opinions: SecondOpinions, people: HumanLabels) -> int:
    """Note people's answers of this round. Returns how many were about objects answered about before.

    An object that got no new answer keeps its first one.
    """
    asked_again = opinions.disputed()
    ids, labels = people.votes_about(opinions.awaited())
    opinions.vote(ids, labels)
    opinions.let_stand(np.setdiff1d(asked_again, ids))
    return len(np.intersect1d(asked_again, ids))


def settle(ledger: Ledger, opinions: SecondOpinions, becomes: State, round_number: int) -> Ids:
    """Label the pool objects whose label is settled by now, and return them."""
    settled, labels = opinions.answers()
    new = ledger.mask(State.POOL)[settled]
    ledger.label(settled[new], labels[new], becomes, round_number)
    return np.asarray(settled[new])
