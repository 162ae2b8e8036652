"""The ledger: the state of every data object. It always sums to the input."""

from dataclasses import asdict, dataclass
from enum import IntEnum
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from labelloop.core.arrays import from_bytes, to_bytes
from labelloop.core.errors import LedgerError

Ids = npt.NDArray[np.int64]
NO_LABEL = -1
NO_IDS: Ids = np.empty(0, np.int64)
# Six bytes per object: a ledger of ten million objects is 60 MB.
ENTRY = np.dtype([("state", "u1"), ("asked", "u1"), ("label", "<i2"), ("round", "<u2")])
MOST_CLASSES = int(np.iinfo("<i2").max)


class State(IntEnum):
    """The state of a data object."""

    POOL = 0
    VALIDATION = 1  # human label, not used for training: drawn for a test (under `blog`: for the whole run)
    HUMAN = 2  # human label, used for training
    AUTO = 3  # label by the model
    FAILED = 4  # cannot get a label; the manifest has the reason
    AHEAD = 5  # with people while a model learns; then it has a label, or is in the pool again


@dataclass(frozen=True)
class Counts:
    """How many data objects are in each state."""

    input: int
    pool: int
    validation: int
    human: int
    auto: int
    failed: int
    # Not named in files where there are none.
    ahead: Annotated[int, Field(exclude_if=lambda value: value == 0)] = 0

    @property
    def human_labels(self) -> int:
        """Labels given by people, whether used for training or not."""
        return self.human + self.validation

    @property
    def unlabeled(self) -> int:
        """What has no label yet, also while people have it."""
        return self.pool + self.ahead

    def as_dict(self) -> dict[str, int]:
        return asdict(self)


class Ledger:
    """For each object, by its `labelloop-id`: state, class index, round of labeling and times asked."""

    def __init__(self, entries: npt.NDArray[Any]) -> None:
        self._entries = entries

    @classmethod
    def of_size(cls, size: int) -> "Ledger":
        entries = np.zeros(size, ENTRY)
        entries["label"] = NO_LABEL
        return cls(entries)

    @classmethod
    def from_bytes(cls, content: bytes) -> "Ledger":
        """Raises LedgerError when the content is not a ledger."""
        try:
            entries = from_bytes(content)
        except ValueError as error:
            raise LedgerError(f"not a ledger: {error}") from error
        if entries.dtype != ENTRY or entries.ndim != 1:
            raise LedgerError(f"not a ledger: an array of {entries.dtype}")
        return cls(entries)

    def to_bytes(self) -> bytes:
        return to_bytes(self._entries)

    def copy(self) -> "Ledger":
        return Ledger(self._entries.copy())

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def labels(self) -> npt.NDArray[np.int16]:
        """Class index of each object, -1 where it has no label; shape (objects,)."""
        return self._entries["label"]

    @property
    def rounds(self) -> npt.NDArray[np.uint16]:
        """The round in which each object left the pool, 0 for labels from the input; shape (objects,)."""
        return self._entries["round"]

    @property
    def times_asked(self) -> npt.NDArray[np.uint8]:
        """How often people were asked about each object; shape (objects,)."""
        return self._entries["asked"]

    def state_of(self, object_id: int) -> State:
        return State(int(self._entries["state"][object_id]))

    def mask(self, *states: State) -> npt.NDArray[np.bool_]:
        """True where the object is in one of the states; shape (objects,)."""
        # A table: `isin` takes several times as long, and memory.
        chosen = np.zeros(256, np.bool_)
        chosen[list(states)] = True
        return np.asarray(chosen[self._entries["state"]])

    def ids(self, *states: State) -> Ids:
        """Ids of the objects in one of the states, ascending."""
        return np.flatnonzero(self.mask(*states))

    def counts(self) -> Counts:
        of_state = np.bincount(self._entries["state"], minlength=len(State))
        return Counts(
            input=len(self),
            **{state.name.lower(): int(of_state[state]) for state in State},
        )

    def label(self, ids: Ids, labels: npt.ArrayLike, state: State, round_number: int) -> None:
        """Give pool objects a label. Raises LedgerError rather than relabel anything."""
        if state not in (State.VALIDATION, State.HUMAN, State.AUTO):
            raise LedgerError(f"{state.name} is not a state of a labeled object")
        self._leave_pool(ids, state, round_number)
        self._entries["label"][ids] = labels

    def fail(self, ids: Ids, round_number: int) -> None:
        """Take objects that cannot get a label out of the pool."""
        self._leave_pool(ids, State.FAILED, round_number)

    def ask(self, ids: Ids) -> None:
        """Count that people are asked about these pool objects once more."""
        self._require(ids, State.POOL, "asked about")
        self._entries["asked"][ids] += 1

    def ask_ahead(self, ids: Ids, round_number: int) -> None:
        """Give these pool objects to people until a later round: nothing else happens to them meanwhile."""
        self.ask(ids)
        self._leave_pool(ids, State.AHEAD, round_number)

    def asked_ahead_before(self, round_number: int) -> Ids:
        """The objects that people were given so in an earlier round, ascending."""
        return np.flatnonzero(self.mask(State.AHEAD) & (self.rounds < round_number))

    def return_to_pool(self, ids: Ids) -> None:
        """End that: what people say about them may be heard now."""
        self._require(ids, State.AHEAD, "returned to the pool")
        self._entries["state"][ids] = State.POOL
        self._entries["round"][ids] = 0

    def withdraw(self, ids: Ids) -> None:
        """Undo that count for those of these objects that are still in the pool."""
        still_open = ids[self.mask(State.POOL)[ids]]
        self._entries["asked"][still_open] -= 1

    def keep_for_validation(self, ids: Ids) -> None:
        """Move human-labeled objects to the validation set."""
        self._require(ids, State.HUMAN, "kept for validation")
        self._entries["state"][ids] = State.VALIDATION

    def release_to_training(self, ids: Ids) -> None:
        """Move validation objects to the training set: they already have a label."""
        self._require(ids, State.VALIDATION, "released to training")
        self._entries["state"][ids] = State.HUMAN

    def adjust(self, ids: Ids, labels: npt.ArrayLike) -> None:
        """Change the label of training objects, because people corrected it when asked again."""
        self._require(ids, State.HUMAN, "given another label")
        self._entries["label"][ids] = labels

    def _leave_pool(self, ids: Ids, state: State, round_number: int) -> None:
        self._require(ids, State.POOL, "labeled")
        self._entries["state"][ids] = state
        self._entries["round"][ids] = round_number

    def _require(self, ids: Ids, state: State, action: str) -> None:
        wrong = ids[self._entries["state"][ids] != state]
        if len(wrong):
            raise LedgerError(
                f"object {wrong[0]} is {self.state_of(int(wrong[0])).name}, not {state.name}: "
                f"it cannot be {action}"
            )
