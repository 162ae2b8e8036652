"""All patches of moto's internals: what its Step Functions interpreter lacks, or does differently from AWS.

They apply only inside `patched_moto()`, and only to one version of moto, as each replaces code that may have
changed in another. They cover JSONata state machines; others are refused.
"""

import copy
import functools
import json
import logging
import threading
import time
import types
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

import boto3
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.core.base_backend import BaseBackend
from moto.core.exceptions import AWSError
from moto.core.responses import ActionResult, EmptyResult
from moto.s3.exceptions import MissingBucket
from moto.s3.models import FakeKey, S3Backend, s3_backends
from moto.stepfunctions.parser import api
from moto.stepfunctions.parser import models as parser_models
from moto.stepfunctions.parser.asl.component.common.catch import catcher_outcome
from moto.stepfunctions.parser.asl.component.common.catch.catch_outcome import CatchOutcome
from moto.stepfunctions.parser.asl.component.common.catch.catcher_decl import CatcherDecl
from moto.stepfunctions.parser.asl.component.common.error_name import custom_error_name, failure_event
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import (
    StatesErrorNameType,
)
from moto.stepfunctions.parser.asl.component.common.retry.max_attempts_decl import MaxAttemptsOutcome
from moto.stepfunctions.parser.asl.component.common.retry.retrier_decl import RetrierDecl
from moto.stepfunctions.parser.asl.component.common.retry.retrier_outcome import RetrierOutcome
from moto.stepfunctions.parser.asl.component.common.retry.retry_outcome import RetryOutcome
from moto.stepfunctions.parser.asl.component.common.string.string_expression import StringJSONata
from moto.stepfunctions.parser.asl.component.common.timeouts.heartbeat import Heartbeat
from moto.stepfunctions.parser.asl.component.common.timeouts.timeout import EvalTimeoutError, Timeout
from moto.stepfunctions.parser.asl.component.state.choice.state_choice import StateChoice
from moto.stepfunctions.parser.asl.component.state.exec.execute_state import ExecutionState
from moto.stepfunctions.parser.asl.component.state.exec.state_task import state_task_factory
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_aws_sdk as sdk_task,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_callback as callback_task,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.resource import ResourceCondition
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service import (
    StateTaskService,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_sfn import (
    StateTaskServiceSfn,
)
from moto.stepfunctions.parser.asl.component.state.state import CommonStateField
from moto.stepfunctions.parser.asl.component.state.state_pass.state_pass import StatePass
from moto.stepfunctions.parser.asl.component.state.wait.state_wait import StateWait
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import WaitFunction
from moto.stepfunctions.parser.asl.eval.callback import callback
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.event.event_manager import EventManager
from moto.stepfunctions.parser.asl.eval.program_state import ProgramEnded, ProgramError, ProgramStopped
from moto.stepfunctions.parser.asl.eval.variable_store import VariableStore
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.asl.utils import boto_client
from moto.stepfunctions.parser.backend.execution import BaseExecutionWorkerCommunication
from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker
from moto.stepfunctions.parser.models import StepFunctionsParserBackend
from moto.stepfunctions.parser.utils import TMP_THREADS
from moto.stepfunctions.responses import StepFunctionResponse

from labelloop.local.interpreter_callbacks import InterpreterCallbacks
from labelloop.local.jsonata_evaluator import JSONataError, evaluate_jsonata
from labelloop.local.moto_version import check_moto_version
from labelloop.local.service_error import ServiceError
from labelloop.local.template import ACCOUNT_ID, PARTITION

# How often to look at what is being waited for, in seconds.
POLL_SECONDS = 0.05
# How long StopExecution waits for the execution to stop.
_STOP_SECONDS = 10.0

# In AWS, neither Retry nor Catch can handle these, not even with `States.ALL`.
_UNCATCHABLE = (StatesErrorNameType.StatesRuntime, StatesErrorNameType.StatesStatesDataLimitExceeded)
# The errors that Step Functions' SageMaker SDK names; all others are an AmazonSageMakerException.
_SAGEMAKER_ERRORS = ("ConflictException", "ResourceInUse", "ResourceLimitExceeded", "ResourceNotFound")


@contextmanager
def patched_moto(callbacks: InterpreterCallbacks) -> Iterator[None]:
    """Activates moto in this process, with its Step Functions interpreter patched; undone at the end.

    Raises `MotoVersionError` when the installed moto is not the one the patches were written for.
    """
    check_moto_version()
    _current.callbacks = callbacks
    with ExitStack() as stack:
        logger = logging.getLogger("moto.stepfunctions")
        stack.callback(logger.setLevel, logger.level)
        # It logs each failed state as an error of its own, but the history already has it.
        logger.setLevel(logging.CRITICAL + 1)
        for target, name, replacement in _patches():
            stack.enter_context(patch.object(target, name, replacement))
        with mock_aws(config={"stepfunctions": {"execute_state_machine": True}}):
            yield


class _Current:
    """The callbacks of the one `patched_moto()` that can be active at a time: moto itself is global."""

    callbacks: InterpreterCallbacks


_current = _Current()


def _patches() -> list[tuple[Any, str, Any]]:
    """Every replacement: the object, the attribute, its new value."""
    return [
        (AmazonStateLanguageParser, "parse", staticmethod(_parse_once)),
        (boto_client, "boto3", types.SimpleNamespace(client=_client)),
        # S3
        (BaseBackend, "urls", property(_urls)),
        (S3Backend, "put_object", _put_object),
        (S3Backend, "delete_object", _delete_object),
        (FakeKey, "etag", property(_etag)),
        (FakeKey, "dispose", _dispose),
        # JSONata
        (StringJSONata, "_eval_body", _eval_jsonata),
        (VariableStore, "get_assigned_variables", _assigned_variables),
        # States
        (Timeout, "eval", _or_end(Timeout.eval)),
        (Heartbeat, "eval", _or_end(Heartbeat.eval)),
        (ExecutionState, "_evaluate_with_timeout", _evaluate_execution),
        (ExecutionState, "_eval_state", _eval_execution_state),
        (ExecutionState, "_eval_state_output", _keep_output),
        (CommonStateField, "_eval_state_output", _eval_plain_output),
        (StatePass, "_eval_state", _do_nothing),
        (StateWait, "_eval_state", _eval_wait),
        (StateChoice, "_eval_state", _eval_choice),
        (StateChoice, "_eval_state_output", _do_nothing),
        (CatcherDecl, "_eval_body", _eval_catcher),
        (RetrierDecl, "_eval_body", _eval_retrier),
        (WaitFunction, "_wait_interval", _pause),
        # Tasks
        (state_task_factory, "state_task_service_for", _state_task_service_for),
        (sdk_task, "_SERVICE_ERROR_NAMES", {**sdk_task._SERVICE_ERROR_NAMES, "bedrock": "Bedrock"}),
        (sdk_task.StateTaskServiceAwsSdk, "_eval_service_task", _call_sdk),
        (StateTaskService, "_after_eval_execution", _after_eval_execution),
        (callback_task.StateTaskServiceCallback, "_eval_sync", _eval_sync),
        (StateTaskServiceSfn, "_eval_service_task", _start_child),
        (StateTaskServiceSfn, "_build_sync_resolver", _child_resolver(parses_output=False)),
        (StateTaskServiceSfn, "_build_sync2_resolver", _child_resolver(parses_output=True)),
        (callback.CallbackEndpoint, "interrupt_all", _interrupt_all),
        (callback.CallbackEndpoint, "setup_heartbeat_endpoint", _setup_heartbeat_endpoint),
        # Executions
        (Environment, "set_stop", _interrupting(Environment.set_stop)),
        (Environment, "set_timed_out", _interrupting(Environment.set_timed_out)),
        (Environment, "set_error", _interrupting(Environment.set_error)),
        (EventManager, "add_event", _add_event),
        (ExecutionWorker, "start", _start_worker),
        (ExecutionWorker, "_get_evaluation_environment", _evaluation_environment),
        (BaseExecutionWorkerCommunication, "terminated", _terminated),
        (StepFunctionsParserBackend, "start_execution", _start_execution),
        (parser_models, "TaskDoesNotExist", _TaskTimedOutError),
        (StepFunctionResponse, "stop_execution", _stop_execution),
        (StepFunctionResponse, "send_task_failure", _send_task_failure),
    ]


# Parsing and clients ---------------------------------------------------------------------------------------

_parse_lock = threading.Lock()
_moto_parse = AmazonStateLanguageParser.parse


def _parse_once(definition: str) -> Any:
    """Parsing a definition of 20 kB takes a third of a second, and moto parses it at every start."""
    with _parse_lock:
        return _cached_parse(definition)


@functools.lru_cache(maxsize=32)
def _cached_parse(definition: str) -> Any:
    if json.loads(definition).get("QueryLanguage") != "JSONata":
        raise ValueError('the local AWS runs only JSONata state machines: set "QueryLanguage": "JSONata"')
    return _moto_parse(definition)


_clients: dict[tuple[str, str], Any] = {}
_clients_lock = threading.Lock()


def _client(*, service_name: str, region_name: str, **options: Any) -> Any:
    """Moto creates a client for every task, which is slow, and not safe in two threads at once."""
    make: Any = boto3.client
    with _clients_lock:
        key = (service_name, region_name)
        if key not in _clients:
            _clients[key] = make(service_name, region_name=region_name, **options)
        return _clients[key]


def _do_nothing(*_arguments: Any, **_options: Any) -> None:
    """Replaces a method that has nothing left to do."""


# S3 --------------------------------------------------------------------------------------------------------

_moto_urls = BaseBackend.urls.fget
_moto_put_object = S3Backend.put_object
_moto_delete_object = S3Backend.delete_object
_moto_etag: Any = FakeKey.etag.fget
_moto_dispose = FakeKey.dispose
_urls_of: dict[type, Any] = {}


def _urls(self: Any) -> Any:
    """Moto makes these again for every request, and for S3 reloads a module: a quarter of a run's time."""
    if type(self) not in _urls_of:
        _urls_of[type(self)] = _moto_urls(self)
    return _urls_of[type(self)]


def _put_object(self: Any, bucket_name: str, key_name: str, *arguments: Any, **options: Any) -> Any:
    key = _moto_put_object(self, bucket_name, key_name, *arguments, **options)
    _current.callbacks.on_object(bucket_name, key_name)
    return key


def _delete_object(self: Any, bucket_name: str, key_name: str, *arguments: Any, **options: Any) -> Any:
    answer = _moto_delete_object(self, bucket_name, key_name, *arguments, **options)
    _current.callbacks.on_object(bucket_name, key_name)
    return answer


def _etag(self: Any) -> str:
    """Moto reads the object for it from where others may be reading it at the moment."""
    with self.lock:
        etag: str = _moto_etag(self)
        return etag


def _dispose(self: Any, *, garbage: bool = False) -> None:
    """Lets those who still read an object that is replaced finish, as S3 does. Moto closes it at once."""
    if garbage:
        _moto_dispose(self)
    self.disposed = True


class MotoObjects:
    """The objects in S3, where moto keeps them: through a client each takes many times as long."""

    def get(self, bucket: str, key: str) -> tuple[str, bytes] | None:
        """The ETag and the content of an object, or None where there is none."""
        try:
            kept = s3_backends[ACCOUNT_ID][PARTITION].get_object(bucket, key)
        except MissingBucket:
            return None
        return None if kept is None else (kept.etag, kept.value)

    def put(self, bucket: str, key: str, content: bytes) -> str:
        """Keeps an object in a bucket that is there; returns its ETag."""
        etag: str = s3_backends[ACCOUNT_ID][PARTITION].put_object(bucket, key, content).etag
        return etag


# JSONata ---------------------------------------------------------------------------------------------------


def _eval_jsonata(self: Any, env: Any) -> None:
    """Binds the values themselves as variables; moto writes them into the text of the expression."""
    store = env.variable_store
    bindings = {**store._outer_scope, **store._inner_scope, "states": _states_variable(env)}
    try:
        env.stack.append(evaluate_jsonata(self.expression, bindings))
    except JSONataError as error:
        raise _query_evaluation_failure(env, str(error)) from error


def _states_variable(env: Any) -> dict[str, Any]:
    data = env.states._states_data
    states = {"input": data["input"], "context": _context_object(data["context"])}
    # Moto keeps these keys with None as the value; on AWS a missing result is undefined.
    states.update({key: data[key] for key in ("result", "errorOutput") if data.get(key) is not None})
    return states


def _context_object(context: Mapping[str, Any]) -> dict[str, Any]:
    execution = {"RedriveCount": 0, **context["Execution"]}
    execution["StartTime"] = _iso_8601(execution["StartTime"])
    state = {"RetryCount": 0, **(context.get("State") or {})}
    if "EnteredTime" in state:
        state["EnteredTime"] = _iso_8601(datetime.fromisoformat(state["EnteredTime"]))
    return {**context, "Execution": execution, "State": state}


def _iso_8601(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _assigned_variables(self: Any) -> dict[str, str]:
    """For the history: moto does not escape strings."""
    return {name: json.dumps(self.get(name)) for name in self._declaration_tracing}


def _query_evaluation_failure(env: Any, cause: str) -> Exception:
    error_name = StatesErrorName(typ=StatesErrorNameType.StatesQueryEvaluationError)
    event = {
        "evaluationFailedEventDetails": api.EvaluationFailedEventDetails(
            error=error_name.error_name, cause=cause, state=env.next_state_name or ""
        )
    }
    env.event_manager.add_event(env.event_history_context, api.HistoryEventType.EvaluationFailed, event)
    return _failure(env, error_name, api.HistoryEventType.EvaluationFailed, event)


def _failure(env: Any, error_name: Any, event_type: Any, details: Mapping[str, Any]) -> Exception:
    event = failure_event.FailureEvent(env, error_name, event_type, details)
    exception: Exception = failure_event.FailureEventException(failure_event=event)
    return exception


# States ----------------------------------------------------------------------------------------------------


def _eval_execution_state(self: Any, env: Any) -> None:
    """Runs a Task, Parallel or Map until it succeeds, is caught, or fails.

    Unlike moto, it stops with the execution, and neither retries nor catches what AWS does not.
    """
    env.states.context_object.context_object_data["State"]["RetryCount"] = 0
    while env.is_running():
        try:
            self._evaluate_with_timeout(env)
        except Exception as error:
            if not env.is_running() or _is_handled(self, env, self._from_error(env=env, ex=error)):
                return
        else:
            return


def _is_handled(self: Any, env: Any, failure: Any) -> bool:
    """True if a Catch handled the failure, False if it must be retried; raises otherwise."""
    if failure.event_type != api.HistoryEventType.EvaluationFailed:  # Those are already in the history.
        env.event_manager.add_event(env.event_history_context, failure.event_type, failure.event_details)
    env.states.set_error_output(self._construct_error_output_value(failure_event=failure))
    if getattr(failure.error_name, "typ", None) not in _UNCATCHABLE:
        if self.retry and self._handle_retry(env=env, failure_event=failure) == RetryOutcome.CanRetry:
            return False
        if self.catch:
            self._handle_catch(env=env, failure_event=failure)
            if env.stack[-1] == CatchOutcome.Caught:
                return True
    raise failure_event.FailureEventException(failure_event=failure)


def _or_end(evaluate: Callable[..., None]) -> Callable[..., None]:
    """`evaluate`, which ends the state if its execution has ended.

    Moto evaluates nothing then, and takes what else is on the stack for a number of seconds.
    """

    def evaluate_or_end(self: Any, env: Any) -> None:
        try:
            evaluate(self, env)
        finally:
            if not env.is_running():
                raise EvalTimeoutError

    return evaluate_or_end


def _evaluate_execution(self: Any, env: Any) -> None:
    """One attempt, in a thread of its own; leaves the state's output on the stack.

    Unlike moto, it ends at once when the execution is stopped. It evaluates Output here, where Retry and
    Catch still apply, and before Assign, so that both see the old values of the variables.
    """
    self.timeout.eval(env=env)
    deadline = time.monotonic() + env.stack.pop()
    frame = env.open_frame()
    frame.states.reset(input_value=env.states.get_input())
    frame.stack = copy.deepcopy(env.stack)
    results: list[Any] = []
    errors: list[Exception] = []
    ended = threading.Event()

    def attempt() -> None:
        try:
            self._eval_execution(frame)
            results.append(frame.stack[-1])
        except Exception as error:
            errors.append(error)
        finally:
            ended.set()

    _start_thread(attempt, f"state {self.name}")
    while not ended.wait(POLL_SECONDS) and env.is_running() and time.monotonic() < deadline:
        pass
    on_time = ended.is_set()
    frame.set_ended()
    env.close_frame(frame)
    if not env.is_running():
        return
    if not on_time:
        _refuse_token(frame)
        raise EvalTimeoutError
    if errors:
        raise errors[0]
    env.states.set_result(results[0])
    env.stack.append(_output_then_assign(env, self.output, self.assign_decl, results[0]))


def _refuse_token(env: Any) -> None:
    """Refuses the token of a task that is over: its own clock began later, and would take it for a while."""
    task = env.states.context_object.context_object_data.get("Task") or {}
    endpoint = env.callback_pool_manager.get(task.get("Token"))
    if endpoint is not None:
        endpoint.interrupt_all()


def _output_then_assign(env: Any, output: Any, assign: Any, otherwise: Any) -> Any:
    value = otherwise
    if output:
        output.jsonata_template_value.eval(env=env)
        value = env.stack.pop()
    if assign:
        assign.eval(env=env)
    return value


def _keep_output(_self: Any, env: Any) -> None:
    """The output of a Task, Parallel or Map is already evaluated; that of a Catch has been set."""
    if not isinstance(env.stack[-1], CatchOutcome):
        env.states.reset(input_value=env.stack.pop())


def _eval_plain_output(self: Any, env: Any) -> None:
    output = _output_then_assign(env, self.output, self.assign_decl, otherwise=env.stack.pop())
    env.states.reset(input_value=output)


def _eval_wait(self: Any, env: Any) -> None:
    self.wait_function.eval(env)


def _eval_choice(self: Any, env: Any) -> None:
    """Follows the first rule that applies; moto confuses it with Default when both have the same Next."""
    for rule in self.choices_decl.rules:
        if _condition_holds(rule, env):
            _leave_choice(env, rule.output, rule.assign, rule.next_stmt.name)
            return
    if self.default_state is None:
        name = StatesErrorName(typ=StatesErrorNameType.StatesNoChoiceMatched)
        details = api.ExecutionFailedEventDetails(
            error=name.error_name,
            cause=f"No rule of the Choice state '{self.name}' holds, and it has no Default.",
        )
        event = {"executionFailedEventDetails": details}
        raise _failure(env, name, api.HistoryEventType.ExecutionFailed, event)
    _leave_choice(env, self.output, self.assign_decl, self.default_state.state_name)


def _condition_holds(rule: Any, env: Any) -> bool:
    try:
        rule.comparison.eval(env)
    except RuntimeError as error:
        raise _query_evaluation_failure(env, str(error)) from error
    return env.stack.pop() is True


def _leave_choice(env: Any, output: Any, assign: Any, next_state_name: str) -> None:
    env.states.reset(_output_then_assign(env, output, assign, otherwise=env.states.get_input()))
    env.next_state_name = next_state_name


def _eval_catcher(self: Any, env: Any) -> None:
    failure = env.stack.pop()
    env.stack.append(failure.error_name)
    self.error_equals.eval(env)
    if not env.stack.pop():
        env.stack.extend([failure, catcher_outcome.CatcherOutcomeNotCaught()])
        return
    env.states.reset(_output_then_assign(env, self.output, self.assign, env.states.get_error_output()))
    env.next_state_name = self.next_decl.name
    env.stack.append(catcher_outcome.CatcherOutcomeCaught())


def _eval_retrier(self: Any, env: Any) -> None:
    self.error_equals.eval(env)
    if not env.stack.pop():
        env.stack.append(RetrierOutcome.Skipped)
        return
    self.max_attempts.eval(env=env)
    if env.stack.pop() == MaxAttemptsOutcome.EXHAUSTED:
        env.stack.append(RetrierOutcome.Failed)
        return
    for part in (self.interval_seconds, self.backoff_rate, self.max_delay_seconds, self.jitter_strategy):
        part.eval(env=env)
    _pause(self, env, env.stack.pop())
    env.stack.append(RetrierOutcome.Executed)


def _pause(_self: Any, env: Any, wait_seconds: float) -> None:
    """Waits, scaled, until the time is up or the execution is stopped."""
    until = time.monotonic() + wait_seconds * _current.callbacks.time_scale
    while env.is_running() and (left := until - time.monotonic()) > 0:
        time.sleep(min(POLL_SECONDS, left))


def _start_thread(target: Callable[[], None], name: str) -> None:
    thread = threading.Thread(target=target, name=f"labelloop {name}", daemon=True)
    TMP_THREADS.append(thread)
    thread.start()


def join_threads(seconds: float) -> list[str]:
    """Waits for the interpreter's threads; returns the names of those still running after `seconds`."""
    until = time.monotonic() + seconds
    for thread in list(TMP_THREADS):
        thread.join(max(0.0, until - time.monotonic()))
    left = [thread.name for thread in TMP_THREADS if thread.is_alive()]
    # Moto collects every thread it has ever started here, and never removes one.
    TMP_THREADS.clear()
    return left


# Tasks -----------------------------------------------------------------------------------------------------

_moto_state_task_service_for = state_task_factory.state_task_service_for
_moto_after_eval_execution = StateTaskService._after_eval_execution


def _state_task_service_for(service_name: str) -> Any:
    return _SageMakerTask() if service_name == "sagemaker" else _moto_state_task_service_for(service_name)


def _call_sdk(
    self: Any, env: Any, resource_runtime_part: Any, normalised_parameters: dict[str, Any], **_options: Any
) -> None:
    """`aws-sdk:<service>:<operation>`: moto does not know that all its names begin with a capital letter.

    That holds for parameters and results, whatever the service's own names. Times come as text.
    """
    client = boto_client.boto_client_for(resource_runtime_part.region, self._get_boto_service_name())
    operation: str = self.resource.api_action
    model = client.meta.service_model.operation_model(operation[:1].upper() + operation[1:])
    parameters = _renamed(normalised_parameters, model.input_shape, to_service=True)
    answer = getattr(client, self._get_boto_service_action())(**parameters)
    answer.pop("ResponseMetadata", None)
    env.stack.append(_renamed(answer, model.output_shape, to_service=False))


def _renamed(value: Any, shape: Any, *, to_service: bool) -> Any:
    if isinstance(value, datetime):
        return _iso_8601(value)
    if isinstance(value, list) and shape.type_name == "list":
        return [_renamed(item, shape.member, to_service=to_service) for item in value]
    if not isinstance(value, Mapping) or shape.type_name != "structure":
        return value
    renamed = {}
    for name, member in shape.members.items():
        of_states = name[:1].upper() + name[1:]
        given, wanted = (of_states, name) if to_service else (name, of_states)
        if given in value:
            renamed[wanted] = _renamed(value[given], member, to_service=to_service)
    unknown = set(value) - {name[:1].upper() + name[1:] for name in shape.members} if to_service else ()
    return {**renamed, **{name: value[name] for name in unknown}}


def _after_eval_execution(self: Any, env: Any, *arguments: Any, **options: Any) -> None:
    """A task whose state has timed out or was stopped must not report its success."""
    if not env.is_running():
        raise EvalTimeoutError
    _moto_after_eval_execution(self, env, *arguments, **options)


@dataclass(frozen=True)
class _Resolver:
    """What a `.sync` task waits for: `look` returns its result or None, `abort` stops it."""

    look: Callable[[], dict[str, Any] | None]
    abort: Callable[[], None]


def _eval_sync(_self: Any, env: Any, sync_resolver: _Resolver, **_options: Any) -> dict[str, Any]:
    """Like moto, but polls quickly, and stops what it waits for when its state times out or is stopped."""
    while env.is_running():
        result = sync_resolver.look()
        if result is not None:
            return result
        time.sleep(POLL_SECONDS)
    sync_resolver.abort()
    raise EvalTimeoutError


def _task_failure(task: Any, env: Any, error_name: Any, cause: str) -> Exception:
    details = api.TaskFailedEventDetails(
        error=error_name.error_name,
        cause=cause,
        resource=task._get_sfn_resource(),
        resourceType=task._get_sfn_resource_type(),
    )
    event = {"taskFailedEventDetails": details}
    return _failure(env, error_name, api.HistoryEventType.TaskFailed, event)


def _job_failure(task: Any, env: Any, description: Mapping[str, Any]) -> Exception:
    error_name = StatesErrorName(typ=StatesErrorNameType.StatesTaskFailed)
    return _task_failure(task, env, error_name, json.dumps(description, separators=(",", ":")))


def task_output(value: Any) -> Any:
    """An API answer in the form of a task's result: times are milliseconds since 1970."""
    if isinstance(value, datetime):
        return int(value.timestamp() * 1000)
    if isinstance(value, Mapping):
        return {key: task_output(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [task_output(item) for item in value]
    return value


def _start_child(
    _self: Any, env: Any, resource_runtime_part: Any, normalised_parameters: dict[str, Any], **_options: Any
) -> None:
    """`states:startExecution`: moto passes parameters on in a casing that its own API does not know."""
    client = boto_client.boto_client_for(resource_runtime_part.region, "stepfunctions")
    parameters = {key[:1].lower() + key[1:]: value for key, value in normalised_parameters.items()}
    try:
        _current.callbacks.on_start(normalised_parameters)
    except ServiceError as error:
        response: Any = error.as_response()
        raise ClientError(response, "StartExecution") from error
    env.stack.append(_states_answer(client.start_execution(**parameters)))


def _states_answer(response: Mapping[str, Any]) -> dict[str, Any]:
    fields = {key: value for key, value in response.items() if key != "ResponseMetadata"}
    answer: dict[str, Any] = task_output({key[:1].upper() + key[1:]: value for key, value in fields.items()})
    return answer


def _child_resolver(*, parses_output: bool) -> Callable[..., _Resolver]:
    def build(self: Any, env: Any, resource_runtime_part: Any, **_options: Any) -> _Resolver:
        client = boto_client.boto_client_for(resource_runtime_part.region, "stepfunctions")
        arn = env.stack.pop()["ExecutionArn"]

        def look() -> dict[str, Any] | None:
            answer = _states_answer(client.describe_execution(executionArn=arn))
            if answer["Status"] == "RUNNING":
                return None
            if parses_output:
                answer.update({key: json.loads(answer[key]) for key in ("Input", "Output") if key in answer})
            if answer["Status"] != "SUCCEEDED":
                raise _job_failure(self, env, answer)
            return answer

        def abort() -> None:
            client.stop_execution(executionArn=arn, cause="The execution that started this one was stopped.")

        return _Resolver(look, abort)

    return build


class _SageMakerTask(callback_task.StateTaskServiceCallback):  # type: ignore[misc]
    """`arn:aws:states:::sagemaker:<operation>[.sync]`, answered by our SageMaker."""

    def __init__(self) -> None:
        # Without the token pattern, moto has no callback endpoint, which it needs for `.sync` as well.
        super().__init__({ResourceCondition.WaitForTaskToken, ResourceCondition.Sync})

    def _validate_service_integration_is_supported(self) -> None:
        if self.resource.condition not in (None, ResourceCondition.Sync):
            raise ValueError(
                f"{self.resource.resource_arn}: SageMaker tasks support only .sync and plain requests"
            )

    def _eval_service_task(self, env: Any, normalised_parameters: dict[str, Any], **_options: Any) -> None:
        answer = _current.callbacks.sagemaker(self._operation(), normalised_parameters)
        env.stack.append(task_output(answer))

    def _build_sync_resolver(
        self, env: Any, normalised_parameters: dict[str, Any], **_options: Any
    ) -> _Resolver:
        job = _current.callbacks.job(self._operation(), normalised_parameters)
        if job is None:
            raise ValueError(f"{self.resource.resource_arn} is not a job to wait for")

        def look() -> dict[str, Any] | None:
            if not job.ended.wait(POLL_SECONDS):
                return None
            description: dict[str, Any] = task_output(job.description())
            if not job.succeeded:
                raise _job_failure(self, env, description)
            return description

        return _Resolver(look, job.stop)

    def _operation(self) -> str:
        action: str = self.resource.api_action
        return action[:1].upper() + action[1:]

    def _from_error(self, env: Any, ex: Exception) -> Any:
        if not isinstance(ex, ServiceError):
            return super()._from_error(env=env, ex=ex)
        known = ex.code if ex.code in _SAGEMAKER_ERRORS else "AmazonSageMaker"
        error_name = custom_error_name.CustomErrorName(
            f"SageMaker.{known.removesuffix('Exception')}Exception"
        )
        cause = (
            f"{ex.message} (Service: AmazonSageMaker; Status Code: {ex.status}; Error Code: {ex.code}; "
            "Request ID: local; Proxy: null)"
        )
        failed: Any = _task_failure(self, env, error_name, cause)
        return failed.failure_event


def _interrupt_all(self: Any) -> None:
    """Like moto, but refuses a token that comes back after its task is over."""
    self.report(callback.CallbackConsumerTimeout())
    self._notify_event.set()
    if self._heartbeat_endpoint is not None:
        self._heartbeat_endpoint.notify()


_moto_setup_heartbeat_endpoint = callback.CallbackEndpoint.setup_heartbeat_endpoint


def _setup_heartbeat_endpoint(self: Any, heartbeat_seconds: int) -> Any:
    """Like moto, but does not wait for a token that came back before its function returned."""
    endpoint = _moto_setup_heartbeat_endpoint(self, heartbeat_seconds)
    if self.get_outcome() is not None:
        endpoint.notify()
    return endpoint


# Executions ------------------------------------------------------------------------------------------------

_moto_add_event = EventManager.add_event
_moto_start_worker = ExecutionWorker.start
_moto_evaluation_environment = ExecutionWorker._get_evaluation_environment
_moto_terminated = BaseExecutionWorkerCommunication.terminated
_moto_start_execution = StepFunctionsParserBackend.start_execution


def _interrupting(end: Callable[..., None]) -> Callable[..., None]:
    """`end`, which also wakes tasks that wait for a token: moto lets them wait until their timeout."""

    def end_and_interrupt(self: Any, *arguments: Any, **options: Any) -> None:
        end(self, *arguments, **options)
        if not self.is_frame():
            for endpoint in list(self.callback_pool_manager._pool.values()):
                endpoint.interrupt_all()

    return end_and_interrupt


def _add_event(self: Any, *arguments: Any, **options: Any) -> Any:
    event_id = _moto_add_event(self, *arguments, **options)
    execution_arn = self.__dict__.get("execution_arn")
    if execution_arn is not None:
        # Outside moto's lock, so that the callback may read the history.
        _current.callbacks.on_event(execution_arn, _plain_event(self._history_event_list[event_id - 1]))
    return event_id


def _plain_event(event: Mapping[str, Any]) -> dict[str, Any]:
    """The event as GetExecutionHistory has it: moto keeps an enum and text."""
    return {**event, "type": event["type"].value, "timestamp": datetime.fromisoformat(event["timestamp"])}


def _start_worker(self: Any) -> None:
    """Makes the environment before the thread starts: reading the history early would fail without it."""
    self.env = self._get_evaluation_environment()
    _moto_start_worker(self)


def _evaluation_environment(self: Any) -> Any:
    if self.env is None:
        env = _moto_evaluation_environment(self)
        env.event_manager.execution_arn = self._evaluation_details.execution_details.arn
        return env
    return self.env


def _terminated(self: Any) -> None:
    """Like moto, but sets the status last: whoever sees that an execution has ended can then see how.

    Keeps the error and cause of a stop, and the output as JSON: moto returns text without quotes.
    """
    execution, env = self.execution, self.execution.exec_worker.env
    state = env.program_state()
    if isinstance(state, ProgramEnded):
        execution.output = json.dumps(env.states.get_input())
        execution.stop_date = datetime.now(tz=UTC)
        execution.exec_status = api.ExecutionStatus.SUCCEEDED
    else:
        if isinstance(state, ProgramStopped):
            execution.error, execution.cause = state.error, state.cause
        elif isinstance(state, ProgramError):
            execution.error, execution.cause = state.error.get("error"), state.error.get("cause")
        _moto_terminated(self)
    _current.callbacks.on_end(execution.exec_arn)


def _start_execution(
    self: Any, state_machine_arn: str, name: str | None = None, *arguments: Any, **options: Any
) -> Any:
    """Like moto, but makes up a name if there is none, and checks a given one."""
    if name:
        self._validate_name(name)
    return _moto_start_execution(self, state_machine_arn, name or str(uuid.uuid4()), *arguments, **options)


class _TaskTimedOutError(AWSError):  # type: ignore[misc]
    """The refusal of a token whose task is over: moto's own fails without a message, and has no code."""

    TYPE = "TaskTimedOut"
    STATUS = 400

    def __init__(self) -> None:
        super().__init__("Task Timed Out: 'Provided task does not exist anymore'")


def _stop_execution(self: Any) -> Any:
    """StopExecution with error and cause, which moto drops; returns when the execution has stopped."""
    execution = self.stepfunction_backend.describe_execution(self._get_param("executionArn"))
    until = time.monotonic() + _STOP_SECONDS
    while execution.exec_status == api.ExecutionStatus.RUNNING and time.monotonic() < until:
        # Repeatedly: an execution that has only just started ignores the first call.
        execution.stop(datetime.now(UTC), self._get_param("error"), self._get_param("cause"))
        time.sleep(POLL_SECONDS)
    return ActionResult({"stopDate": execution.stop_date or datetime.now(UTC)})


def _send_task_failure(self: Any) -> Any:
    """SendTaskFailure with the cause, which moto drops."""
    self.stepfunction_backend.send_task_failure(
        self._get_param("taskToken"), error=self._get_param("error"), cause=self._get_param("cause")
    )
    return EmptyResult()
