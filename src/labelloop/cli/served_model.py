"""A model on a chat-completions server, such as Ollama, in the place of Amazon Bedrock."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from labelloop.foundation_model.answer_cache import AnswerCache, request_digest
from labelloop.foundation_model.chat_client import ChatClient
from labelloop.foundation_model.chat_form import ChatForm
from labelloop.foundation_model.errors import ModelServerError, NoAnswerError, RequestRefusedError
from labelloop.foundation_model.prompt import Message
from labelloop.foundation_model.reading import CUT_OFF, FILTERED
from labelloop.foundation_model.replies import Reply, Usage
from labelloop.foundation_model.request_form import RequestForm, RequestSettings
from labelloop.foundation_model.server_address import ServerAddress, server_key
from labelloop.foundation_model.spending import at_most
from labelloop.local.service_error import ServiceError

_STOPPED = {CUT_OFF: "max_tokens", FILTERED: "content_filtered"}
_MOST_AT_ONCE = 64


class ServedModel:
    """Turns requests of the Converse operation into chat completions, and the answers back.

    Answers are kept, so that a run that is killed pays for none of them twice.
    """

    def __init__(self, server: ServerAddress, model: str, key: str, kept: AnswerCache) -> None:
        """Raises ModelServerError where nobody answers."""
        self._client = ChatClient(server, model, key, at_once=_MOST_AT_ONCE)
        self._client.check()
        self._server, self._kept = server.url, kept
        self._form: RequestForm = ChatForm()

    def converse(self, model: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """Raises ServiceError like Bedrock, and ModelServerError for what is wrong with all requests."""
        settings = _settings(model, request)
        while True:
            body = self._form.body(settings, _messages(request))
            try:
                return _answer(self._reply(body), at_most(body, settings.most_tokens))
            except RequestRefusedError as error:
                self._form = self._another_form(error)
            except NoAnswerError as error:
                raise ServiceError("ServiceUnavailableException", str(error), 503) from error

    def _reply(self, body: bytes) -> Reply:
        digest = request_digest(self._server, body, 0)
        reply = self._kept.get(digest)
        if reply is None:
            reply = self._client.complete(body)
            self._kept.put(digest, reply)
        return reply

    def _another_form(self, refusal: RequestRefusedError) -> RequestForm:
        """Without what the server refuses."""
        plainer = self._form.named_in(str(refusal)) or self._form.without_schema()
        if plainer == self._form:
            raise ServiceError("ValidationException", str(refusal)) from refusal
        return plainer


@contextlib.contextmanager
def served_model(url: str, model: str, key_variable: str | None, answers: Path) -> Iterator[ServedModel]:
    """A model at this address, its answers in a file. Raises ModelServerError and AnswerCacheError."""
    server = ServerAddress.parse(url)
    key = server_key(server, key_variable, os.environ)
    with AnswerCache.open(answers) as kept:
        yield ServedModel(server, model, key, kept)


def refuse_samples(confidence_from: str) -> None:
    """Raises ModelServerError: the same request always has the answer that is kept."""
    if confidence_from == "samples":
        raise ModelServerError(
            "--model-server keeps one answer to each request: ConfidenceFrom samples is for AWS, and for "
            "`labelloop ask-model`."
        )


def _settings(model: str, request: Mapping[str, Any]) -> RequestSettings:
    inference = request.get("inferenceConfig", {})
    tools = request.get("toolConfig", {}).get("tools", ())
    schema = tools[0]["toolSpec"]["inputSchema"]["json"] if tools else {"properties": {"label": {"enum": ()}}}
    return RequestSettings(
        model=model,
        classes=tuple(schema["properties"]["label"]["enum"]),
        asks_confidence="confidence" in schema["properties"],
        logprobs=False,
        temperature=inference.get("temperature", 0.0),
        most_tokens=inference.get("maxTokens", 256),
    )


def _messages(request: Mapping[str, Any]) -> list[Message]:
    told = [{"role": "system", "content": block["text"]} for block in request.get("system", ())]
    return told + [
        {"role": message["role"], "content": "".join(block["text"] for block in message["content"])}
        for message in request["messages"]
    ]


def _answer(reply: Reply, most: Usage) -> dict[str, Any]:
    usage = reply.usage or most
    stopped = "refusal" if reply.refusal else _STOPPED.get(reply.finish_reason, "end_turn")
    return {
        "output": {"message": {"role": "assistant", "content": [{"text": reply.refusal or reply.content}]}},
        "stopReason": stopped,
        "usage": {
            "inputTokens": usage.tokens_in,
            "outputTokens": usage.tokens_out,
            "totalTokens": usage.tokens_in + usage.tokens_out,
        },
        "metrics": {"latencyMs": 0},
    }
