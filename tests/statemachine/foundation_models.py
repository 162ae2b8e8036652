"""A foundation model for runs on the local AWS: it notes what it is asked, and fails as it is told to."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from labelloop.local.service_error import ServiceError
from labelloop.local.simulated_model import SimulatedModel, answer, asked_about
from tests.words import CLASSES

from .conftest import Loop, Outcome

MODEL = "us.amazon.nova-lite-v1:0"
NAME = "foundation-model"
PARAMETERS = {
    "DataBucket": "bucket",
    "JobRoleArn": "arn:aws:iam::123456789012:role/jobs",
    "LabelingBackend": "groundtruth",
    "FoundationModel": MODEL,
}
PRICES = {"InputTokens": 0.06, "OutputTokens": 0.24}


@dataclass
class Model:
    """A model of some skill that notes what it is asked, and fails as it is told to."""

    says: SimulatedModel
    asked: list[Mapping[str, Any]] = field(default_factory=list)
    faults: dict[str, Any] = field(default_factory=dict)  # by text: an error, or an answer

    def converse(self, model: str, request: Mapping[str, Any]) -> dict[str, Any]:
        if model != MODEL:
            raise ServiceError("ValidationException", "The provided model identifier is invalid.")
        text = asked_about(request)
        fault = self.faults.get("*", self.faults.get(text))
        if callable(fault):
            fault = fault(text, request)
        self.asked.append(request)
        if isinstance(fault, ServiceError):
            raise fault
        if isinstance(fault, str):
            return answer(request, {"text": fault}, "end_turn")
        return fault or self.says.converse(model, request)

    @property
    def texts(self) -> list[str]:
        return [asked_about(request) for request in self.asked]


def prepared(
    loop: Loop,
    size: int = 300,
    *,
    skill: float = 0.9,
    labeled: int = 0,
    clean: bool = True,
    **block: Any,
) -> Model:
    """A loop with texts, all of them different, and a model that may be asked about them."""
    loop.data(size, labeled=labeled, clean=clean)
    lines = [json.loads(line) for line in (loop.s3 / "bucket/in/input.manifest").read_bytes().splitlines()]
    records = [{**line, "source": f"{line['source']} {number}"} for number, line in enumerate(lines)]
    loop.manifest(json.dumps(record).encode() for record in records)
    loop.settings(
        Labeler="given",
        TargetError=0.1,
        CertificateFor="dataset",
        FoundationModel={"ModelId": MODEL, "Prices": PRICES, **block},
    )
    truth = dict(zip((record["source"] for record in records), loop.truth, strict=True))
    return Model(SimulatedModel(truth, CLASSES, skill))


def run(loop: Loop, model: Model, name: str = "run-1", **options: Any) -> Outcome:
    return loop.run(loop.aws(foundation_models=model, parameters=PARAMETERS, **options), name)


def sources(loop: Loop) -> list[str]:
    """The texts of the loop's manifest."""
    lines = (loop.s3 / "bucket/in/input.manifest").read_bytes().splitlines()
    return [json.loads(line)["source"] for line in lines]


def shown(request: Mapping[str, Any]) -> list[dict[str, str]]:
    """The examples in a request."""
    told = "".join(block["text"] for block in request["system"])
    return [json.loads(line) for line in told.splitlines() if line.startswith('{"text": ')]
