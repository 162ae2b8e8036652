"""Has boto3 clients ask a stand-in instead of AWS, for the services that moto does not play.

botocore offers each call to `before-call` handlers before it is sent; one that answers takes the service's
place. The handler is put among botocore's built-in ones at import, so that every session made afterwards has
it, and does nothing unless a stand-in is in place.
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
    """Within: calls to the services named (`sagemaker`, `lambda`) are answered by their stand-ins."""
    _stand_ins.update(stand_ins)
    try:
        yield
    finally:
        for service in stand_ins:
            del _stand_ins[service]


def json_request(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The request of a service that speaks JSON, out of botocore's serialized one."""
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
