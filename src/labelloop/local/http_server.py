"""The stand-ins over HTTP, for containers: moto's services, Lambda's GetFunction, Bedrock's Converse."""

import json
import re
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote

from labelloop.local.service_error import ServiceError

_FUNCTIONS = "/2015-03-31/functions/"
_CONVERSE = re.compile(r"/model/([^/]+)/converse")

StartResponse = Callable[[str, list[tuple[str, str]]], Any]
WsgiApplication = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]


@contextmanager
def http_server(
    host: str,
    port: int,
    describe_function: Callable[[str], dict[str, Any]],
    converse: Callable[[dict[str, Any]], dict[str, Any]],
) -> Iterator[str]:
    """Inside `with`, moto's services answer over HTTP, with the data of this process. Returns the URL.

    `port` 0 takes a free one; `describe_function` answers Lambda's GetFunction, given a function's name;
    `converse` a request to that operation of Bedrock.
    Raises OSError when the address cannot be listened on.
    """
    from moto.server import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
    from werkzeug.serving import make_server

    application = _with_ours(DomainDispatcherApplication(create_backend_app), describe_function, converse)
    # Our own socket: werkzeug ends the whole program when it cannot listen on an address.
    listener = socket.create_server((host, port))
    taken: int = listener.getsockname()[1]
    handler = _quiet(MotoRequestHandler)
    server = make_server(
        host, taken, application, threaded=True, request_handler=handler, fd=listener.fileno()
    )
    thread = threading.Thread(target=server.serve_forever, name="labelloop HTTP server", daemon=True)
    thread.start()
    try:
        yield f"http://{host}:{taken}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        listener.close()


def _with_ours(
    application: WsgiApplication,
    describe_function: Callable[[str], dict[str, Any]],
    converse: Callable[[dict[str, Any]], dict[str, Any]],
) -> WsgiApplication:
    def answer(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        path, method = environ["PATH_INFO"], environ["REQUEST_METHOD"]
        model = _CONVERSE.fullmatch(path)
        try:
            if method == "GET" and path.startswith(_FUNCTIONS):
                body = describe_function(path.removeprefix(_FUNCTIONS))
            elif method == "POST" and model:
                sent = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
                body = converse({**json.loads(sent), "modelId": unquote(model[1])})
            else:
                return application(environ, start_response)
            status, error_headers = "200 OK", []
        except ServiceError as error:
            status, error_headers = f"{error.status} Error", [("x-amzn-ErrorType", error.code)]
            body = {"Message": error.message, "message": error.message}
        start_response(status, [("Content-Type", "application/json"), *error_headers])
        return [json.dumps(body).encode()]

    return answer


def _quiet(handler: type) -> type:
    """The request handler without a line on the terminal for each request."""
    return type("QuietRequestHandler", (handler,), {"log_request": lambda *_arguments: None})
