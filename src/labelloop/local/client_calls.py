"""Lets boto3 clients ask a stand-in instead of AWS, for the services that moto does not simulate.

botocore passes each call to `before-call` handlers before it is sent; if one answers, nothing is sent. Our
handler joins botocore's built-in ones at import, so that every later session has it. It does nothing unless
there is a stand-in.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

from botocore.handlers import BUILTIN_HANDLERS
from botocore.model import OperationModel

from labelloop.local.service_error import ServiceError

# Answers an operation, given botocore's serialized request.
StandIn = Callable[[str, Mapping[str, Any]], dict[str, Any]]

_stand_ins: dict[str, StandIn] = {}


@contextmanager
def answered_by(stand_ins: Mapping[str, StandIn]) -> Iterator[None]:
    """Inside `with`, stand-ins answer the calls to these services (`sagemaker`, `lambda`, ...)."""
    _stand_ins.update(stand_ins)
    try:
        yield
    finally:
        for service in stand_ins:
            del _stand_ins[service]


def json_request(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The request to a JSON service, from botocore's serialized one."""
    request: dict[str, Any] = json.loads(parameters["body"] or b"{}")
    return request


def _answer(model: OperationModel, params: Mapping[str, Any], **_: Any) -> tuple[Any, dict[str, Any]] | None:
    stand_in = _stand_ins.get(model.service_model.service_name)
    if stand_in is None:
        return None
    try:
        answer = stand_in(model.name, params)
    except ServiceError as error:
        return SimpleNamespace(status_code=error.status), error.as_response()
    metadata = {"HTTPStatusCode": 200, "RequestId": "local", "HTTPHeaders": {}, "RetryAttempts": 0}
    return SimpleNamespace(status_code=200), {**answer, "ResponseMetadata": metadata}


BUILTIN_HANDLERS.append(("before-call.sagemaker", _answer))
BUILTIN_HANDLERS.append(("before-call.lambda", _answer))
BUILTIN_HANDLERS.append(("before-call.bedrock", _answer))
BUILTIN_HANDLERS.append(("before-call.bedrock-runtime", _answer))
