"""The laptop's AWS: the state machines and functions of the template, S3 in a folder, jobs as processes."""

import json
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from unittest.mock import patch

import boto3
from botocore.exceptions import ClientError
from botocore.loaders import Loader
from botocore.session import Session

from labelloop.core.errors import LabelloopError
from labelloop.local.bedrock import (
    Bedrock,
    FoundationModels,
    NoFoundationModels,
    jobs_request,
    runtime_request,
)
from labelloop.local.client_calls import answered_by, json_request
from labelloop.local.container_process import ModelContainer, ProcessContainer
from labelloop.local.docker import bridge_address
from labelloop.local.http_server import http_server
from labelloop.local.interceptors import Interceptors
from labelloop.local.interpreter_callbacks import InterpreterCallbacks
from labelloop.local.job import STOP_GRACE_SECONDS, Job, JobSurroundings
from labelloop.local.labeling_job import Annotators
from labelloop.local.lambda_functions import LambdaFunctions
from labelloop.local.moto_version import check_moto_version
from labelloop.local.s3_folder import S3Folder, S3FolderError
from labelloop.local.sagemaker import SageMaker
from labelloop.local.sam_functions import SamApplication
from labelloop.local.template import REGION, Function, StateMachine, Template
from labelloop.local.thread_output import thread_output
from labelloop.workflow.execution import Execution, ExecutionEvent

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_stepfunctions import SFNClient

# Only tasks write to S3, so there is nothing to save after a Choice or a Pass.
_WRITE_BACK_AFTER = ("TaskStateExited", "MapStateExited", "ParallelStateExited", "TaskFailed", "TaskTimedOut")
_CLOSING_SECONDS = 10.0

_entered = threading.Lock()


class LocalAwsError(LabelloopError):
    """Raised when the local AWS does not have what it is asked for, or is entered twice."""


class LocalAws:
    """Runs the template's state machines in this process, inside `with`.

    Every boto3 client created inside talks to the stand-ins. Nothing reads the user's AWS settings, and
    nothing leaves this machine.
    """

    def __init__(
        self,
        *,
        template: Path,
        s3_root: Path,
        model_container: Path | ModelContainer,
        annotators: Annotators,
        logs: Path,
        parameters: Mapping[str, str] | None = None,
        environment: Mapping[str, str] | None = None,
        stack_name: str = "labelloop",
        on_event: Callable[[ExecutionEvent], None] | None = None,
        time_scale: float = 1.0,
        stop_grace_seconds: float = STOP_GRACE_SECONDS,
        step_containers: SamApplication | None = None,
        foundation_models: FoundationModels | None = None,
    ) -> None:
        """Reads the template; nothing starts before `with`.

        `model_container`: a folder with the programs `train` and `serve`, or another way to run them.
        `logs`: the folder for what functions and containers print. `environment`: variables of the functions
        in addition to those in the template. `on_event`: called with every history event of every execution
        as it happens, in the interpreter's threads. `time_scale`: stretches Wait states and the pauses before
        retries (0 in tests). `step_containers`: runs the functions in their images instead of in this
        process. `foundation_models`: what Bedrock serves; by default, nothing. Raises `TemplateError`.
        """
        self._template = Template(template, parameters=parameters, stack_name=stack_name)
        self.functions: Mapping[str, Function] = self._template.functions()
        self.state_machines: Mapping[str, StateMachine] = self._template.state_machines()
        self.interceptors = Interceptors()
        self._s3_root = s3_root
        self._container = (
            ProcessContainer(model_container.resolve())
            if isinstance(model_container, Path)
            else model_container
        )
        self._annotators = annotators
        self._logs = logs.resolve()
        self._environment = environment or {}
        self._on_event = on_event
        self._time_scale = time_scale
        self._stop_grace_seconds = stop_grace_seconds
        self._step_containers = step_containers
        self._foundation_models = foundation_models or NoFoundationModels()
        self._parameters = dict(parameters or {})
        self._stack = ExitStack()
        self._ended: dict[str, threading.Event] = {}
        self._ended_lock = threading.Lock()
        self._error: Exception | None = None
        self._error_raised = False
        self._giving_up: threading.Thread | None = None
        self._closing = False

    def __enter__(self) -> Self:
        """Starts the stand-ins and loads the S3 folder.

        Raises `S3FolderError` for a folder that cannot stand for S3, `LocalAwsError` inside another LocalAws,
        `MotoVersionError` for an unknown version of moto, `SamError` or `DockerError` when the functions
        cannot run in containers.
        """
        with ExitStack() as stack:
            self._start(stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stops what is still running, writes S3 back, and leaves no thread, process or temporary file."""
        self._stack.__exit__(kind, error, trace)
        if kind is None and self._error is not None and not self._error_raised:
            self._error_raised = True
            raise self._error

    def start_execution(self, state_machine: str, name: str, execution_input: Any) -> str:
        """Starts a state machine (by logical id); returns the execution's ARN.

        Raises `LocalAwsError` for a state machine that the template does not have, `ClientError`
        (`ExecutionAlreadyExists`) for a name that was used before.
        """
        machine = self.state_machines.get(state_machine)
        if machine is None:
            known = ", ".join(self.state_machines)
            raise LocalAwsError(f"the template has no state machine {state_machine!r}, only {known}")
        answer = self._sfn.start_execution(
            stateMachineArn=machine.arn, name=name, input=json.dumps(execution_input)
        )
        return answer["executionArn"]

    def wait(self, execution_arn: str, seconds: float | None = None) -> Execution:
        """Waits until an execution has ended, and returns it.

        Raises `TimeoutError` after `seconds`, and any error from writing S3 back or from `on_event`.
        """
        until = None if seconds is None else time.monotonic() + seconds
        while not self._end_of(execution_arn).wait(0.1):
            if until is not None and time.monotonic() > until:
                raise TimeoutError(f"{execution_arn} is still running after {seconds} s")
        if self._error is not None:
            self._error_raised = True
            raise self._error
        return self.describe(execution_arn)

    def run(self, state_machine: str, name: str, execution_input: Any) -> Execution:
        """Starts a state machine and waits until it has ended."""
        return self.wait(self.start_execution(state_machine, name, execution_input))

    def describe(self, execution_arn: str) -> Execution:
        """The present state of an execution."""
        return Execution.from_description(self._sfn.describe_execution(executionArn=execution_arn))

    def stop(self, execution_arn: str, *, error: str = "", cause: str = "") -> None:
        """Stops an execution, and the executions and jobs it waits for."""
        self._sfn.stop_execution(executionArn=execution_arn, error=error, cause=cause)

    def history(self, execution_arn: str) -> Sequence[Mapping[str, Any]]:
        """The execution's history events, as GetExecutionHistory returns them."""
        return self._sfn.get_execution_history(executionArn=execution_arn)["events"]

    def children(self, execution_arn: str, state_machine: str | None = None) -> list[str]:
        """The ARNs of the executions that this one has started, in order.

        `state_machine`: only of this one, by its logical id.
        """
        of_machine = f":execution:{self.state_machines[state_machine].name}:" if state_machine else ""
        submitted = (event.get("taskSubmittedEventDetails", {}) for event in self.history(execution_arn))
        started = [
            json.loads(task["output"])["ExecutionArn"]
            for task in submitted
            if task.get("resourceType") == "states"
        ]
        return [arn for arn in started if of_machine in arn]

    def client(self, service: str) -> Any:
        """A boto3 client that talks to the stand-ins."""
        return _client(service)

    @contextmanager
    def http_server(self, host: str, port: int = 0) -> Iterator[str]:
        """Inside `with`, the stand-ins also answer over HTTP, for containers. Returns the URL.

        `host` is an IP address of this machine that containers can reach; `port` 0 takes a free one.
        Raises `LocalAwsError` when the address cannot be listened on.
        """
        server = http_server(
            host,
            port,
            lambda name: self._lambda.describe(self._lambda.find(name)),
            lambda request: self._bedrock.converse(request),
        )
        with ExitStack() as stack:
            try:
                url = stack.enter_context(server)
            except OSError as error:
                raise LocalAwsError(f"{host}:{port} cannot be listened on: {error.strerror}") from error
            self._create_tables()
            yield url

    # How the parts are connected --------------------------------------------------------------------------

    def _start(self, stack: ExitStack) -> None:
        check_moto_version()
        # Imported here: moto is slow to import, and another version may lack what the patches import.
        from labelloop.local.moto_patches import MotoObjects, join_threads, patched_moto

        stack.enter_context(_only_one())
        stack.enter_context(patch.dict(os.environ, {**_fake_environment(), **self._environment}, clear=True))
        stack.enter_context(thread_output())
        stack.enter_context(
            answered_by(
                {
                    "sagemaker": self._sagemaker_call,
                    "lambda": self._lambda_call,
                    "bedrock": self._bedrock_call,
                    "bedrock-runtime": self._converse_call,
                }
            )
        )
        work = Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="labelloop-", ignore_cleanup_errors=True))
        )
        stack.enter_context(patched_moto(self._callbacks()))
        boto3.setup_default_session(botocore_session=_make_session(), region_name=REGION)
        self._s3: S3Client = self.client("s3")
        self._sfn: SFNClient = self.client("stepfunctions")
        self._folder = S3Folder(self._s3, MotoObjects(), self._s3_root)
        self._folder.load()
        self._lambda = LambdaFunctions(self.functions, self._logs)
        if self._step_containers is not None:
            endpoint = stack.enter_context(self.http_server(bridge_address()))
            given = {**self._parameters, "AwsEndpointUrl": endpoint}
            self._lambda.run_in(stack.enter_context(self._step_containers.started(given)))
        self._bedrock = Bedrock(self._s3, self._foundation_models)
        self._sagemaker = SageMaker(self._s3, self._surroundings(work), self._annotators)
        for machine in self.state_machines.values():
            self._create(machine)
        stack.callback(self._write_back_and_clean_up)
        stack.callback(join_threads, _CLOSING_SECONDS)
        stack.callback(self._close)

    def _callbacks(self) -> InterpreterCallbacks:
        return InterpreterCallbacks(
            sagemaker=self._sagemaker_request,
            job=self._job,
            on_start=lambda request: self.interceptors.run("StartExecution", request),
            on_object=self._note_object,
            on_event=self._history_event,
            on_end=self._execution_ended,
            time_scale=self._time_scale,
        )

    def _surroundings(self, work: Path) -> JobSurroundings:
        return JobSurroundings(
            s3=self._s3,
            container=self._container,
            work=work,
            logs=self._logs,
            on_ending=lambda kind, description: self.interceptors.run(f"{kind}Ending", description),
            on_end=self._write_back,
            stop_grace_seconds=self._stop_grace_seconds,
        )

    def _create(self, machine: StateMachine) -> None:
        kind: Any = machine.type
        try:
            self._sfn.create_state_machine(
                name=machine.name, definition=machine.definition, roleArn=machine.role_arn, type=kind
            )
        except ClientError as error:
            why = error.response["Error"]["Message"].partition(" in definition ")[0]
            raise LocalAwsError(f"the definition of {machine.logical_id} is invalid: {why}") from error

    def _create_tables(self) -> None:
        """The stack's tables, empty. Their names are those that sam tells its containers: the logical ids."""
        declared = self._template.tables()
        client = self.client("dynamodb") if declared else None
        for name, table in declared.items():
            if client is not None and name not in client.list_tables()["TableNames"]:
                client.create_table(TableName=name, **table)

    def _close(self) -> None:
        self._closing = True
        self._stop_all("The local AWS was closed.")
        if self._giving_up is not None:
            self._giving_up.join()
        self._sagemaker.close(_CLOSING_SECONDS)

    def _write_back_and_clean_up(self) -> None:
        self._write_back()
        self._folder.remove_temporary()

    # What the stand-ins call ------------------------------------------------------------------------------

    def _sagemaker_request(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        self.interceptors.run(operation, request)
        return self._sagemaker.call(operation, request)

    def _sagemaker_call(self, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        return self._sagemaker_request(operation, json_request(parameters))

    def _bedrock_call(self, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        request = jobs_request(parameters)
        self.interceptors.run(operation, request)
        return self._bedrock.call(operation, request)

    def _converse_call(self, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        request = runtime_request(parameters)
        self.interceptors.run(operation, request)
        return self._bedrock.converse(request)

    def _job(self, operation: str, request: Mapping[str, Any]) -> Job | None:
        return self._sagemaker.job(operation, request)

    def _lambda_call(self, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        function = self._lambda.find_in(parameters)
        self.interceptors.run(operation, {"FunctionName": function.logical_id})
        return self._lambda.call(operation, function, parameters)

    def _note_object(self, bucket: str, key: str) -> None:
        self._folder.note_change(bucket, key)

    def _history_event(self, execution_arn: str, event: Mapping[str, Any]) -> None:
        parsed = ExecutionEvent.from_history(execution_arn, event)
        if parsed.type in _WRITE_BACK_AFTER:
            self._write_back()
        if self._on_event is not None:
            try:
                self._on_event(parsed)
            except Exception as error:
                self._give_up(error)

    def _execution_ended(self, execution_arn: str) -> None:
        self._write_back()
        self._end_of(execution_arn).set()

    def _end_of(self, execution_arn: str) -> threading.Event:
        with self._ended_lock:
            return self._ended.setdefault(execution_arn, threading.Event())

    def _write_back(self) -> None:
        try:
            self._folder.write_back()
        except S3FolderError as error:
            self._give_up(error)

    def _stop_all(self, cause: str) -> None:
        for machine in self.state_machines.values():
            running = self._sfn.list_executions(stateMachineArn=machine.arn, statusFilter="RUNNING")
            for execution in running["executions"]:
                self.stop(execution["executionArn"], cause=cause)

    def _give_up(self, error: Exception) -> None:
        """Keeps an error in a thread of the interpreter for `wait`, and ends every execution."""
        if self._error is not None:
            return
        self._error = error
        if not self._closing:
            # In a thread of its own: the present one belongs to an execution that must be stopped.
            self._giving_up = threading.Thread(target=self._stop_all, args=(str(error),), daemon=True)
            self._giving_up.start()


@contextmanager
def _only_one() -> Iterator[None]:
    """The stand-ins are global to the process, so there can only be one LocalAws at a time."""
    if not _entered.acquire(blocking=False):
        raise LocalAwsError("another LocalAws is in use: there can only be one at a time")
    try:
        yield
    finally:
        _entered.release()


@cache
def _model_loader() -> Loader:
    """The service models that botocore ships, read once per process because that takes a while."""
    return Loader(extra_search_paths=[Loader.BUILTIN_DATA_PATH], include_default_search_paths=False)


def _make_session() -> Session:
    session = Session()
    session.register_component("data_loader", _model_loader())
    return session


@cache
def _client(service: str) -> Any:
    """One client per service and process: creating one takes longer than most state machines in tests."""
    make: Any = boto3.Session(botocore_session=_make_session(), region_name=REGION).client
    return make(service)


def _fake_environment() -> dict[str, str]:
    """The environment without the user's AWS settings: none of their keys, profiles or endpoints is used."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return {
        **kept,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
