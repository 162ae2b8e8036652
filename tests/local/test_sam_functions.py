"""Steps in containers: what is sent to SAM and what is made of its answers. SAM itself is a stand-in here."""

import json
from pathlib import Path

import pytest

from labelloop.local.sam_functions import SamApplication, SamError, SamFunctions

STAND_IN_SAM = '''#!/usr/bin/env python3
"""Answers as `sam local start-lambda` does; {"fail": true} as a handler that raised, {"broken": true} as a
function that cannot be loaded: SAM does not say that this is an error."""
import json, sys
from http.server import BaseHTTPRequestHandler, HTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer(404, b"")
    def do_POST(self):
        event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if event.get("unknown"):
            return self.answer(404, b"Function not found")
        if event.get("fail"):
            return self.answer(200, b'{"errorMessage": "no"}', {"x-amz-function-error": "Unhandled"})
        if event.get("broken"):
            error = {"errorType": "Runtime.ImportModuleError", "errorMessage": "no module"}
            return self.answer(200, json.dumps({**error, "requestId": "", "stackTrace": []}).encode())
        self.answer(200, json.dumps({"path": self.path, "event": event}).encode())
    def answer(self, status, body, headers={}):
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

print(json.dumps(sys.argv[1:]), flush=True)
try:
    HTTPServer(("127.0.0.1", int(sys.argv[sys.argv.index("--port") + 1])), Handler).serve_forever()
except KeyboardInterrupt:
    print("containers removed", flush=True)
'''


@pytest.fixture
def application(tmp_path: Path) -> SamApplication:
    for path, text in ((".sam/bin/sam", STAND_IN_SAM), (".aws-sam/build/template.yaml", "Resources: {}\n")):
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).write_text(text)
        (tmp_path / path).chmod(0o755)
    return SamApplication(tmp_path, tmp_path / "logs/sam.log")


def invoke(functions: SamFunctions, event: object) -> tuple[object, str | None]:
    body, error = functions.invoke("AutoLabel", json.dumps(event).encode())
    return json.loads(body), error


def test_an_event_goes_to_the_function_of_its_name_and_an_error_comes_back_as_one(
    application: SamApplication,
) -> None:
    with application.started({"AwsEndpointUrl": "http://172.17.0.1:1"}) as functions:
        path = "/2015-03-31/functions/AutoLabel/invocations"
        assert invoke(functions, {"a": "ä"}) == ({"path": path, "event": {"a": "ä"}}, None)
        assert invoke(functions, {"fail": True}) == ({"errorMessage": "no"}, "Unhandled")
        payload, error = invoke(functions, {"broken": True})
        assert isinstance(payload, dict)
        assert (error, payload["errorType"]) == ("Unhandled", "Runtime.ImportModuleError")
        payload, error = invoke(functions, {"unknown": True})
        assert (error, payload) == (
            "Unhandled",
            {"errorType": "Sam.ServiceException", "errorMessage": "Function not found"},
        )


def test_sam_is_told_the_endpoint_and_removes_its_containers_at_the_end(application: SamApplication) -> None:
    with application.started({"AwsEndpointUrl": "http://172.17.0.1:1"}):
        pass
    lines = application.log.read_text().splitlines()
    told = json.loads(lines[0])
    assert told[:2] == ["local", "start-lambda"]
    assert told[told.index("--warm-containers") + 1] == "LAZY"
    assert "ParameterKey=AwsEndpointUrl,ParameterValue=http://172.17.0.1:1" in told
    assert lines[-1] == "containers removed"


def test_without_a_build_it_says_to_build(application: SamApplication) -> None:
    (application.folder / ".aws-sam/build/template.yaml").unlink()
    with pytest.raises(SamError, match="make build"), application.started({}):
        pass


def test_a_sam_that_does_not_start_is_told_with_its_log(application: SamApplication) -> None:
    (application.folder / ".sam/bin/sam").write_text("#!/bin/sh\necho no such option\nexit 2\n")
    with pytest.raises(SamError, match=r"sam\.log"), application.started({}):
        pass
    assert application.log.read_text() == "no such option\n"
