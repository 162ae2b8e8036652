"""What a training job's cross-validation says of human labels, out of the archive of its output."""

import io
import json
import tarfile

import numpy as np
import pytest

from labelloop.core.ledger import Ledger, State
from labelloop.storage import s3
from labelloop.storage.prediction_files import load_out_of_fold
from labelloop.workflow.run_state import RunState, Training

pytestmark = pytest.mark.usefixtures("bucket")

STATE = RunState.model_construct(
    class_names=["fruit", "metal"],
    training=Training.model_construct(model_folder_s3_uri="s3://bucket/run/round-002/model/"),
)


def ledger() -> Ledger:
    labeled = Ledger.of_size(4)
    labeled.label(np.arange(4), [0, 1, 0, 1], State.HUMAN, 1)
    return labeled


def put_archive(name: str, content: bytes, key: str = "job/output/output.tar.gz") -> None:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as output:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        output.addfile(member, io.BytesIO(content))
    s3.write_bytes(f"s3://bucket/run/round-002/model/{key}", archive.getvalue())


def test_it_says_of_each_example_what_a_net_says_that_has_not_seen_it() -> None:
    lines = [
        {"labelloop-id": 0, "label": ["1", "0"], "prob": [0.9, 0.1]},
        {"labelloop-id": 2, "label": ["__label__0", "__label__1"], "prob": [0.8, 0.2]},
        {"labelloop-id": 3, "label": ["9"], "prob": [1.0]},
        {"labelloop-id": 99, "label": ["0"], "prob": [1.0]},
        {"label": ["0"], "prob": [1.0]},
    ]
    put_archive(
        "out_of_fold.jsonl", b"not json\n" + b"".join(json.dumps(one).encode() + b"\n" for one in lines)
    )
    found = load_out_of_fold(STATE, ledger())
    assert found is not None
    assert np.flatnonzero(found.present).tolist() == [0, 2]
    assert found.label[[0, 2]].tolist() == [1, 0]
    assert found.confidence[[0, 2]].tolist() == pytest.approx([0.9, 0.8])


def test_a_container_that_leaves_none_leaves_none() -> None:
    assert load_out_of_fold(STATE, ledger()) is None
    put_archive("model.txt", b"x", key="job/output/model.tar.gz")
    assert load_out_of_fold(STATE, ledger()) is None
    put_archive("something.else", b"x")
    assert load_out_of_fold(STATE, ledger()) is None
