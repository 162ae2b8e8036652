"""A model of images trained in this process, and what it answers: error lines for what cannot be read."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from classifier.contract import ContractError
from classifier.invocations import JSON_LINES, answer
from classifier.ml_tree import MlTree
from classifier.stopping import StopOrder
from image_classifier.backbone import Backbone

from tests.image_container.conftest import MakeJob, picture, put, records
from tests.image_container.tiny_backbone import make_tiny_backbone

if TYPE_CHECKING:
    from classifier.model import Classifier

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("trained_model"),
    # Keras' own, when it saves TensorFlow's variables under NumPy 2.
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning"),
]


def train_here(root: Path) -> Classifier:
    from image_classifier.training import train

    handler = signal.getsignal(signal.SIGTERM)
    try:
        return train(MlTree(root), StopOrder())
    finally:
        signal.signal(signal.SIGTERM, handler)


def ask(model: Classifier, lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    body = "\n".join(map(json.dumps, lines)).encode()
    return [json.loads(line) for line in answer(body, JSON_LINES, model, None).splitlines()]


def right(answers: list[dict[str, Any]], lines: list[dict[str, Any]]) -> float:
    return float(
        np.mean([a["label"][0] == f"__label__{r['category']}" for a, r in zip(answers, lines, strict=True)])
    )


@pytest.mark.parametrize("has_backbone", [True, False])
def test_images_are_learned_and_served_and_what_is_broken_has_an_error_line(
    make_job: MakeJob,
    s3_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    has_backbone: bool,
) -> None:
    from image_classifier.model import load_classifier

    backbone = None
    if has_backbone:
        folder = make_tiny_backbone(tmp_path / "backbone")
        monkeypatch.setenv("IMAGE_BACKBONE", str(folder))
        backbone = Backbone(folder)
    train, held_out = records(s3_folder, 90), records(s3_folder, 30, start=1_000)
    put(s3_folder, "s3://images/broken.jpg", b"\xff\xd8\xff no JPEG")
    broken = {"source-ref": "s3://images/broken.jpg", "category": 1, "labelloop-id": 7_000}
    gone = {"source-ref": "s3://images/gone.jpg", "category": 1}
    job = make_job(num_classes=3, epochs=5)
    job.add_channel("train", [*train, broken]).add_channel("pool", [gone, *held_out]).add_channel(
        "validation", [*held_out, gone]
    )
    trained = train_here(job.root)
    lines = (job.root / "output/data/out_of_fold.jsonl").read_text().splitlines()
    assert [json.loads(line)["labelloop-id"] for line in lines] == [one["labelloop-id"] for one in train]
    served = load_classifier(job.model, backbone)
    answers = ask(served, [broken, *held_out, gone])
    assert "damaged" in answers[0]["error"] or "no image" in answers[0]["error"]
    assert answers[-1] == {
        "error": "The image s3://images/gone.jpg cannot be read: there is no s3://images/gone.jpg."
    }
    assert right(answers[1:-1], held_out) > 0.9
    assert len(answers[1]["embedding"]) == 32
    uris = [one["source-ref"] for one in held_out]
    assert np.allclose(trained.probabilities(uris), served.probabilities(uris), atol=1e-3)
    with pytest.raises(ContractError, match=r"with no backbone|the backbone of SHA-256"):
        load_classifier(job.model, None if has_backbone else Backbone(make_tiny_backbone(tmp_path / "other")))


def test_an_image_is_encoded_once_whatever_its_name(tmp_path: Path, s3_folder: Path) -> None:
    from classifier.encoding_cache import EncodingCache
    from image_classifier.features import BackboneView

    class Counting(Backbone):
        pictures = 0

        def vectors(self, pictures: Any) -> Any:
            self.pictures += len(pictures)
            return super().vectors(pictures)

    folder = make_tiny_backbone(tmp_path / "backbone")
    contents = [picture(0, 0), picture(1, 1), picture(0, 0), b"broken"]
    found = []
    for _ in range(2):
        backbone = Counting(folder)
        view = BackboneView(backbone, EncodingCache(tmp_path / "cache", backbone.name))
        found.append((backbone, view.rows([view.look(content) for content in contents])))
    assert [backbone.pictures for backbone, _ in found] == [2, 0]
    first, again = (rows for _, rows in found)
    assert all(np.array_equal(*rows) for rows in zip(first[:3], again[:3], strict=True))
    assert np.array_equal(first[0], first[2])
    assert isinstance(first[3], str)


def test_a_model_of_texts_is_not_served_as_one_of_images(tmp_path: Path) -> None:
    from classifier.contract import Contract
    from image_classifier.serving import prepare

    Contract("text", 2, "source", 0.0, 1.0, 2, {}, {}).save(tmp_path)
    with pytest.raises(ContractError, match="is one of texts, but this container classifies images"):
        prepare(tmp_path)


def test_where_no_example_can_be_read_the_job_says_so(make_job: MakeJob) -> None:
    from classifier.ml_tree import ChannelError

    job = make_job(num_classes=3)
    job.add_channel("train", [{"source-ref": "s3://images/nowhere.png", "category": 0}])
    with pytest.raises(
        ChannelError, match=r"no usable record: The image s3://images/nowhere\.png cannot be read"
    ):
        train_here(job.root)
