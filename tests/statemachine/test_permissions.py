"""The roles allow what the application calls, and nothing else that is not explained here."""

import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import numpy as np
import pytest
from image_classifier.encoding_parts import EncodingParts
from image_classifier.image_source import S3Source

from labelloop.local.labeling_job import LabelingFailed, LabelingJobRequest
from labelloop.local.template import Template
from labelloop.storage import s3
from labelloop.workbench.deployment import close_elsewhere
from labelloop.workbench.overview import Overview
from labelloop.workbench.service import Workbench
from labelloop.workbench.tasks import Batch
from labelloop.workflow.run_files import RunFiles
from tests.local.fork_server import ForkServer
from tests.words import CLASSES
from tests.workbench.conftest import declared_table

from .aws_calls import JOBS, MODEL_JOBS, AwsCalls, Call
from .conftest import ROOT, Loop
from .foundation_models import MODEL, prepared
from .policies import Permission, Policies
from .test_workbench_paths import waiting_batch

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("permissions")]

WORKBENCH = ("Workbench", "LabelInWorkbench", "CollectLabels")
KEY = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"
PARAMETERS = {
    "DataBucket": "bucket",
    "InputBucket": "other",
    "KmsKeyArn": KEY,
    "FoundationModel": MODEL,
}
# Actions that no call of a local run needs, by what is true of the real AWS.
_JOBS_LOGS = "SageMaker writes a container's output to CloudWatch with the job's role"
_IMAGE = "SageMaker pulls the model's image with the job's role"
_TRACES = "the service sends its traces to X-Ray with this role"
_DELIVERY = "Step Functions sets up the delivery of its logs with this role when it is created or updated"
_WAITING = "Step Functions hears the end of what a .sync task waits for by a rule it keeps in this account"
_SYNC = "Step Functions asks after a .sync job with this role, and stops it when the execution is stopped"
_TAGS = "Step Functions tags what it starts (MANAGED_BY_AWS)"
_ENCRYPTED = "S3 uses the customer's key on behalf of who reads or writes; only with the parameter KmsKeyArn"
_MISSING = "S3 says that an object is missing only to who may list the bucket; to others it says forbidden"
_FAILED_WRITE = "an upload is given up when what is to be written fails"
_FAILED_BATCH = "the loop is told when what people said cannot be written"
_ANSWERED = "Bedrock answers the requests of a job with the job's role"
_TABLE = (
    "DynamoDB uses the customer's key on behalf of who reads or writes; only with the parameter KmsKeyArn"
)
EXPLAINED = {
    "xray:PutTraceSegments": _TRACES,
    "xray:PutTelemetryRecords": _TRACES,
    "xray:GetSamplingRules": _TRACES,
    "xray:GetSamplingTargets": _TRACES,
    "logs:CreateLogGroup": _JOBS_LOGS,
    "logs:CreateLogStream": "Lambda and SageMaker write what is printed to CloudWatch with this role",
    "logs:PutLogEvents": "Lambda and SageMaker write what is printed to CloudWatch with this role",
    "logs:DescribeLogStreams": _JOBS_LOGS,
    "logs:CreateLogDelivery": _DELIVERY,
    "logs:GetLogDelivery": _DELIVERY,
    "logs:UpdateLogDelivery": _DELIVERY,
    "logs:DeleteLogDelivery": _DELIVERY,
    "logs:ListLogDeliveries": _DELIVERY,
    "logs:PutResourcePolicy": _DELIVERY,
    "logs:DescribeResourcePolicies": _DELIVERY,
    "logs:DescribeLogGroups": _DELIVERY,
    "events:PutTargets": _WAITING,
    "events:PutRule": _WAITING,
    "events:DescribeRule": _WAITING,
    "states:DescribeExecution": _SYNC,
    "states:StopExecution": _SYNC,
    "sagemaker:DescribeTrainingJob": _SYNC,
    "sagemaker:StopTrainingJob": _SYNC,
    "sagemaker:DescribeTransformJob": _SYNC,
    "sagemaker:StopTransformJob": _SYNC,
    "sagemaker:DescribeLabelingJob": _SYNC,
    "sagemaker:StopLabelingJob": _SYNC,
    "sagemaker:AddTags": _TAGS,
    "sagemaker:ListTags": _TAGS,
    "cloudwatch:PutMetricData": "SageMaker writes a job's use of its instance to CloudWatch with its role",
    "ecr:GetAuthorizationToken": _IMAGE,
    "ecr:BatchCheckLayerAvailability": _IMAGE,
    "ecr:BatchGetImage": _IMAGE,
    "ecr:GetDownloadUrlForLayer": _IMAGE,
    "s3:GetBucketLocation": "Ground Truth asks where the bucket is, with the job's role",
    "kms:Decrypt": _ENCRYPTED,
    "kms:GenerateDataKey": _ENCRYPTED,
    "kms:CreateGrant": "SageMaker has a job's disks encrypted with the job's role; only with KmsKeyArn",
    "kms:DescribeKey": _TABLE,
    "kms:Encrypt": _TABLE,
    "kms:ReEncryptFrom": _TABLE,
    "kms:ReEncryptTo": _TABLE,
    "states:SendTaskFailure": _FAILED_BATCH,
    "s3:AbortMultipartUpload": _FAILED_WRITE,
}
# As above, where another role does call it.
EXPLAINED_OF_ROLE = {
    (
        "ModelContainerRole",
        "s3:GetObject",
    ): "who tries the model container out gives it a trained model in S3",
    ("ModelContainerRole", "s3:ListBucket"): _MISSING,
    (
        "ImageModelContainerRole",
        "s3:GetObject",
    ): "who tries the container of images out gives it a trained model in S3",
    ("ImageModelContainerRole", "s3:ListBucket"): _MISSING,
    ("ModelJobRole", "bedrock:InvokeModel"): _ANSWERED,
    ("ModelJobRole", "s3:ListBucket"): _MISSING,
    ("MergeModelLabelsRole", "s3:ListBucket"): _MISSING,
    **dict.fromkeys(
        (
            ("SelectForHumansRole", "s3:ListBucket"),
            ("LabelAtOnceRole", "s3:ListBucket"),
            ("SplitLabelsRole", "s3:ListBucket"),
            ("MergeLabelsRole", "s3:ListBucket"),
            ("CollectLabelsRole", "s3:ListBucket"),
        ),
        _MISSING,
    ),
}
# Where no ARN can stand for what is acted on (Service Authorization Reference).
MAY_SAY_ANY_RESOURCE = {
    "ecr:GetAuthorizationToken",
    "cloudwatch:PutMetricData",
    "bedrock:ListModelInvocationJobs",
    *(action for action in EXPLAINED if action.startswith("xray:")),
    *(action for action, reason in EXPLAINED.items() if reason == _DELIVERY),
}


def template(**parameters: str) -> Template:
    return Template(ROOT / "template.yaml", parameters={**PARAMETERS, **parameters})


@pytest.fixture(scope="module")
def policies() -> Policies:
    return Policies(template())


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory, forks: ForkServer) -> set[Call]:
    """Every call of whole runs, along every branch of the state machines."""
    recorder = AwsCalls()
    reached: set[str] = set()
    with recorder.recording():
        for play in (
            _labels_in_the_input_and_failing_labeling,
            _simulated_people,
            _people_at_the_workbench,
            _labels_that_are_given,
            _a_model_that_labels_first,
            _bad_input,
            _stopped,
            _images_are_encoded_once,
        ):
            with ExitStack() as stack:
                loop = Loop(tmp_path_factory.mktemp("loop"), stack, forks)
                play(loop, recorder)
                reached |= loop.reached
    definitions = (json.loads(path.read_text()) for path in (ROOT / "statemachine").glob("*.asl.json"))
    tasks = {
        name
        for definition in definitions
        for name, state in definition["States"].items()
        if state["Type"] == "Task"
    }
    assert tasks <= reached, "every task is on the way of one of these runs"
    return recorder.calls


def _aws(loop: Loop, recorder: AwsCalls, **options: Any) -> Any:
    """The local AWS with the stack's own role for jobs."""
    role = template().resolve({"Fn::GetAtt": "JobRole.Arn"}, "a test")
    loop.request["RoleArn"] = role

    def hear(event: Any) -> None:
        loop.note(event)
        recorder.hear(event, aws)
        if on_event := options.get("also"):
            on_event(event)

    given = {key: value for key, value in options.items() if key != "also"}
    parameters = {"DataBucket": "bucket", "LabelingBackend": "groundtruth", **given.pop("parameters", {})}
    aws = loop.aws(on_event=hear, parameters=parameters, **given)
    return aws


class FailingAnnotators:
    def label(self, _job: LabelingJobRequest, _records: Any) -> Iterator[bytes]:
        raise LabelingFailed("a test")


def _labels_in_the_input_and_failing_labeling(loop: Loop, recorder: AwsCalls) -> None:
    loop.data(600, labeled=150)
    failing = FailingAnnotators()
    assert loop.run(_aws(loop, recorder, annotators=failing)).execution.error == "CreateLabelingJobFailed"
    loop.settings(ResumeFromS3Uri="s3://bucket/out/run-1/")
    assert loop.run(_aws(loop, recorder), name="run-2").counts["unlabeled"] == 0


def _simulated_people(loop: Loop, recorder: AwsCalls) -> None:
    loop.data(30)
    rows = "".join(f"{number},x,{label}\n" for number, label in enumerate(loop.truth))
    loop.write("in/truth.csv", f"labelloop-id,source,label\n{rows}".encode())
    loop.settings(
        LabelingBackend="simulated",
        SimulatedPeople={"TruthS3Uri": "s3://bucket/in/truth.csv", "UnansweredShare": 0.2},
    )
    assert loop.run(_aws(loop, recorder)).counts["input"] == 30


def _people_at_the_workbench(loop: Loop, recorder: AwsCalls) -> None:
    loop.data(30)
    table = template().resolve({"Ref": "WorkbenchTable"}, "a test")
    aws = _aws(
        loop,
        recorder,
        parameters={"LabelingBackend": "workbench"},
        environment={
            "WORKBENCH_TABLE": table,
            "AWS_LAMBDA_FUNCTION_NAME": template().functions()["Workbench"].name,
        },
    )
    aws.client("dynamodb").create_table(TableName=table, **declared_table())
    loop.settings(Workbench={"RelabelShare": 0.5})
    with (
        waiting_batch(loop, aws, "run-1", elsewhere=close_elsewhere) as (arn, parts),
        recorder.made_by("Workbench"),
    ):
        desk = Workbench(parts.store, parts.closing)
        Overview(desk.store)()
        _answer_all(loop, desk)
    assert aws.wait(arn, seconds=300).output["Counts"]["human"] == 30

    loop.settings(Workbench={"DeadlineInSeconds": 2, "HeartbeatInSeconds": 1}, MaxRounds=1)
    # It may be over before anybody sees its batch.
    arn = aws.start_execution("ActiveLearningLoop", "run-2", loop.request)
    assert aws.wait(arn, seconds=300).output["Counts"]["human"] == 0

    # What the workbench hands over while nobody waits is written anew when somebody does.
    loop.settings(Workbench={})
    with waiting_batch(loop, aws, "run-3", elsewhere=close_elsewhere) as (arn, parts):
        aws.stop(arn)
        desk = Workbench(parts.store, parts.closing)
        with recorder.made_by("Workbench"):
            batch = _answer_all(loop, desk)
    bucket, key = s3.split_uri(batch.output_uri)
    aws.client("s3").delete_object(Bucket=bucket, Key=key)
    loop.settings(ResumeFromS3Uri="s3://bucket/out/run-3/")
    assert loop.run(aws, name="run-4").counts["human"] == 30


def _answer_all(loop: Loop, desk: Workbench) -> Batch:
    """Answers the batch to its end; returns it, closed."""
    batch = desk.current_batch()
    assert batch is not None
    while tasks := desk.next_tasks("ann", 20).tasks:
        for task, _ in tasks:
            desk.answer(batch.id, task.id, "ann", CLASSES.index(loop.truth[task.object_id]))
    return desk.batch(batch.id)


def _labels_that_are_given(loop: Loop, recorder: AwsCalls) -> None:
    loop.data(300)
    lines = (loop.s3 / "bucket/in/input.manifest").read_bytes().splitlines()
    given = [CLASSES.index(label) for label in loop.truth]
    loop.manifest(
        json.dumps({**json.loads(line), "rule": label}).encode()
        for line, label in zip(lines, given, strict=True)
    )
    loop.request["PriorLabels"] = [{"Attribute": "rule"}]
    loop.settings(Labeler="given", TargetError=0.1)
    assert loop.run(_aws(loop, recorder)).counts["auto"] > 0


def _a_model_that_labels_first(loop: Loop, recorder: AwsCalls) -> None:
    """In batch inference jobs; and again, once people have labeled."""
    model = prepared(loop, BatchFrom=100, ExamplesNear=3, AskAgainAfter=60)
    parameters = {"FoundationModel": MODEL}
    aws = _aws(loop, recorder, foundation_models=model, parameters=parameters)
    outcome = loop.run(aws)
    assert outcome.counts["auto"] > 0
    assert outcome.report()["foundation_model_again"]["labels"] > 0


def _bad_input(loop: Loop, recorder: AwsCalls) -> None:
    loop.data(10)
    loop.manifest([b'{"source": "x"}', b"broken"])
    assert loop.run(_aws(loop, recorder)).execution.error == "PrepareManifestFailed"


def _stopped(loop: Loop, recorder: AwsCalls) -> None:
    loop.data(600, labeled=150)
    loop.told = {"STAND_IN_TRAIN": "hang"}
    training = threading.Event()

    def hear(event: Any) -> None:
        if event.state == "CreateTrainingJob":
            training.set()

    aws = _aws(loop, recorder, also=hear)
    arn = aws.start_execution("ActiveLearningLoop", "run-1", loop.request)
    assert training.wait(300)
    schedule = json.dumps({"time": "2126-01-01T00:00:00Z"})
    aws.client("lambda").invoke(FunctionName="WatchExecutions", Payload=schedule)
    aws.stop(arn)
    assert aws.wait(arn, seconds=300).status == "ABORTED"


def _images_are_encoded_once(loop: Loop, recorder: AwsCalls) -> None:
    """What the container of images calls. It is called here: nobody hears what a job's process calls."""
    client = _aws(loop, recorder).client("s3")
    client.put_object(Bucket="bucket", Key="in/a.png", Body=b"an image")
    place = f"{RunFiles('s3://bucket/out/run-1/').encodings}backbone/"
    with recorder.made_by(JOBS):
        fetched = S3Source(client).fetch("s3://bucket/in/a.png")
        assert fetched is not None
        assert fetched.etag is not None
        for known in (False, True):
            parts = EncodingParts.open(place, 4, client)
            assert parts is not None
            assert (parts.find("s3://bucket/in/a.png") is not None) == known
            parts.keep("s3://bucket/in/a.png", fetched.etag, np.zeros(4, np.float16))
            parts.end_request()


def test_every_call_is_allowed_to_who_makes_it(policies: Policies, calls: set[Call]) -> None:
    refused = [call for call in calls if not policies.allow(call)]
    assert not refused


def test_no_job_can_read_what_a_run_will_draw(policies: Policies) -> None:
    """A container that knows the seed could err where nothing is drawn."""
    run = "arn:aws:s3:::bucket/out/run-1"
    for name in ("prepared", "round-001/selected", "round-001/merged"):
        assert not policies.allow(Call(JOBS, "s3:GetObject", f"{run}/{name}/state.json"))
        assert policies.allow(Call("MergeLabels", "s3:GetObject", f"{run}/{name}/state.json"))
    assert policies.allow(Call(JOBS, "s3:GetObject", f"{run}/round-001/training/train/train.jsonl"))


def test_jobs_keep_encodings_and_can_write_nowhere_else_of_the_runs_own(policies: Policies) -> None:
    run = "arn:aws:s3:::bucket/out/run-1"
    for action in ("s3:PutObject", "s3:PutObjectTagging", "s3:GetObject"):
        assert policies.allow(Call(JOBS, action, f"{run}/encodings/backbone/0.safetensors"))
    for key in ("prepared/manifest.jsonl", "round-001/merged/round.json", "output/output.manifest"):
        assert not policies.allow(Call(JOBS, "s3:PutObject", f"{run}/{key}"))
    assert not policies.allow(Call(JOBS, "s3:DeleteObject", f"{run}/encodings/backbone/0.safetensors"))
    assert not policies.allow(Call(JOBS, "s3:PutObjectTagging", f"{run}/round-001/model/model.tar.gz"))


def test_nothing_is_allowed_that_is_neither_called_nor_explained(
    policies: Policies, calls: set[Call]
) -> None:
    called = {(policies.role_of(call.principal), call.action) for call in calls}
    allowed = {(p.role, p.action) for permissions in policies.roles.values() for p in permissions}
    explained = {pair for pair in allowed if pair[1] in EXPLAINED or pair in EXPLAINED_OF_ROLE}
    assert sorted(allowed - called - explained) == []
    assert sorted(called & explained) == [], "what is called needs no explanation"
    assert set(EXPLAINED_OF_ROLE) <= allowed
    assert set(EXPLAINED) <= {action for _, action in allowed}


def test_no_call_is_allowed_to_another_principal_than_its_own(policies: Policies, calls: set[Call]) -> None:
    writes = {call for call in calls if call.action in ("s3:PutObject", "iam:PassRole")}
    principals = {call.principal for call in calls}
    for call in writes:
        others = principals - {call.principal}
        able = {
            other
            for other in others
            if policies.allow(Call(other, call.action, call.resource, call.passed_to))
        }
        # People's answers come from a labeling job, from the workbench or from the step that plays people,
        # and no pattern tells their output/output.manifest from the run's. Both machines run jobs.
        shared = {JOBS, "LabelAtOnce", "ExportManifest", *WORKBENCH}
        shared = shared if "/labeling/" in call.resource else set()
        shared |= {"ActiveLearning", "ActiveLearningLoop"} if call.action == "iam:PassRole" else set()
        assert able <= shared, call


def test_no_action_and_no_resource_is_a_blank_cheque(policies: Policies) -> None:
    permissions: list[Permission] = [p for role in policies.roles.values() for p in role]
    assert not [p for p in permissions if "*" in p.action]
    assert {p.action for p in permissions if p.resource == "*"} == MAY_SAY_ANY_RESOURCE
    passing = [p for p in permissions if p.action == "iam:PassRole"]
    assert passing
    services = {"ModelLabelsRole": "bedrock.amazonaws.com"}
    for p in passing:
        service = services.get(p.role, "sagemaker.amazonaws.com")
        assert p.condition == {"StringEquals": {"iam:PassedToService": service}}


def test_the_users_own_buckets_role_and_key_take_the_place_of_the_stacks() -> None:
    named = "arn:aws:iam::123456789012:role/jobs"
    permissions = Policies(template(JobRoleArn=named)).roles
    assert {p.resource for p in permissions["RoundRole"] if p.action == "iam:PassRole"} == {named}
    read = {p.resource for p in permissions["SplitLabelsRole"] if p.action == "s3:GetObject"}
    assert read == {"arn:aws:s3:::bucket/*", "arn:aws:s3:::other/*"}
    assert {p.resource for p in permissions["SplitLabelsRole"] if p.action.startswith("kms:")} == {KEY}
    bare = Policies(template(KmsKeyArn="", DataBucket="", InputBucket="")).roles
    assert not [p for p in bare["SplitLabelsRole"] if p.action.startswith("kms:")]
    (own,) = {p.resource for p in bare["SplitLabelsRole"] if p.action == "s3:GetObject"}
    assert own.startswith("arn:aws:s3:::labelloop-ownbucket")


def test_jobs_may_have_their_disks_encrypted_with_the_stacks_key_and_nothing_else_granted() -> None:
    of_jobs = [p for p in Policies(template()).roles["JobRole"] if p.action == "kms:CreateGrant"]
    assert [(p.resource, p.condition) for p in of_jobs] == [
        (KEY, {"Bool": {"kms:GrantIsForAWSResource": "true"}})
    ]
    roles = Policies(template()).roles
    assert [name for name in roles if any(p.action == "kms:CreateGrant" for p in roles[name])] == ["JobRole"]


def test_each_principal_has_a_role_of_its_own(policies: Policies) -> None:
    principals = [
        logical_id
        for logical_id, resource in template().resources.items()
        if resource["Type"] in ("AWS::Serverless::Function", "AWS::Serverless::StateMachine")
    ]
    roles = [policies.role_of(principal) for principal in principals]
    assert len(set(roles)) == len(roles) > 2


def test_the_recorder_hears_all_of_s3(calls: set[Call]) -> None:
    """Were the recorder deaf, every policy would pass."""
    assert {call.principal for call in calls} == {
        JOBS,
        MODEL_JOBS,
        *(name for name in template().functions() if not name.endswith("ModelContainer")),
        *(name for name in template().state_machines()),
    }
