"""When a foundation model is asked a second time: once people have labeled enough, and no test is under way.

What it says then are the labels of one more source. The first ones stay, and no label of a person or of a
passed test is touched. A test has its candidates' labels written down when it begins, and draws from them:
so no answer comes while one is under way.
"""

from __future__ import annotations

from labelloop.core.loop import Loop
from labelloop.core.stopping import Next
from labelloop.workflow.run_state import ModelWork, RunState


def decided(state: RunState, loop: Loop) -> RunState:
    """The state with the next action after a round: the loop's, or to ask the model again before that."""
    after = state.decided(loop.decide())
    if not _worth_asking_again(after, loop):
        return after
    first = after.model_records[0]
    return after.model_copy(update={"next": Next.ASK_MODEL, "foundation_model": ModelWork(first=first)})


def labels_in_run(state: RunState) -> int:
    """Those that people have given since it began."""
    return state.counts.human_labels - state.labels_in_input


def _worth_asking_again(state: RunState, loop: Loop) -> bool:
    model = state.settings.foundation_model
    if model is None or model.ask_again_after is None:
        return False
    if not state.model_records or state.asks_model_again:
        return False
    # Where no model hears of its labels, or people cannot be asked what they are worth, they are of no use.
    of_use = state.next == Next.TRAIN and loop.human_labels_left() > 0
    return of_use and loop.test is None and labels_in_run(state) >= model.ask_again_after
