"""The watch over running executions, and the log lines and metrics of whole runs."""

import json
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from labelloop.local.aws import LocalAws
from labelloop.local.labeling_job import LabelingJobRequest
from labelloop.local.simulated_annotators import SimulatedAnnotators
from labelloop.local.template import Template
from labelloop.monitoring import watch_executions
from labelloop.steps import metrics
from labelloop.steps.step_handler import logger
from tests.local.fork_server import ForkServer

from .conftest import ROOT, Loop

OF_THE_FOUNDATION_MODEL = {"AskFoundationModel", "MergeModelLabels"}

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("monitoring")]


class SlowAnnotators:
    """People who have the first batch until they are told to go on."""

    def __init__(self, loop: Loop) -> None:
        self.go_on = threading.Event()
        self.asked = threading.Event()
        self._people = SimulatedAnnotators(loop.people())

    def label(self, job: LabelingJobRequest, records: Any) -> Any:
        self.asked.set()
        self.go_on.wait(300)
        yield from self._people.label(job, records)


def look(aws: LocalAws, **later: float) -> dict[str, float]:
    """What the watch measures, so much later than now."""
    event = {"time": (datetime.now(UTC) + timedelta(**later)).isoformat()}
    answer = aws.client("lambda").invoke(FunctionName="WatchExecutions", Payload=json.dumps(event))
    assert "FunctionError" not in answer
    measured: dict[str, float] = json.loads(answer["Payload"].read())
    return measured


def test_the_watch_measures_how_long_people_have_a_batch(loop: Loop) -> None:
    loop.data(20)
    people = SlowAnnotators(loop)
    aws = loop.aws(annotators=people)
    assert look(aws) == {"ExecutionsRunning": 0, "HoursWaitingForPeople": 0, "HoursWithoutProgress": 0}
    arn = aws.start_execution("ActiveLearningLoop", "run-1", loop.request)
    assert people.asked.wait(300)
    measured = look(aws, hours=100)
    people.go_on.set()
    assert measured["HoursWaitingForPeople"] == pytest.approx(100, abs=0.1)
    assert measured["HoursWithoutProgress"] == 0
    assert measured["ExecutionsRunning"] == 1
    assert aws.wait(arn, seconds=300).status == "SUCCEEDED"
    assert look(aws, hours=100)["HoursWaitingForPeople"] == 0


def test_the_watch_measures_how_long_a_job_has_been_running(loop: Loop) -> None:
    loop.data(600, labeled=190)
    loop.told = {"STAND_IN_TRAIN": "hang"}
    training = threading.Event()

    def hear(event: Any) -> None:
        if event.state == "CreateTrainingJob":
            training.set()

    aws = loop.aws(on_event=hear)
    arn = aws.start_execution("ActiveLearningLoop", "run-1", loop.request)
    assert training.wait(300)
    measured = look(aws, hours=5)
    aws.stop(arn)
    assert measured["HoursWithoutProgress"] == pytest.approx(5, abs=0.1)
    assert measured["HoursWaitingForPeople"] == 0
    assert measured["ExecutionsRunning"] == 2, "the loop's and the round's"


def test_the_watch_knows_every_state_in_which_people_are_at_work() -> None:
    definition = json.loads((ROOT / "statemachine/active_learning_loop.asl.json").read_text())
    of_people = {
        name
        for name, state in definition["States"].items()
        if re.search("createLabelingJob|waitForTaskToken", state.get("Resource", ""))
    }
    assert of_people <= watch_executions.OF_PEOPLE
    assert set(definition["States"]) >= watch_executions.NESTED


# What a run prints -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def printed(
    tmp_path_factory: pytest.TempPathFactory, forks: ForkServer
) -> Iterator[dict[str, list[dict[str, Any]]]]:
    """The JSON lines each function printed in runs that label, fail to label, and fail."""
    folder = tmp_path_factory.mktemp("printed")
    with ExitStack() as stack:
        loop = Loop(folder, stack, forks)
        loop.data(600, labeled=150)
        loop.settings(TargetError=0.2)
        people = loop.people(unanswered_share=0.1)
        aws = loop.aws(annotators=SimulatedAnnotators(people))
        # Where another test's import made the logger, it prints where that test printed.
        stack.enter_context(patch.object(logger.registered_handler, "stream", sys.stdout))
        assert loop.run(aws).counts["failed"] > 0
        look(aws)
        loop.request["LabelAttributeName"] = 'a"b'
        assert loop.run(aws, name="run-2").execution.status == "FAILED"
        yield {path.stem: _json_lines(path) for path in (folder / "logs/lambda").glob("*.log")}


def _json_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines() if line.startswith("{")]


Printed = dict[str, list[dict[str, Any]]]


def embedded_metrics(printed: Printed) -> dict[str, set[tuple[str, ...]]]:
    """The dimension sets each metric was printed with."""
    found: dict[str, set[tuple[str, ...]]] = {}
    for lines in printed.values():
        for line in lines:
            for directive in line.get("_aws", {}).get("CloudWatchMetrics", ()):
                assert directive["Namespace"] == "labelloop"
                for metric in directive["Metrics"]:
                    assert isinstance(line[metric["Name"]], list | float | int)
                    for dimensions in directive["Dimensions"]:
                        assert all(line[name] for name in dimensions)
                        found.setdefault(metric["Name"], set()).add(tuple(sorted(dimensions)))
    return found


def test_every_log_line_of_a_step_says_execution_round_and_step(printed: Printed) -> None:
    steps = [name for name in printed if name != "WatchExecutions"]
    assert len(steps) == 6
    for name in steps:
        lines = printed[name]
        assert lines
        for line in lines:
            assert line["execution"] in ("run-1", "run-2")
            assert isinstance(line["round"], int)
            assert line.get("step", line.get("Step", name)) == name
        # Powertools' own keys: whether the function was started anew, and which one it is.
        told = [line for line in lines if "_aws" not in line]
        assert all({"cold_start", "function_name", "function_memory_size"} <= line.keys() for line in told)


def test_the_metrics_are_printed_with_the_labeling_job_prefix(printed: Printed) -> None:
    found = embedded_metrics(printed)
    assert set(found) == metrics.METRICS | watch_executions.METRICS
    for name in metrics.METRICS - {metrics.STEP_SECONDS}:
        assert found[name] == {("LabelingJobPrefix", "service")}
    assert found[metrics.STEP_SECONDS] == {("LabelingJobPrefix", "Step", "service")}
    last = [line for line in printed["MergeLabels"] if "PoolObjects" in line][-1]
    counts = ("HumanLabels", "AutoLabels", "PoolObjects", "FailedObjects")
    assert sum(sum(last[name]) for name in counts) == 600
    assert (last["service"], last["LabelingJobPrefix"]) == ("labelloop", "test")


def test_a_step_that_fails_says_why_on_a_line_of_its_execution(printed: Printed) -> None:
    (line,) = [line for line in printed["PrepareManifest"] if line.get("message") == "failed"]
    assert (line["execution"], line["error"]) == ("run-2", "RequestError")
    assert "cannot be a label attribute name" in line["reason"]


def test_objects_without_a_label_are_logged_with_their_reason(printed: Printed) -> None:
    lines = printed["ExportManifest"]
    (total,) = [line for line in lines if line.get("message") == "objects without a label"]
    each = [line for line in lines if line.get("message") == "object without a label"]
    assert total["objects"] == len(each)
    assert {line["reason"] for line in each} == {total["reason"]} == {"people gave no label, asked 2 times"}


# What reads it ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def template() -> Template:
    return Template(ROOT / "template.yaml", parameters={"DataBucket": "bucket"})


def monitoring_of(template: Template) -> Template:
    """The application within the application, with the parameters that the stack gives it."""
    application = template.resources["Monitoring"]["Properties"]
    given = template.resolve(application["Parameters"], "Monitoring")
    return Template(
        ROOT / application["Location"],
        parameters={name: str(value) for name, value in given.items()},
        stack_name=f"{template.stack_name}-Monitoring",
    )


@pytest.fixture(scope="module")
def monitoring(template: Template) -> Template:
    return monitoring_of(template)


def resolved(template: Template, kind: str) -> dict[str, Any]:
    return {
        name: template.resolve(item["Properties"], name)
        for name, item in template.resources.items()
        if item["Type"] == kind
    }


# Amazon SageMaker jobs and endpoint metrics, in AWS's documentation on monitoring SageMaker with CloudWatch.
OF_JOBS = {
    f"/aws/sagemaker/{kind}": [(["Host"], "CPUUtilization"), (["Host"], "MemoryUtilization")]
    for kind in ("TrainingJobs", "TransformJobs")
}


def test_the_dashboard_shows_nothing_that_is_not_measured(monitoring: Template, printed: Printed) -> None:
    (dashboard,) = resolved(monitoring, "AWS::CloudWatch::Dashboard").values()
    widgets = json.loads(dashboard["DashboardBody"])["widgets"]
    found = embedded_metrics(printed)
    shown = set()
    for widget in widgets:
        for metric in widget["properties"].get("metrics", ()):
            if isinstance(metric[0], dict):
                expression = metric[0]["expression"]
                namespace, *dimensions = re.findall(r"\{(.*?)\}", expression)[0].split(",")
                name = re.findall(r'MetricName="(\w+)"', expression)[0]
                if namespace.startswith("/aws/sagemaker/"):
                    assert (dimensions, name) in OF_JOBS[namespace]
                    continue
                assert namespace == "labelloop"
                assert 'service="labelloop"' in expression
                assert tuple(sorted(dimensions)) in found[name], name
                shown.add(name)
            elif metric[0] == "labelloop":
                assert (metric[2],) in found[metric[1]]
                shown.add(metric[1])
            else:
                _assert_known_to_aws(metric[0], metric[1], metric[2])
    assert shown == set(found), "what is measured is shown"
    ids = [m[0]["id"] for w in widgets for m in w["properties"].get("metrics", ()) if isinstance(m[0], dict)]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(("backend", "number"), [("workbench", 9), ("groundtruth", 8)])
def test_the_dashboard_shows_every_alarm_that_there_is(backend: str, number: int) -> None:
    """One that is not there would leave the widget empty, and the stack without a dashboard."""
    template = monitoring_of(Template(ROOT / "template.yaml", parameters={"LabelingBackend": backend}))
    (dashboard,) = resolved(template, "AWS::CloudWatch::Dashboard").values()
    widgets = json.loads(dashboard["DashboardBody"])["widgets"]
    (shown,) = [widget["properties"]["alarms"] for widget in widgets if widget["type"] == "alarm"]
    there = [
        template.resolve({"Fn::GetAtt": [name, "Arn"]}, "a test")
        for name, item in template.resources.items()
        if item["Type"] == "AWS::CloudWatch::Alarm"
        and (backend == "workbench" or item.get("Condition") != "WithWorkbench")
    ]
    assert sorted(shown) == sorted(there)
    assert len(shown) == number


def test_each_widget_has_its_place(monitoring: Template) -> None:
    (dashboard,) = resolved(monitoring, "AWS::CloudWatch::Dashboard").values()
    taken: set[tuple[int, int]] = set()
    for widget in json.loads(dashboard["DashboardBody"])["widgets"]:
        cells = {
            (x, y)
            for x in range(widget["x"], widget["x"] + widget["width"])
            for y in range(widget["y"], widget["y"] + widget["height"])
        }
        assert not cells & taken
        assert max(x for x, _ in cells) < 24
        taken |= cells


def _assert_known_to_aws(namespace: str, name: str, dimension: str) -> None:
    # Monitoring Step Functions metrics, Types of metrics for Lambda functions, and Monitor CloudWatch metrics
    # for HTTP APIs, in AWS's documentation.
    known = {
        "AWS/States": {"ExecutionsStarted", "ExecutionsSucceeded"}
        | {"ExecutionsFailed", "ExecutionsTimedOut", "ExecutionsAborted"},
        "AWS/Lambda": {"Errors", "Throttles"},
        "AWS/ApiGateway": {"Count", "4xx", "5xx", "Latency"},
    }
    assert name in known[namespace]
    dimensions = {"AWS/States": "StateMachineArn", "AWS/Lambda": "FunctionName", "AWS/ApiGateway": "ApiId"}
    assert dimension == dimensions[namespace]


def test_each_alarm_looks_at_what_is_measured_and_tells_the_topic(
    template: Template, monitoring: Template, printed: Printed
) -> None:
    found = embedded_metrics(printed)
    alarms = resolved(monitoring, "AWS::CloudWatch::Alarm")
    topic = template.resolve({"Ref": "AlarmTopic"}, "a test")
    assert len(alarms) == 9
    for alarm in alarms.values():
        assert alarm["AlarmActions"] == [topic]
        watched = [item["MetricStat"]["Metric"] for item in alarm.get("Metrics", ()) if "MetricStat" in item]
        for metric in watched or [alarm]:
            (dimension,) = metric["Dimensions"]
            if metric["Namespace"] == "labelloop":
                assert (dimension["Name"],) in found[metric["MetricName"]]
                assert dimension["Value"] == "labelloop"
            else:
                _assert_known_to_aws(metric["Namespace"], metric["MetricName"], dimension["Name"])


@pytest.mark.parametrize("name", ["StepErrorsAlarm", "StepThrottlesAlarm"])
def test_the_alarms_about_steps_look_at_each_of_them(
    template: Template, monitoring: Template, name: str
) -> None:
    alarm = resolved(monitoring, "AWS::CloudWatch::Alarm")[name]
    stats = [item["MetricStat"] for item in alarm["Metrics"] if "MetricStat" in item]
    watched = [stat["Metric"]["Dimensions"][0]["Value"] for stat in stats]
    # Nothing waits for the model containers, and the API's alarm stands for the workbench's.
    steps = set(template.functions()) - {"ModelContainer", "ImageModelContainer", "Workbench"}
    steps -= OF_THE_FOUNDATION_MODEL
    functions = [template.functions()[step].name for step in steps]
    assert sorted(watched) == sorted(functions)
    assert len(watched) <= 10, "an alarm takes no more metrics"


def test_the_alarm_about_the_foundation_model_looks_at_its_steps(
    template: Template, monitoring: Template
) -> None:
    """For errors and throttles: the other alarms have as many metrics as one takes."""
    alarm = resolved(monitoring, "AWS::CloudWatch::Alarm")["FoundationModelAlarm"]
    stats = [item["MetricStat"]["Metric"] for item in alarm["Metrics"] if "MetricStat" in item]
    watched = {(stat["MetricName"], stat["Dimensions"][0]["Value"]) for stat in stats}
    names = [template.functions()[step].name for step in OF_THE_FOUNDATION_MODEL]
    assert watched == {(metric, name) for metric in ("Errors", "Throttles") for name in names}


def test_each_alarm_is_in_the_runbook_and_each_in_the_runbook_is_an_alarm(monitoring: Template) -> None:
    runbook = (ROOT / "docs/operations.md").read_text()
    told = re.findall(r"^### (\w+)$", runbook, re.MULTILINE)
    alarms = resolved(monitoring, "AWS::CloudWatch::Alarm").values()
    names = [alarm["AlarmName"].removeprefix("labelloop/") for alarm in alarms]
    assert sorted(told) == sorted(names)
    for alarm in alarms:
        anchor = alarm["AlarmName"].removeprefix("labelloop/").lower()
        assert f"docs/operations.md#{anchor}" in alarm["AlarmDescription"]


def test_the_runbook_names_each_saved_query(monitoring: Template) -> None:
    runbook = (ROOT / "docs/operations.md").read_text()
    for query in resolved(monitoring, "AWS::Logs::QueryDefinition").values():
        assert query["Name"].startswith("labelloop/runs/")
        assert query["Name"].removeprefix("labelloop/runs/") in runbook


# Words of the query language that stand where a field may stand.
_WORDS = {"fields", "filter", "sort", "stats", "limit", "parse", "as", "by", "and", "or", "in", "like"}
_WORDS |= {"asc", "desc"}
_FUNCTIONS = {"sum", "ispresent"}


def fields_of(query: str) -> set[str]:
    """The names a query refers to that it does not make up itself."""
    without_text = re.sub(r'"[^"]*"|\'[^\']*\'', "", re.sub(r"/.*?/(?=\s)", "", query))
    made_up = set(re.findall(r"\bas (\w+)", query)) | set(re.findall(r"\(\?<(\w+)>", query))
    names = set(re.findall(r"@?[A-Za-z_][\w.]*", without_text))
    return {name for name in names - made_up - _WORDS - _FUNCTIONS if not name.startswith("@")}


def names_in(document: dict[str, Any], prefix: str = "") -> set[str]:
    names = set()
    for key, value in document.items():
        names.add(f"{prefix}{key}")
        if isinstance(value, dict):
            names |= names_in(value, f"{prefix}{key}.")
    return names


def test_the_saved_queries_refer_to_fields_that_log_lines_have(
    template: Template, monitoring: Template, printed: Printed
) -> None:
    queries = resolved(monitoring, "AWS::Logs::QueryDefinition")
    of_steps = {name for lines in printed.values() for line in lines for name in names_in(line)}
    # What Step Functions logs of each event, by AWS's page on logging execution histories in CloudWatch Logs.
    of_machines = {"id", "type", "details", "details.resource", "details.resourceType", "details.output"}
    of_machines |= {"previous_event_id", "event_timestamp", "execution_arn"}
    groups = {item["LogGroupName"] for item in resolved(template, "AWS::Logs::LogGroup").values()}
    assert len(queries) == 4
    for name, query in queries.items():
        assert set(query["LogGroupNames"]) <= groups
        known = of_machines if name == "RoundJobsQuery" else of_steps
        assert fields_of(query["QueryString"]) <= known, name
        messages = set(re.findall(r'"([^"]* without a label|done)"', query["QueryString"]))
        assert messages <= {line.get("message") for lines in printed.values() for line in lines}


def test_the_log_widget_reads_fields_that_log_lines_have(
    template: Template, monitoring: Template, printed: Printed
) -> None:
    (dashboard,) = resolved(monitoring, "AWS::CloudWatch::Dashboard").values()
    widgets = json.loads(dashboard["DashboardBody"])["widgets"]
    waiting, query = [widget["properties"]["query"] for widget in widgets if widget["type"] == "log"]
    groups = re.findall(r"SOURCE '([^']+)'", query)
    declared = {item["LogGroupName"] for item in resolved(template, "AWS::Logs::LogGroup").values()}
    assert groups
    assert set(groups) <= declared
    names = {name for lines in printed.values() for line in lines for name in names_in(line)}
    asked = fields_of(query.rpartition(f"'{groups[-1]}' | ")[2])
    assert asked <= names
    # What Step Functions logs of a job that SageMaker refuses for now.
    (group,) = re.findall(r"SOURCE '([^']+)'", waiting)
    assert group in declared
    assert fields_of(waiting.partition(" | ")[2]) == {"execution_arn", "details.cause", "details.error"}
