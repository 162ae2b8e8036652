"""What state machines may rely on: each test runs one on the patched interpreter."""

import functools
import hashlib
import importlib
import json
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service import (
    StateTaskService,
)
from moto.stepfunctions.parser.backend.execution import Execution as MotoExecution

from labelloop.local import moto_patches, moto_version
from labelloop.local.aws import LocalAws, LocalAwsError
from labelloop.local.service_error import ServiceError
from labelloop.workflow.execution import Execution, ExecutionEvent
from tests.local.conftest import OpenAws, invoke, machine, passes

# Each test starts a stack.
pytestmark = pytest.mark.slow

BUSY = ServiceError("TooManyRequestsException", "Rate exceeded", 429)
HOSTILE = 'he said "x"\n\\ ${a} {% b %} 😀'


def run(open_aws: OpenAws, definition: dict[str, Any], given: Any = None, **options: Any) -> Execution:
    return open_aws({"Machine": definition}, **options).run("Machine", "test", given or {})


def output(open_aws: OpenAws, definition: dict[str, Any], given: Any = None) -> Any:
    execution = run(open_aws, definition, given)
    assert execution.status == "SUCCEEDED", (execution.error, execution.cause)
    return execution.output


def event_types(aws: LocalAws, execution: Execution) -> list[str]:
    return [event["type"] for event in aws.history(execution.arn)]


def await_end_of_threads(before: set[threading.Thread]) -> None:
    until = time.monotonic() + 300
    while set(threading.enumerate()) - before:
        assert time.monotonic() < until, set(threading.enumerate()) - before
        time.sleep(0.02)


def await_token(calls: list[Any]) -> str:
    until = time.monotonic() + 300
    while not calls:
        assert time.monotonic() < until
        time.sleep(0.01)
    token: str = calls[0]
    return token


# The pin ---------------------------------------------------------------------------------------------------


def test_0_the_installed_moto_is_the_one_the_patches_were_written_for() -> None:
    moto_version.check_moto_version()


def test_another_moto_is_refused_with_the_command_that_helps(
    open_aws: OpenAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moto_version, "version", lambda _name: "5.3.0")
    with pytest.raises(
        moto_version.MotoVersionError, match=r"moto 5\.3\.0 is installed: pip install moto==5\.2\.5"
    ):
        open_aws()


def test_the_patches_are_gone_after_the_with_block(open_aws: OpenAws) -> None:
    before = [getattr(target, name) for target, name, _ in moto_patches._patches()]
    aws = open_aws()
    assert [getattr(target, name) for target, name, _ in moto_patches._patches()] != before
    aws.__exit__(None, None, None)
    assert [getattr(target, name) for target, name, _ in moto_patches._patches()] == before


def test_a_jsonpath_machine_is_refused(open_aws: OpenAws) -> None:
    with pytest.raises(LocalAwsError, match='set "QueryLanguage": "JSONata"'):
        open_aws({"Machine": {**machine(A=passes()), "QueryLanguage": "JSONPath"}})


# JSONata, variables, context -------------------------------------------------------------------------------


def test_hostile_text_goes_through_variables_arguments_and_outputs_unchanged(open_aws: OpenAws) -> None:
    definition = machine(
        Keep=passes(Assign={"text": "{% $states.input.text %}"}, Output={"t": "{% $text %}"}, Next="Send")
        | {"Output": {"t": "{% $states.input.text %}"}},
        Send=invoke("Echo", {"from_variable": "{% $text %}", "from_input": "{% $states.input.t %}"}),
    )
    assert output(open_aws, definition, {"text": HOSTILE}) == {
        "from_variable": HOSTILE,
        "from_input": HOSTILE,
    }


def test_assign_and_output_both_see_the_variables_as_they_were(open_aws: OpenAws) -> None:
    counting = {"Assign": {"n": "{% $n + 1 %}"}, "Output": {"n": "{% $n %}"}}
    definition = machine(
        Zero=passes(Assign={"n": 0}, Next="InPass"),
        InPass=passes(**{**counting, "Output": {"pass": "{% $n %}"}}, Next="InTask"),
        InTask=invoke("Echo", {}, **counting, End=None, Next="InWait")
        | {"Output": {"pass": "{% $states.input.pass %}", "task": "{% $n %}"}},
        InWait={
            "Type": "Wait",
            "Seconds": 1,
            "Assign": {"n": "{% $n + 1 %}"},
            "Output": "{% $merge([$states.input, {'wait': $n}]) %}",
            "Next": "InChoice",
        },
        InChoice={
            "Type": "Choice",
            "Choices": [
                {
                    "Condition": "{% $n = 3 %}",
                    "Assign": {"n": "{% $n + 1 %}"},
                    "Output": "{% $merge([$states.input, {'choice': $n}]) %}",
                    "Next": "Done",
                }
            ],
            "Default": "Done",
        },
        Done={"Type": "Succeed", "Output": "{% $merge([$states.input, {'end': $n}]) %}"},
    )
    assert output(open_aws, definition) == {"pass": 0, "task": 1, "wait": 2, "choice": 3, "end": 4}


def test_a_task_output_sees_input_result_and_variables(open_aws: OpenAws) -> None:
    definition = machine(
        A=invoke(
            "Echo",
            {"b": 2},
            Output="{% $merge([$states.input, $states.result.Payload, {'s': $states.result.StatusCode}]) %}",
        )
    )
    assert output(open_aws, definition, {"a": 1}) == {"a": 1, "b": 2, "s": 200}


def test_the_context_object_has_what_aws_documents(open_aws: OpenAws) -> None:
    aws = open_aws({"Machine": machine(Look=invoke("Echo", "{% $states.context %}"))})
    execution = aws.run("Machine", "run-1", {"a": 1})
    context = execution.output
    machine_arn = "arn:aws:states:us-east-1:123456789012:stateMachine:labelloop-Machine"
    assert context["Execution"].pop("StartTime").endswith("Z")
    assert datetime.fromisoformat(context["State"].pop("EnteredTime")).tzinfo is not None
    assert context == {
        "Execution": {
            "Id": execution.arn,
            "Name": "run-1",
            "Input": {"a": 1},
            "RoleArn": "arn:aws:iam::123456789012:role/labelloop-MachineRole",
            "RedriveCount": 0,
        },
        "State": {"Name": "Look", "RetryCount": 0},
        "StateMachine": {"Id": machine_arn, "Name": "labelloop-Machine"},
    }


def test_result_and_error_output_are_undefined_where_there_is_none(open_aws: OpenAws) -> None:
    look = "{% $exists($states.result) or $exists($states.errorOutput) %}"
    definition = machine(
        A=invoke("Echo", {}, End=None, Next="B", Output={"a": 1}),
        B=passes(Output=look),
    )
    assert output(open_aws, definition) is False


def test_a_failed_expression_is_caught_by_its_own_state(open_aws: OpenAws) -> None:
    caught = {"Error": "{% $states.errorOutput.Error %}", "Cause": "{% $states.errorOutput.Cause %}"}
    catch = [{"ErrorEquals": ["States.QueryEvaluationError"], "Next": "End", "Output": caught}]
    for field in ({"Output": "{% $states.result.nothing.here %}"}, {"Assign": {"x": "{% 1 + 'a' %}"}}):
        aws = open_aws(
            {"Machine": machine(A=invoke("Echo", {}, Catch=catch, **field), End={"Type": "Succeed"})}
        )
        execution = aws.run("Machine", "test", {})
        assert execution.output["Error"] == "States.QueryEvaluationError"
        assert "JSONata expression" in execution.output["Cause"]
        assert "EvaluationFailed" in event_types(aws, execution)
        aws.__exit__(None, None, None)


@pytest.mark.parametrize(
    "state",
    [
        passes(Output="{% $states.input.nothing %}"),
        {
            "Type": "Choice",
            "Choices": [{"Condition": "{% $states.input.nothing %}", "Next": "A"}],
            "Default": "A",
        },
        {"Type": "Choice", "Choices": [{"Condition": "{% 'text' %}", "Next": "A"}], "Default": "A"},
        {"Type": "Fail", "Error": "{% $states.input.nothing %}"},
        {"Type": "Succeed", "Output": "{% $error('no') %}"},
    ],
    ids=["Pass", "Choice undefined", "Choice not boolean", "Fail", "Succeed"],
)
def test_a_failed_expression_outside_a_task_fails_the_execution(
    open_aws: OpenAws, state: dict[str, Any]
) -> None:
    execution = run(open_aws, machine(A=state))
    assert (execution.status, execution.error) == ("FAILED", "States.QueryEvaluationError")
    assert "executing the state 'A'" in (execution.cause or "")


def test_a_state_of_200_kib_passes_and_one_of_300_kib_fails(open_aws: OpenAws) -> None:
    definition = machine(A=passes(Output={"text": "{% $pad('', $states.input.n, 'x') %}"}))
    aws = open_aws({"Machine": definition})
    assert len(aws.run("Machine", "fits", {"n": 200 * 1024}).output["text"]) == 200 * 1024
    assert aws.run("Machine", "too-large", {"n": 300 * 1024}).error == "States.DataLimitExceeded"


# States ----------------------------------------------------------------------------------------------------


def test_a_choice_with_the_same_next_as_default_runs_its_own_output_only(open_aws: OpenAws) -> None:
    definition = machine(
        A={
            "Type": "Choice",
            "Choices": [{"Condition": "{% $states.input.n > 1 %}", "Output": {"by": "rule"}, "Next": "End"}],
            "Default": "End",
            "Output": {"by": "default"},
        },
        End={"Type": "Succeed"},
    )
    aws = open_aws({"Machine": definition})
    assert aws.run("Machine", "rule", {"n": 2}).output == {"by": "rule"}
    assert aws.run("Machine", "default", {"n": 1}).output == {"by": "default"}


def test_a_choice_where_nothing_matches_fails_with_no_choice_matched(open_aws: OpenAws) -> None:
    rules = {"Type": "Choice", "Choices": [{"Condition": "{% false %}", "Next": "A"}]}
    assert run(open_aws, machine(A=rules)).error == "States.NoChoiceMatched"


def test_a_fail_state_takes_error_and_cause_from_expressions(open_aws: OpenAws) -> None:
    fail = {
        "Type": "Fail",
        "Error": "{% $states.input.e & 'Failed' %}",
        "Cause": "{% 'since ' & $states.input.c %}",
    }
    execution = run(open_aws, machine(A=fail), {"e": "Label", "c": "nobody came"})
    assert (execution.status, execution.error, execution.cause) == (
        "FAILED",
        "LabelFailed",
        "since nobody came",
    )


def test_waits_and_retry_pauses_are_scaled(open_aws: OpenAws) -> None:
    wait = {"Type": "Wait", "Seconds": "{% $states.input.seconds %}", "Next": "B"}
    aws = open_aws({"Machine": machine(A=wait, B=passes())}, time_scale=0.001)
    began = time.monotonic()
    assert aws.run("Machine", "test", {"seconds": 1000}).status == "SUCCEEDED"
    assert 1 <= time.monotonic() - began < 100


def test_a_parallel_and_a_map_state_run_their_branches(open_aws: OpenAws) -> None:
    definition = machine(
        Both={
            "Type": "Parallel",
            "Branches": [machine(A=passes(Output={"a": 1})), machine(B=invoke("Echo", {"b": 2}))],
            "Output": "{% $merge($states.result) %}",
            "Next": "Each",
        },
        Each={
            "Type": "Map",
            "Items": "{% [1, 2, 3] %}",
            "ItemProcessor": machine(Double=passes(Output="{% $states.input * 2 %}")),
            "End": True,
        },
    )
    assert output(open_aws, definition) == [2, 4, 6]


# Retry and Catch -------------------------------------------------------------------------------------------


def retry(*errors: str, attempts: int = 2) -> list[dict[str, Any]]:
    return [
        {
            "ErrorEquals": list(errors),
            "IntervalSeconds": 5,
            "BackoffRate": 2,
            "MaxDelaySeconds": 60,
            "JitterStrategy": "FULL",
            "MaxAttempts": attempts,
        }
    ]


def test_a_throttled_function_is_retried_and_sees_the_retry_count(open_aws: OpenAws) -> None:
    state = invoke(
        "Echo", "{% $states.context.State.RetryCount %}", Retry=retry("Lambda.TooManyRequestsException")
    )
    aws = open_aws({"Machine": machine(A=state)})
    aws.interceptors.fail_next("Invoke", BUSY, times=2, FunctionName="Echo")
    execution = aws.run("Machine", "test", {})
    assert execution.output == 2
    assert event_types(aws, execution).count("TaskFailed") == 2


def test_retries_run_out_after_max_attempts(open_aws: OpenAws) -> None:
    aws = open_aws({"Machine": machine(A=invoke("Echo", {}, Retry=retry("Lambda.TooManyRequestsException")))})
    aws.interceptors.fail_next("Invoke", BUSY, times=9)
    execution = aws.run("Machine", "test", {})
    assert (execution.status, execution.error) == ("FAILED", "Lambda.TooManyRequestsException")
    assert event_types(aws, execution).count("TaskFailed") == 3


def test_only_the_named_errors_are_retried(open_aws: OpenAws, calls: list[Any]) -> None:
    aws = open_aws(
        {"Machine": machine(A=invoke("Fails", {}, Retry=retry("Lambda.TooManyRequestsException")))}
    )
    execution = aws.run("Machine", "test", {})
    assert event_types(aws, execution).count("TaskFailed") == 1


def test_retry_pauses_grow_to_max_delay_seconds(open_aws: OpenAws, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(moto_patches, "_pause", lambda _self, _env, seconds: pauses.append(seconds))
    retriers = retry("Lambda.TooManyRequestsException", attempts=5)
    retriers[0] |= {"MaxDelaySeconds": 30}
    del retriers[0]["JitterStrategy"]
    aws = open_aws({"Machine": machine(A=invoke("Echo", {}, Retry=retriers))})
    aws.interceptors.fail_next("Invoke", BUSY, times=5)
    assert aws.run("Machine", "test", {}).status == "SUCCEEDED"
    assert pauses == [5, 10, 20, 30, 30]


def test_an_exception_in_a_handler_is_caught_by_its_type_with_lambdas_payload(open_aws: OpenAws) -> None:
    catch = {"ErrorEquals": ["ShortOfPaper"], "Assign": {"kept": "{% $states.input %}"}, "Next": "End"}
    catch["Output"] = "{% {'Error': $states.errorOutput.Error, 'Cause': $parse($states.errorOutput.Cause)} %}"
    definition = machine(
        A=invoke("Fails", "the printer", Catch=[catch]),
        End={"Type": "Succeed", "Output": "{% $merge([$states.input, {'kept': $kept}]) %}"},
    )
    caught = output(open_aws, definition, {"a": 1})
    assert caught["Error"] == "ShortOfPaper"
    assert caught["Cause"]["errorMessage"] == "no paper for the printer"
    assert caught["Cause"]["errorType"] == "ShortOfPaper"
    assert "in fails" in caught["Cause"]["stackTrace"][0]
    assert caught["kept"] == {"a": 1}


def test_in_a_catch_too_output_sees_the_variables_as_they_were(open_aws: OpenAws) -> None:
    catch = {
        "ErrorEquals": ["States.ALL"],
        "Assign": {"n": "{% $n + 1 %}"},
        "Output": {"n": "{% $n %}"},
        "Next": "End",
    }
    definition = machine(
        Zero=passes(Assign={"n": 0}, Next="A"),
        A=invoke("Fails", {}, Catch=[catch]),
        End={"Type": "Succeed", "Output": {"in the catch": "{% $states.input.n %}", "after it": "{% $n %}"}},
    )
    assert output(open_aws, definition) == {"in the catch": 0, "after it": 1}


def test_states_all_catches_what_comes_after_other_catchers(open_aws: OpenAws) -> None:
    catch = [{"ErrorEquals": ["Other"], "Next": "Wrong"}, {"ErrorEquals": ["States.ALL"], "Next": "Right"}]
    definition = machine(
        A=invoke("Fails", {}, Catch=catch),
        Wrong={"Type": "Fail"},
        Right={"Type": "Succeed", "Output": "right"},
    )
    assert output(open_aws, definition) == "right"


def test_too_large_a_result_is_not_caught_even_by_states_all(open_aws: OpenAws) -> None:
    payload = "{% $pad('', 300000, 'x') %}"
    definition = machine(
        A=invoke("Echo", payload, Catch=[{"ErrorEquals": ["States.ALL"], "Next": "End"}]),
        End={"Type": "Succeed"},
    )
    assert run(open_aws, definition).error == "States.DataLimitExceeded"


@pytest.mark.parametrize("timeout", [1, "{% $states.input.seconds %}"], ids=["number", "expression"])
def test_a_task_over_its_timeout_fails_with_states_timeout(
    open_aws: OpenAws, released: threading.Event, timeout: Any
) -> None:
    before = set(threading.enumerate())
    catch = [{"ErrorEquals": ["States.Timeout"], "Next": "End", "Output": "{% $states.errorOutput.Error %}"}]
    state = invoke("Slow", {}, TimeoutSeconds=timeout, Catch=catch)
    aws = open_aws({"Machine": machine(A=state, End={"Type": "Succeed"})})
    execution = aws.run("Machine", "test", {"seconds": 1})
    assert execution.output == "States.Timeout"
    released.set()
    await_end_of_threads(before)
    assert "TaskSucceeded" not in event_types(aws, execution), (
        "the task that came too late reports no success"
    )


def test_a_state_machines_own_timeout_ends_it(open_aws: OpenAws, released: threading.Event) -> None:
    definition = {**machine(A=invoke("Slow", {})), "TimeoutSeconds": 1}
    assert run(open_aws, definition).status == "TIMED_OUT"
    released.set()


# Nested executions -----------------------------------------------------------------------------------------


def start_child(**more: Any) -> dict[str, Any]:
    arguments = {
        "StateMachineArn": "${Child}",
        "Name": "{% $states.context.Execution.Name & '-child' %}",
        "Input": {"n": "{% $states.input.n %}"},
    }
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::states:startExecution.sync:2",
        "Arguments": arguments,
        "End": True,
        **more,
    }
    return {key: value for key, value in state.items() if value is not None}


def test_a_child_execution_gives_its_output_as_json(open_aws: OpenAws) -> None:
    child = machine(Add=passes(Output={"n": "{% $states.input.n + 1 %}"}))
    aws = open_aws({"Parent": machine(A=start_child()), "Child": child})
    execution = aws.run("Parent", "test", {"n": 1})
    answer = execution.output
    assert answer["Output"] == {"n": 2}
    assert answer["Input"] == {"n": 1}
    assert answer["Status"] == "SUCCEEDED"
    assert answer["Name"] == "test-child"
    assert isinstance(answer["StartDate"], int)
    assert aws.children(execution.arn) == [answer["ExecutionArn"]]
    assert aws.history(answer["ExecutionArn"])[-1]["type"] == "ExecutionSucceeded"


@pytest.mark.parametrize("fails", [False, True])
def test_who_sees_that_an_execution_has_ended_sees_how(
    open_aws: OpenAws, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    """A parent that looked at a child between its status and its output would go on with none."""
    described: list[Any] = []

    def set_status(self: Any, status: Any) -> None:
        self.__dict__["status"] = status
        if status in ("SUCCEEDED", "FAILED"):
            described.append((self.output, self.error, self.cause))

    status = property(lambda self: self.__dict__.get("status"), set_status)
    monkeypatch.setattr(MotoExecution, "exec_status", status, raising=False)
    ends = {"Type": "Fail", "Error": "Broken", "Cause": "why"} if fails else passes(Output={"n": 2})
    run(open_aws, machine(A=ends))
    assert described == [(None, "Broken", "why") if fails else ('{"n": 2}', None, None)]


def test_plain_sync_gives_the_childs_output_as_text(open_aws: OpenAws) -> None:
    task = start_child(
        Resource="arn:aws:states:::states:startExecution.sync", Output="{% $states.result.Output %}"
    )
    aws = open_aws({"Parent": machine(A=task), "Child": machine(A=passes(Output={"n": 2}))})
    assert json.loads(aws.run("Parent", "test", {"n": 1}).output) == {"n": 2}


def test_a_failed_child_fails_the_task_with_its_description(open_aws: OpenAws) -> None:
    catch = [
        {
            "ErrorEquals": ["States.TaskFailed"],
            "Next": "End",
            "Output": "{% $parse($states.errorOutput.Cause) %}",
        }
    ]
    child = machine(A={"Type": "Fail", "Error": "NoPaper", "Cause": "none left"})
    parent = machine(A=start_child(Catch=catch), End={"Type": "Succeed"})
    execution = open_aws({"Parent": parent, "Child": child}).run("Parent", "test", {"n": 1})
    assert {key: execution.output[key] for key in ("Status", "Error", "Cause")} == {
        "Status": "FAILED",
        "Error": "NoPaper",
        "Cause": "none left",
    }


def test_a_child_with_a_name_used_before_is_refused(open_aws: OpenAws) -> None:
    arguments = {"StateMachineArn": "${Child}", "Name": "same", "Input": {}}
    aws = open_aws({"Parent": machine(A=start_child(Arguments=arguments)), "Child": machine(A=passes())})
    assert aws.run("Parent", "one", {}).status == "SUCCEEDED"
    assert aws.run("Parent", "two", {}).error == "StepFunctions.ExecutionAlreadyExistsException"


def test_two_children_without_a_name_are_two_executions(open_aws: OpenAws) -> None:
    arguments = {"StateMachineArn": "${Child}", "Input": {}}
    parent = machine(
        A=start_child(Arguments=arguments, End=None, Next="B"), B=start_child(Arguments=arguments)
    )
    aws = open_aws({"Parent": parent, "Child": machine(A=passes())})
    execution = aws.run("Parent", "test", {})
    assert execution.status == "SUCCEEDED"
    assert len(set(aws.children(execution.arn))) == 2


def test_stopping_the_parent_stops_the_child(open_aws: OpenAws) -> None:
    child = machine(A={"Type": "Wait", "Seconds": 600, "End": True})
    aws = open_aws({"Parent": machine(A=start_child()), "Child": child}, time_scale=1.0)
    arn = aws.start_execution("Parent", "test", {"n": 1})
    while not aws.children(arn):
        time.sleep(0.01)
    aws.stop(arn, error="Enough", cause="a test")
    execution = aws.wait(arn, 300)
    assert (execution.status, execution.error, execution.cause) == ("ABORTED", "Enough", "a test")
    assert aws.wait(aws.children(arn)[0], 300).status == "ABORTED"


# Tokens ----------------------------------------------------------------------------------------------------


def waiting_for_token(function: str = "WaitsForToken", **more: Any) -> dict[str, Any]:
    state = invoke(function, {"token": "{% $states.context.Task.Token %}"}, Output=None, **more)
    return state | {"Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken"}


def test_a_task_goes_on_when_its_token_comes_back(open_aws: OpenAws, calls: list[Any]) -> None:
    aws = open_aws({"Machine": machine(A=waiting_for_token())})
    arn = aws.start_execution("Machine", "test", {})
    token = await_token(calls)
    assert aws.describe(arn).status == "RUNNING"
    aws.client("stepfunctions").send_task_success(taskToken=token, output=json.dumps({"labeled": 3}))
    assert aws.wait(arn, 300).output == {"labeled": 3}
    with pytest.raises(ClientError, match="InvalidToken"):
        aws.client("stepfunctions").send_task_success(taskToken=token, output="{}")


def test_a_token_that_comes_back_with_a_failure_fails_the_task(open_aws: OpenAws, calls: list[Any]) -> None:
    catch = [{"ErrorEquals": ["BatchClosed"], "Next": "End", "Output": "{% $states.errorOutput.Cause %}"}]
    aws = open_aws({"Machine": machine(A=waiting_for_token(Catch=catch), End={"Type": "Succeed"})})
    arn = aws.start_execution("Machine", "test", {})
    token = await_token(calls)
    aws.client("stepfunctions").send_task_failure(taskToken=token, error="BatchClosed", cause="nobody came")
    assert aws.wait(arn, 300).output == "nobody came"


def test_a_token_may_come_back_before_its_function_returns(open_aws: OpenAws) -> None:
    waiting = waiting_for_token("ReturnsToken", TimeoutSeconds=60, HeartbeatSeconds=30)
    aws = open_aws({"Machine": machine(A=waiting)})
    assert aws.wait(aws.start_execution("Machine", "test", {}), 300).output == "at once"


def test_a_token_that_never_comes_times_out(open_aws: OpenAws, calls: list[Any]) -> None:
    aws = open_aws({"Machine": machine(A=waiting_for_token(TimeoutSeconds=1))})
    assert aws.run("Machine", "test", {}).error == "States.Timeout"


@pytest.mark.parametrize("function_takes", [0.0, 0.6])
def test_a_token_that_comes_too_late_is_refused(
    open_aws: OpenAws, calls: list[Any], monkeypatch: pytest.MonkeyPatch, function_takes: float
) -> None:
    functions = importlib.import_module("stack_functions")
    at_once = functions.waits_for_token

    def slowly(event: Any, context: Any) -> Any:
        time.sleep(function_takes)
        return at_once(event, context)

    monkeypatch.setattr(functions, "waits_for_token", slowly)
    catch = [{"ErrorEquals": ["States.Timeout"], "Next": "Later"}]
    later = {"Type": "Wait", "Seconds": 600, "End": True}
    aws = open_aws(
        {"Machine": machine(A=waiting_for_token(TimeoutSeconds=1, Catch=catch), Later=later)}, time_scale=1.0
    )
    arn = aws.start_execution("Machine", "test", {})
    token = await_token(calls)
    while "WaitStateEntered" not in [event["type"] for event in aws.history(arn)]:
        time.sleep(0.02)
    with pytest.raises(ClientError, match="TaskTimedOut"):
        aws.client("stepfunctions").send_task_success(taskToken=token, output="{}")


@pytest.mark.parametrize("how", ["stopped", "machine times out", "sibling fails"])
def test_no_thread_goes_on_waiting_for_a_token_when_its_execution_has_ended(
    open_aws: OpenAws, calls: list[Any], how: str
) -> None:
    before = set(threading.enumerate())
    waits = machine(A=waiting_for_token())
    fails = machine(B={"Type": "Wait", "Seconds": 1, "Next": "C"}, C={"Type": "Fail"})
    both = {"Type": "Parallel", "Branches": [waits, fails], "End": True}
    definition = machine(P=both) if how == "sibling fails" else waits
    if how == "machine times out":
        definition = {**definition, "TimeoutSeconds": 1}
    aws = open_aws({"Machine": definition}, time_scale=1.0)
    arn = aws.start_execution("Machine", "test", {})
    # On a slow machine the end may come before the wait.
    while not calls and aws.describe(arn).status == "RUNNING":
        time.sleep(0.01)
    if how == "stopped":
        aws.stop(arn)
    assert aws.wait(arn, 300).status in ("ABORTED", "TIMED_OUT", "FAILED")
    await_end_of_threads(before)


def test_stopping_an_execution_that_waits_for_a_token_ends_it_at_once(
    open_aws: OpenAws, calls: list[Any]
) -> None:
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "End"}]
    aws = open_aws({"Machine": machine(A=waiting_for_token(Catch=catch), End={"Type": "Succeed"})})
    arn = aws.start_execution("Machine", "test", {})
    await_token(calls)
    aws.stop(arn)
    execution = aws.wait(arn, 300)
    assert execution.status == "ABORTED"
    assert event_types(aws, execution)[-1] == "ExecutionAborted"


# Executions ------------------------------------------------------------------------------------------------


def test_an_execution_name_used_before_is_refused(open_aws: OpenAws) -> None:
    aws = open_aws({"Machine": machine(A=passes())})
    aws.run("Machine", "same", {"a": 1})
    with pytest.raises(ClientError, match="ExecutionAlreadyExists"):
        aws.start_execution("Machine", "same", {"a": 2})


@pytest.mark.parametrize("name", ["a/b", "with space", "x" * 81])
def test_a_name_that_aws_does_not_take_is_refused(open_aws: OpenAws, name: str) -> None:
    aws = open_aws({"Machine": machine(A=passes())})
    with pytest.raises(ClientError):
        aws.start_execution("Machine", name, {})


def test_a_stopped_wait_ends_at_once(open_aws: OpenAws) -> None:
    aws = open_aws({"Machine": machine(A={"Type": "Wait", "Seconds": 600, "End": True})}, time_scale=1.0)
    arn = aws.start_execution("Machine", "test", {})
    aws.stop(arn)
    assert aws.wait(arn, 300).status == "ABORTED"


def test_an_execution_can_be_stopped_before_it_has_begun(
    open_aws: OpenAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws = open_aws({"Machine": machine(A={"Type": "Wait", "Seconds": 600, "End": True})}, time_scale=1.0)
    parse = moto_patches._cached_parse

    def parse_slowly(text: str) -> Any:
        time.sleep(0.3)
        return parse(text)

    monkeypatch.setattr(moto_patches, "_cached_parse", parse_slowly)
    arn = aws.start_execution("Machine", "test", {})
    aws.stop(arn)
    assert aws.wait(arn, 300).status == "ABORTED"


def test_the_history_of_an_execution_stopped_while_a_task_begins_can_be_read(
    open_aws: OpenAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = StateTaskService._before_eval_execution

    def begin_while_stopped(self: Any, env: Any, *arguments: Any, **options: Any) -> None:
        threading.Thread(target=aws.stop, args=(arn,)).start()
        while env.is_running():
            time.sleep(0.01)
        begin(self, env, *arguments, **options)

    monkeypatch.setattr(StateTaskService, "_before_eval_execution", begin_while_stopped)
    # Until the test knows the execution's name.
    wait = {"Type": "Wait", "Seconds": 1, "Next": "A"}
    task = invoke("Echo", "{% $states.input %}", TimeoutSeconds=60)
    aws = open_aws({"Machine": machine(W=wait, A=task)}, time_scale=1.0)
    arn = aws.start_execution("Machine", "test", {"n": 1})
    assert aws.wait(arn, 300).status == "ABORTED"
    assert event_types(aws, aws.describe(arn))[-1] == "ExecutionAborted"


def test_every_event_of_parent_and_child_is_heard_as_it_happens(open_aws: OpenAws) -> None:
    heard: list[ExecutionEvent] = []
    aws = open_aws(
        {"Parent": machine(Ask=start_child()), "Child": machine(Answer=passes())}, on_event=heard.append
    )
    execution = aws.run("Parent", "test", {"n": 1})
    for arn in (execution.arn, *aws.children(execution.arn)):
        of_execution = [event for event in heard if event.execution_arn == arn]
        assert [event.type for event in of_execution] == [event["type"] for event in aws.history(arn)]
    assert [event.state for event in heard if event.state] == ["Ask", "Answer", "Answer", "Ask"]


def test_the_history_shows_assigned_variables_as_json(open_aws: OpenAws) -> None:
    aws = open_aws({"Machine": machine(A=passes(Assign={"text": "{% $states.input.text %}"}))})
    events = aws.history(aws.run("Machine", "test", {"text": HOSTILE}).arn)
    (assigned,) = [
        event["stateExitedEventDetails"]["assignedVariables"]
        for event in events
        if event["type"] == "PassStateExited"
    ]
    assert json.loads(assigned["text"]) == HOSTILE


def test_a_failed_state_is_not_logged_besides(open_aws: OpenAws, caplog: pytest.LogCaptureFixture) -> None:
    assert run(open_aws, machine(A=invoke("Fails", {}))).status == "FAILED"
    assert caplog.records == []


def test_a_listener_that_fails_ends_the_run_with_its_error(open_aws: OpenAws) -> None:
    def listener(event: ExecutionEvent) -> None:
        if event.state == "B":
            raise ValueError("the display broke")

    definition = machine(
        A=passes(Next="B"), B=passes(Next="C"), C={"Type": "Wait", "Seconds": 600, "End": True}
    )
    aws = open_aws({"Machine": definition}, on_event=listener, time_scale=1.0)
    with pytest.raises(ValueError, match="the display broke"):
        aws.wait(aws.start_execution("Machine", "test", {}), 300)


def test_many_executions_run_at_once(open_aws: OpenAws) -> None:
    definition = machine(
        A=invoke("Echo", "{% $states.input %}", End=None, Next="B", Assign={"n": "{% $states.input.n %}"}),
        B=passes(Output="{% $map([1..3], function($i) { $i * $n }) %}"),
    )
    aws = open_aws({"Machine": definition})
    arns = [aws.start_execution("Machine", f"run-{n}", {"n": n}) for n in range(12)]
    assert [aws.wait(arn, 300).output for arn in arns] == [[n, 2 * n, 3 * n] for n in range(12)]


def test_closing_with_an_execution_under_way_stops_it_and_leaves_no_thread(
    open_aws: OpenAws, tmp_path: Path
) -> None:
    before = set(threading.enumerate())
    aws = open_aws({"Machine": machine(A={"Type": "Wait", "Seconds": 600, "End": True})}, time_scale=1.0)
    aws.start_execution("Machine", "test", {})
    aws.__exit__(None, None, None)
    assert set(threading.enumerate()) == before


def test_an_object_that_is_replaced_while_others_read_it_is_read_whole(
    open_aws: OpenAws, request: pytest.FixtureRequest
) -> None:
    request.addfinalizer(functools.partial(sys.setswitchinterval, sys.getswitchinterval()))
    # Threads take turns much more often than they do by themselves, and so meet.
    sys.setswitchinterval(1e-5)
    s3 = open_aws().client("s3")
    contents = [bytes([letter]) * 5000 for letter in b"abc"]
    tags = {f'"{hashlib.md5(content).hexdigest()}"': content for content in contents}

    def write(content: bytes) -> None:
        for _ in range(100):
            written = s3.put_object(Bucket="data", Key="key", Body=content)
            assert tags[written["ETag"]] == content

    def read() -> None:
        for _ in range(100):
            assert s3.get_object(Bucket="data", Key="key")["Body"].read() in contents
            tag, content = moto_patches.MotoObjects().get("data", "key") or ("", b"")
            assert tags[tag] == content

    write(contents[0])
    with ThreadPoolExecutor() as threads:
        for task in [*(threads.submit(write, one) for one in contents), threads.submit(read)]:
            task.result()


# Speed: what moto does over and over, and here is done once ------------------------------------------------


def test_a_definition_is_parsed_once(open_aws: OpenAws, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[str] = []
    parse = moto_patches._moto_parse

    def count(text: str) -> Any:
        parsed.append(text)
        return parse(text)

    monkeypatch.setattr(moto_patches, "_moto_parse", count)
    aws = open_aws({"Machine": machine(Parsed_once=passes())})
    for name in ("one", "two"):
        assert aws.run("Machine", name, {}).status == "SUCCEEDED"
    assert len(parsed) == 1


def test_tasks_share_one_client_a_service(open_aws: OpenAws, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    monkeypatch.setattr(moto_patches, "_clients", {})
    aws = open_aws({"Machine": machine(A=invoke("Echo", {}, End=None, Next="B"), B=invoke("Echo", {}))})
    make: Any = boto3.client

    def count(name: str, **options: Any) -> Any:
        made.append(name)
        return make(name, **options)

    monkeypatch.setattr(boto3, "client", count)
    assert aws.run("Machine", "test", {}).status == "SUCCEEDED"
    assert made == ["lambda"]


def test_requests_to_s3_do_not_reload_a_module_each(
    open_aws: OpenAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws = open_aws()
    aws.client("s3").list_buckets()

    def refuse(*_: Any) -> Any:
        raise AssertionError("done again")

    monkeypatch.setattr("moto.s3.models.reload", refuse)
    aws.client("s3").put_object(Bucket="data", Key="a", Body=b"1")
    assert aws.client("s3").get_object(Bucket="data", Key="a")["Body"].read() == b"1"
