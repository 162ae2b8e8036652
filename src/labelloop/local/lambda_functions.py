"""A stand-in for Lambda: the template's functions, run in this process or in containers."""

import importlib
import io
import json
import os
import threading
import time
import traceback
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from botocore.response import StreamingBody

from labelloop.local.sam_functions import SamFunctions
from labelloop.local.service_error import ServiceError
from labelloop.local.template import ACCOUNT_ID, REGION, Function
from labelloop.local.thread_output import output_of_this_thread_to

# The largest request and response of a synchronous invocation, in bytes.
_MOST_REQUEST_BYTES = 6 * 1024 * 1024
_MOST_RESPONSE_BYTES = 6 * 1024 * 1024 + 100

Handler = Callable[[Any, "LambdaContext"], Any]


@dataclass(frozen=True)
class LambdaContext:
    """What Lambda passes to a handler as its second argument."""

    function_name: str
    invoked_function_arn: str
    memory_limit_in_mb: int
    aws_request_id: str
    log_group_name: str
    log_stream_name: str
    deadline: float
    function_version: str = "$LATEST"
    identity: None = None
    client_context: None = None

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function's timeout; on this machine it is not enforced."""
        return max(0, int((self.deadline - time.monotonic()) * 1000))


class LambdaFunctions:
    """Answers `Invoke` and `GetFunction` for the functions of the template.

    Calls run one at a time, because a handler's environment variables are set for the whole process. What
    handlers print goes to `<logs>/lambda/<logical id>.log`.
    """

    def __init__(self, functions: Mapping[str, Function], logs: Path) -> None:
        self._functions = functions
        self._logs = logs / "lambda"
        self._containers: SamFunctions | None = None
        self._one_at_a_time = threading.RLock()

    def run_in(self, containers: SamFunctions) -> None:
        """Lets handlers run in containers from now on, instead of in this process."""
        self._containers = containers

    def find_in(self, parameters: Mapping[str, Any]) -> Function:
        """The function that a boto3 client's call names, given botocore's serialized request.

        Raises `ServiceError` (`ResourceNotFoundException`) when there is no such function.
        """
        path = unquote(parameters["url_path"])
        return self.find(path.removeprefix("/2015-03-31/functions/").removesuffix("/invocations"))

    def call(self, operation: str, function: Function, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to a boto3 client's call about `function`.

        Raises `ServiceError` for a payload above Lambda's limit and for an unknown operation.
        """
        if operation == "Invoke":
            return self.invoke(function, _as_bytes(parameters.get("body")))
        if operation == "GetFunction":
            return self.describe(function)
        raise ServiceError("UnknownOperationException", f"the local Lambda does not know {operation}", 404)

    def find(self, name: str) -> Function:
        """The function with this name, logical id or ARN, with or without a version."""
        for function in self._functions.values():
            for known in (function.name, function.arn, function.logical_id):
                if name == known or name.startswith(f"{known}:"):
                    return function
        arn = f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:{name}"
        raise ServiceError(
            "ResourceNotFoundException", f"Function not found: {name if ':' in name else arn}", 404
        )

    def invoke(self, function: Function, payload: bytes) -> dict[str, Any]:
        """Runs the handler with a JSON payload, like a synchronous invocation."""
        if len(payload) > _MOST_REQUEST_BYTES:
            raise ServiceError(
                "RequestTooLargeException",
                f"{len(payload)} byte payload is too large for the RequestResponse invocation type "
                f"(limit {_MOST_REQUEST_BYTES} bytes)",
                413,
            )
        answer: dict[str, Any] = {"StatusCode": 200, "ExecutedVersion": "$LATEST"}
        response, error = self._response(function, payload or b"{}")
        if error is not None:
            answer["FunctionError"] = error
        if len(response) > _MOST_RESPONSE_BYTES:
            answer["FunctionError"] = "Unhandled"
            response = json.dumps(_too_large(len(response))).encode()
        return {**answer, "Payload": StreamingBody(io.BytesIO(response), len(response))}

    def describe(self, function: Function) -> dict[str, Any]:
        """The answer to GetFunction, with an image's URI in Lambda's form."""
        return _describe(function)

    def _response(self, function: Function, payload: bytes) -> tuple[bytes, str | None]:
        if self._containers is not None:
            return self._containers.invoke(function.logical_id, payload)
        try:
            return self._run(function, json.loads(payload)), None
        except Exception as error:
            return json.dumps(_error_payload(error)).encode(), "Unhandled"

    def _run(self, function: Function, event: Any) -> bytes:
        request_id = str(uuid.uuid4())
        context = LambdaContext(
            function_name=function.name,
            invoked_function_arn=function.arn,
            memory_limit_in_mb=function.memory,
            aws_request_id=request_id,
            log_group_name=f"/aws/lambda/{function.name}",
            log_stream_name="local",
            deadline=time.monotonic() + function.timeout,
        )
        self._logs.mkdir(parents=True, exist_ok=True)
        log = self._logs / f"{function.logical_id}.log"
        with (
            self._one_at_a_time,
            _environment_variables({**_lambda_environment(function), **function.environment}),
            log.open("a", encoding="utf-8") as output,
            output_of_this_thread_to(output),
        ):
            result = _load_handler(function)(event, context)
            try:
                return json.dumps(result, ensure_ascii=False).encode()
            except (TypeError, ValueError) as error:
                raise MarshalError(f"Unable to marshal response: {error}") from error


class MarshalError(Exception):
    """Raised when a handler returns something that is not JSON."""


def _load_handler(function: Function) -> Handler:
    module, _, name = function.handler.rpartition(".")
    handler: Handler = getattr(importlib.import_module(module), name)
    return handler


@contextmanager
def _environment_variables(values: Mapping[str, str]) -> Iterator[None]:
    """Sets variables for the whole process; at the end those that were not there are empty, not removed.

    Other threads look through the environment meanwhile, as botocore does for each client: they would fail
    at a name that is gone. `LocalAws` removes the names when it closes.
    """
    before = {name: os.environ.get(name, "") for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.update(before)


def _lambda_environment(function: Function) -> dict[str, str]:
    return {
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory),
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "_HANDLER": function.handler,
    }


def _error_payload(error: Exception) -> dict[str, Any]:
    kind = "Runtime.MarshalError" if isinstance(error, MarshalError) else type(error).__name__
    return {
        "errorMessage": str(error),
        "errorType": kind,
        "requestId": "local",
        "stackTrace": [line for line in traceback.format_tb(error.__traceback__) if __file__ not in line],
    }


def _too_large(size: int) -> dict[str, Any]:
    return {
        "errorMessage": f"Response payload size ({size} bytes) exceeded maximum allowed payload size "
        f"({_MOST_RESPONSE_BYTES} bytes).",
        "errorType": "Function.ResponseSizeTooLarge",
    }


def _describe(function: Function) -> dict[str, Any]:
    image = f"{ACCOUNT_ID}.dkr.ecr.{REGION}.amazonaws.com/{function.name.lower()}"
    return {
        "Configuration": {
            "FunctionName": function.name,
            "FunctionArn": function.arn,
            "Timeout": function.timeout,
            "MemorySize": function.memory,
            "PackageType": "Image",
        },
        "Code": {
            "RepositoryType": "ECR",
            "ImageUri": f"{image}:local",
            "ResolvedImageUri": f"{image}@sha256:{'0' * 64}",
        },
    }


def _as_bytes(body: Any) -> bytes:
    if body is None:
        return b""
    return body if isinstance(body, bytes) else bytes(body.read())
