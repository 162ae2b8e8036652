"""A model on a chat-completions server, such as Ollama, in the place of Amazon Bedrock."""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Callable, Iterator, Mapping
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
from labelloop.foundation_model.setting_names import OF_REQUEST
from labelloop.foundation_model.spending import at_most
from labelloop.local.service_error import ServiceError

_STOPPED = {CUT_OFF: "max_tokens", FILTERED: "content_filtered"}
_MOST_AT_ONCE = 64


class ServedModel:
    """Turns requests of the Converse operation into chat completions, and the answers back.

    Answers are kept, so that a run that is killed pays for none of them twice.
    """

    def __init__(
        self,
        server: ServerAddress,
        model: str,
        key: str,
        kept: AnswerCache,
        on_answer: Callable[[int], None],
    ) -> None:
        """`on_answer` gets the number of each answer, from 1.

        Raises ModelServerError where nobody answers.
        """
        self._client = ChatClient(server, model, key, at_once=_MOST_AT_ONCE, names=OF_REQUEST)
        self._client.check()
        self._server, self._kept, self._on_answer = server.url, kept, on_answer
        self._numbers = itertools.count(1)
        accepted = kept.form(self._server, model)
        self._form: RequestForm = ChatForm.of_document(accepted) if accepted else ChatForm()
        self._form_is_known = accepted is not None

    def converse(self, model: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """Raises ServiceError like Bedrock, and ModelServerError for what is wrong with all requests."""
        settings, form = _settings(model, request), self._form
        while True:
            body = form.body(settings, _messages(request))
            try:
                reply = self._reply(body)
            except RequestRefusedError as error:
                plainer = self._instead_of(form, form.named_in(str(error)) or form.without_schema())
                if plainer is None:
                    raise ServiceError("ValidationException", str(error)) from error
                form = plainer
            except NoAnswerError as error:
                # Some servers fail at what they do not know.
                plainer = self._instead_of(form, form.named_in(str(error)))
                if plainer is None:
                    raise ServiceError("ServiceUnavailableException", str(error), 503) from error
                form = plainer
            else:
                self._accept(model, form)
                self._on_answer(next(self._numbers))
                return _answer(reply, at_most(body, settings.most_tokens))

    def _instead_of(self, form: RequestForm, plainer: RequestForm | None) -> RequestForm | None:
        """The form to try next: what another request was answered in meanwhile, or else the plainer one."""
        other = self._form if self._form_is_known else plainer
        return other if other != form else None

    def _accept(self, model: str, form: RequestForm) -> None:
        """What one request was answered in, the others are sent in."""
        if not self._form_is_known:
            self._form, self._form_is_known = form, True
            self._kept.keep_form(self._server, model, form.as_document())

    def _reply(self, body: bytes) -> Reply:
        digest = request_digest(self._server, body, 0)
        reply = self._kept.get(digest)
        if reply is None:
            reply = self._client.complete(body)
            self._kept.put(digest, reply)
        return reply


@contextlib.contextmanager
def served_model(
    url: str,
    model: str,
    key_variable: str | None,
    answers: Path,
    on_answer: Callable[[int], None] = lambda _: None,
) -> Iterator[ServedModel]:
    """A model at this address, its answers in a file. `on_answer` gets the number of each answer, from 1.

    Raises ModelServerError and AnswerCacheError.
    """
    server = ServerAddress.parse(url, OF_REQUEST)
    key = server_key(server, key_variable, os.environ)
    with AnswerCache.open(answers) as kept:
        yield ServedModel(server, model, key, kept, on_answer)


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
