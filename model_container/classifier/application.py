"""The web application that SageMaker calls: /ping, /execution-parameters and /invocations."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from classifier.invocations import Classifier, RequestRefusedError, answer, answer_type_of, media_type_of

_MEGABYTE = 1024 * 1024


def build_application(classifier: Classifier, max_payload_mb: int, default_k: int | None) -> Starlette:
    """Build the application around a classifier that is ready to predict.

    max_payload_mb: the largest accepted body, in MiB; default_k: how many classes an answer has, None for
    all.
    """
    # One thread: predictions run one after the other, while the event loop keeps answering /ping.
    prediction = ThreadPoolExecutor(max_workers=1, thread_name_prefix="prediction")

    async def ping(_request: Request) -> Response:
        return Response()

    async def execution_parameters(_request: Request) -> Response:
        wishes = {
            "MaxConcurrentTransforms": 1,
            "BatchStrategy": "MULTI_RECORD",
            "MaxPayloadInMB": max_payload_mb,
        }
        return JSONResponse(wishes)

    async def invocations(request: Request) -> Response:
        body = await _read_body(request, max_payload_mb * _MEGABYTE)
        request_type = media_type_of(request.headers.get("content-type", ""))
        answer_type = answer_type_of(request.headers.get("accept", ""), request_type)
        if body is None:
            raise RequestRefusedError(
                413, f"The body is larger than {max_payload_mb} MB: send fewer records."
            )
        loop = asyncio.get_running_loop()
        content = await loop.run_in_executor(prediction, answer, body, request_type, classifier, default_k)
        return Response(content, media_type=answer_type)

    routes = [
        Route("/ping", ping, methods=["GET"]),
        Route("/execution-parameters", execution_parameters, methods=["GET"]),
        Route("/invocations", invocations, methods=["POST"]),
    ]
    handlers = {
        RequestRefusedError: _refuse,
        HTTPException: _refuse,
        ClientDisconnect: _forget,
        Exception: _fail,
    }
    return Starlette(routes=routes, exception_handlers=handlers)


async def _read_body(request: Request, limit: int) -> bytes | None:
    """Return the body; None if it is longer than the limit.

    Even then, it is received completely, because a client that is still sending would not read the answer.
    """
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size <= limit:
            chunks.append(chunk)
    return b"".join(chunks) if size <= limit else None


async def _refuse(_request: Request, error: Exception) -> Response:
    if isinstance(error, HTTPException):
        return JSONResponse({"error": f"{error.detail}."}, error.status_code, headers=error.headers)
    assert isinstance(error, RequestRefusedError)
    return JSONResponse({"error": str(error)}, error.status)


async def _forget(_request: Request, _error: Exception) -> Response:
    # The client closed the connection while sending. Nobody reads the answer, and it is not our failure.
    return Response(status_code=400)


async def _fail(_request: Request, error: Exception) -> Response:
    return JSONResponse({"error": f"The prediction failed unexpectedly ({type(error).__name__})."}, 500)
