"""Labels that there were before are shown to confirm or correct, where the owner wants that."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest

from labelloop.backends import load_backend
from labelloop.backends.workbench import _asked
from labelloop.core.arrays import to_bytes
from labelloop.core.errors import RequestError
from labelloop.core.ledger import Ledger
from labelloop.core.manifest.lines import add_id
from labelloop.core.model.predictions import Predictions
from labelloop.core.model.recorded_predictions import record_predictions
from labelloop.storage import s3
from labelloop.workbench.earlier_batches import EarlierBatches
from labelloop.workbench.opening import Asked
from labelloop.workflow.run_state import Labeling, RunState

from .conftest import Desk, SignIn

ROOT = Path(__file__).parents[2]


def state(**settings: Any) -> RunState:
    document = json.loads((ROOT / "events/label_in_workbench.json").read_bytes())["State"]
    document["Request"] = {
        **document["Request"],
        "PriorLabels": [{"Attribute": "gpt"}, {"Attribute": "rule"}],
        "ActiveLearning": {"LabelingBackend": "workbench", "Seed": 0, "Workbench": settings},
    }
    return RunState.model_validate(document)


def asked(given: RunState, *, drawn: int = 0, asked_before: int | None = None) -> list[Any]:
    """The prior labels that people see of four objects; object 3 is a spot check."""
    ledger = Ledger.of_size(4)
    ledger.ask(np.arange(4))
    if asked_before is not None:
        ledger.ask(np.array([asked_before]))
    s3.write_bytes("s3://bucket/ledger", ledger.to_bytes())
    lines = [
        {"source": "a", "gpt": 1, "gpt-metadata": {"confidence": 0.8}, "rule": 0},
        {"source": "b", "rule": "2"},
        {"source": "c"},
        {"source": "d", "gpt": 1},
    ]
    selection = [add_id(orjson.dumps(line), number) for number, line in enumerate(lines)]
    s3.write_lines("s3://bucket/selection.manifest", selection)
    predictions = Predictions(4)
    predictions.put(np.arange(4), np.full((4, 3), 1 / 3))
    recorded = record_predictions(predictions, np.arange(4), np.array([3]))
    s3.write_bytes("s3://bucket/recorded", to_bytes(recorded))
    labeling = Labeling(
        selection_s3_uri="s3://bucket/selection.manifest",
        selected=4,
        recorded_s3_uri="s3://bucket/recorded",
        drawn=drawn,
        job_name="job",
        output_folder_s3_uri="s3://bucket/labeling/",
    )
    given = given.model_copy(update={"ledger_s3_uri": "s3://bucket/ledger", "audit": None})
    return [one.prior for one in _asked(given, labeling, EarlierBatches(), ())]


@pytest.mark.usefixtures("bucket")
def test_the_first_source_that_has_a_label_shows_it_but_not_on_a_spot_check() -> None:
    assert asked(state(ShowPriorLabel=True)) == [(1, 0.8), (2, None), None, None]
    assert asked(state()) == [None] * 4, "it is off by default"


@pytest.mark.usefixtures("bucket")
def test_nothing_is_shown_where_an_answer_tells_how_often_labels_are_wrong() -> None:
    wanted = state(ShowPriorLabel=True)
    assert asked(wanted, drawn=1) == [None] * 4
    assert asked(wanted, asked_before=0) == [None, (2, None), None, None]


def test_prior_labels_that_a_request_lacks_cannot_be_shown() -> None:
    request = state(ShowPriorLabel=True).request.model_copy(update={"prior_labels": None})
    with pytest.raises(RequestError, match="ShowPriorLabel"):
        load_backend("workbench").check(request)


def test_a_page_gets_the_label_that_there_was(sqlite_desk: Desk, sign_in: SignIn) -> None:
    sqlite_desk.open([], extra=[Asked(0, "a", None, prior=(1, None)), Asked(1, "b", None)])
    ann = sign_in("Ann")
    (found,) = [
        task["prior"] for task in ann.post("/api/tasks/next", {"count": 2}).json()["tasks"] if "prior" in task
    ]
    assert found == {"label": 1, "confidence": None}
