"""The workbench as a web application, the same on a laptop and in the stack."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, NoReturn

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.responses import Response

from labelloop.core.errors import LabelloopError
from labelloop.workbench import answers_api, api, guidelines_api, pages, people_api, sign_in
from labelloop.workbench.errors import (
    NotAllowedError,
    NotFoundError,
    RefusedError,
    UnavailableError,
    WorkbenchError,
)
from labelloop.workbench.farewell import Farewell
from labelloop.workbench.security import LimitedBodies, SecurityHeaders
from labelloop.workbench.service import Workbench
from labelloop.workbench.sessions import LaptopSessions, Sessions

_STATUS: dict[type[WorkbenchError], HTTPStatus] = {
    NotAllowedError: HTTPStatus.FORBIDDEN,
    NotFoundError: HTTPStatus.NOT_FOUND,
    RefusedError: HTTPStatus.CONFLICT,
    UnavailableError: HTTPStatus.SERVICE_UNAVAILABLE,
}


def no_images(source_ref: str) -> str:
    """For batches of text: raises RefusedError for an object that is an image."""
    raise RefusedError(f"{source_ref} is an image, and this workbench shows only text")


def no_templates(uri: str) -> NoReturn:
    """For workbenches without worker templates. Raises RefusedError."""
    raise RefusedError(f"this workbench cannot read the worker template {uri}")


def no_run(_batch: str | None = None) -> dict[str, Any]:
    """For a batch without a run."""
    return {"run": None, "batch": None}


def create_app(
    workbench: Workbench,
    sessions: Sessions,
    *,
    image_urls: api.ImageUrls = no_images,
    image_sources: Sequence[str] = (),
    worker_templates: api.WorkerTemplates = no_templates,
    run_overview: api.RunOverview = no_run,
    farewell: Farewell | None = None,
    largest_download: int | None = None,
    address: str | None = None,
    https: bool = False,
) -> FastAPI:
    """The application.

    `image_urls` turns an S3 URI into a URL that a browser can load, and `image_sources` are the origins of
    such URLs. `worker_templates` reads a batch's template from its URI. `run_overview` is the answer of GET
    /api/run. `farewell` tells open pages that the work is over, before the server stops.
    `largest_download` is in bytes. `address` is where others reach the workbench, if the browser of an owner
    may be at another one.
    """
    app = FastAPI(title="labelloop workbench", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.workbench = workbench
    app.state.sessions = sessions
    app.state.image_urls = image_urls
    app.state.image_sources = tuple(image_sources)
    app.state.worker_templates = worker_templates
    app.state.run_overview = run_overview
    app.state.farewell = farewell or Farewell()
    app.state.largest_download = largest_download
    app.state.address = address
    app.include_router(answers_api.router)
    app.include_router(api.reads)
    app.include_router(api.writes)
    app.include_router(people_api.router)
    app.include_router(guidelines_api.router)
    app.include_router(guidelines_api.pictures)
    if isinstance(sessions, LaptopSessions):
        app.include_router(sign_in.router)
        app.include_router(people_api.invitations)
    pages.mount(app)
    app.add_middleware(LimitedBodies)
    app.add_middleware(SecurityHeaders, image_sources=image_sources, https=https)
    app.add_exception_handler(WorkbenchError, _explain)
    app.add_exception_handler(LabelloopError, _explain_trouble)
    app.add_exception_handler(RequestValidationError, _explain_request)
    app.add_exception_handler(HTTPException, _explain_http)
    return app


def _explain(request: Request, error: Exception) -> Response:
    status = _STATUS.get(type(error), HTTPStatus.BAD_REQUEST)  # type: ignore[arg-type]
    return _told(request, str(error), status)


def _explain_trouble(request: Request, error: Exception) -> Response:
    """The labels are in the store, whatever fails afterwards."""
    sentence = f"your labels are kept, but they could not be passed on: {error}"
    return _told(request, sentence, HTTPStatus.SERVICE_UNAVAILABLE)


def _explain_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    problems = "; ".join(
        f"{'.'.join(str(part) for part in problem['loc'][1:]) or 'the body'}: {problem['msg']}"
        for problem in error.errors()
    )
    return _told(request, f"the request cannot be used: {problems}", HTTPStatus.BAD_REQUEST)


def _explain_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    missing = error.status_code == HTTPStatus.NOT_FOUND
    sentence = "the workbench has nothing at this address" if missing else str(error.detail)
    return _told(request, sentence, error.status_code, error.headers)


def _told(request: Request, sentence: str, status: int, headers: Mapping[str, str] | None = None) -> Response:
    """As a page for a person in a browser, as JSON for a program."""
    if "text/html" in request.headers.get("Accept", "") and not request.url.path.startswith("/api/"):
        return pages.problem_page(sentence, status, headers)
    return JSONResponse({"error": sentence}, status, headers=headers)
