"""When a foundation model is asked again: never in a test, and once."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from labelloop.core.certificate.tuning import GIVEN_LABELS
from labelloop.core.loop import Loop, RoundOutcome
from labelloop.core.model.given_labels import GivenLabels
from labelloop.core.model.prior_labels import PriorLabels
from labelloop.core.records import FoundationModelRecord
from labelloop.core.stopping import Next
from labelloop.model_labels.asking_again import decided
from labelloop.simulation import Watcher, simulate
from labelloop.workflow.request import parse_request
from labelloop.workflow.run_state import ModelWork, RunState

SIZE = 2_000
FIRST = FoundationModelRecord(
    model="m",
    attribute="foundation-model",
    prompt_digest="d",
    labels=SIZE,
    without_label=0,
    texts=SIZE,
    tokens_in=1,
    tokens_out=1,
)


def state_of(loop: Loop, **block: Any) -> RunState:
    """As MergeLabels has it; `block`: fields of FoundationModel."""
    request = {
        "InputConfig": {"DataSource": {"S3DataSource": {"ManifestS3Uri": "s3://bucket/in/input.manifest"}}},
        "OutputConfig": {"S3OutputPath": "s3://bucket/out/"},
        "LabelingJobNamePrefix": "news",
        "RoleArn": "arn:aws:iam::123456789012:role/jobs",
        "LabelAttributeName": "category",
        "LabelCategoryConfigS3Uri": "s3://bucket/in/classes.json",
        "ActiveLearning": {"Labeler": "given", "Seed": 0, "FoundationModel": {"ModelId": "m", **block}},
    }
    state = RunState(
        execution_name="run",
        prefix="s3://bucket/out/run/",
        job_prefix="news",
        request=parse_request(request),
        class_names=["a", "b"],
        labels_in_input=loop.labels_in_input,
        counts=loop.counts,
        manifest_s3_uri="s3://bucket/m",
        ledger_s3_uri="s3://bucket/l",
        foundation_model=ModelWork(next="MERGE", record=FIRST),
    )
    return state.with_loop(loop)


@dataclass
class Asker(Watcher):
    """Asks after each round what would come next, as if the model had been asked once."""

    after: int
    in_test: list[tuple[int, Next]] = field(default_factory=list)
    between: list[tuple[int, Next]] = field(default_factory=list)

    def people_heard(self, loop: Loop, outcome: RoundOutcome) -> None:
        state = decided(state_of(loop, ExamplesNear=2, AskAgainAfter=self.after), loop)
        where = self.between if loop.test is None else self.in_test
        where.append((loop.counts.human_labels, state.next))
        if state.next == Next.ASK_MODEL:
            assert state.foundation_model == ModelWork(first=FIRST)
            assert decided(state, loop).next == loop.decide().next, "not a third time"
        without = decided(state_of(loop), loop)
        assert (without.next, without.stopped_because) == (
            loop.decide().next,
            loop.decide().stopped_because,
        )


def run(asker: Asker) -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(2, size=SIZE)
    sure = rng.uniform(0.5, 1.0, SIZE)
    labels = np.where(rng.random(SIZE) < sure, truth, 1 - truth)
    priors = PriorLabels(labels[:, np.newaxis].astype(np.int16), sure[:, np.newaxis].astype(np.float32))
    settings = {"TargetError": 0.1, "CertificateFor": "dataset", "SimulatedPeople": {"ErrorRate": 0.05}}
    simulate(np.zeros((SIZE, 1)), truth, GivenLabels(priors), settings, tuning=GIVEN_LABELS, watchers=[asker])


def test_it_is_never_asked_while_a_test_is_under_way() -> None:
    asker = Asker(after=1)
    run(asker)
    assert asker.in_test, "no round ended with a test under way: the data show nothing"
    assert {next_ for _, next_ in asker.in_test} == {Next.SELECT}
    assert Next.ASK_MODEL in {next_ for _, next_ in asker.between}


def test_it_is_asked_from_so_many_labels_on_where_a_model_learns_next() -> None:
    asker = Asker(after=1)
    run(asker)
    first = min(labels for labels, next_ in asker.between if next_ == Next.ASK_MODEL)
    later = Asker(after=first + 1)
    run(later)
    asked = [labels for labels, next_ in later.between if next_ == Next.ASK_MODEL]
    assert asked
    assert min(asked) > first
    assert [labels for labels, _ in later.between] == [labels for labels, _ in asker.between]
