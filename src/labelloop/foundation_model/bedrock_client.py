"""Amazon Bedrock, and what its refusals mean."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    ProxyConnectionError,
    ReadTimeoutError,
)
from botocore.parsers import ResponseParserError

import labelloop
from labelloop.foundation_model.converse_form import ConverseForm
from labelloop.foundation_model.converse_reply import NO_CONVERSE_REPLY, read_converse_reply
from labelloop.foundation_model.errors import ModelServerError, NoAnswerError, RequestRefusedError
from labelloop.foundation_model.model_client import (
    CONNECT_SECONDS,
    ModelClient,
    Patience,
    hung_up,
    not_readable,
)
from labelloop.foundation_model.quoting import quoted
from labelloop.foundation_model.replies import Reply
from labelloop.foundation_model.request_form import RequestForm
from labelloop.foundation_model.setting_names import OF_COMMAND, SettingNames

_SHOWN = 300
_PASSING = {"InternalServerException", "ModelErrorException", "ModelNotReadyException"}
_PASSING |= {"ServiceUnavailableException", "ThrottlingException"}
_FAILED_STATUS = 500
# What the id of a profile begins with, by the region's name.
_PROFILES = {"us-gov": "us-gov", "us": "us", "eu": "eu", "ap": "apac"}


def client_settings(patience: Patience, at_once: int) -> Config:
    """How `bedrock-runtime` is asked: one attempt at a time, because attempts are counted here."""
    return Config(
        connect_timeout=min(patience.timeout_seconds, CONNECT_SECONDS),
        read_timeout=patience.timeout_seconds,
        max_pool_connections=at_once,
        retries={"mode": "standard", "total_max_attempts": 1},
        user_agent_extra=f"labelloop/{labelloop.__version__}",
    )


class BedrockClient(ModelClient):
    """One model in one region, through the Converse operation."""

    def __init__(
        self,
        runtime: Any,
        model: str,
        *,
        patience: Patience,
        names: SettingNames = OF_COMMAND,
        in_words: Callable[[ClientError | BotoCoreError], str] = str,
    ) -> None:
        """`runtime`: a client of `bedrock-runtime` made with `client_settings`.

        `in_words`: what any other fault of AWS means.
        """
        super().__init__(patience, names)
        self._runtime, self._model, self._in_words = runtime, model, in_words
        self._region = str(runtime.meta.region_name)
        self._reached = False

    @property
    def form(self) -> RequestForm:
        return ConverseForm()

    def check(self) -> None:
        """The first request tells: Bedrock has nothing that is free to ask, and refusals cost nothing."""

    def complete(self, body: bytes) -> Reply:
        request = orjson.loads(body)
        try:
            answer = self._runtime.converse(**request)
            self._reached = True
            return read_converse_reply(answer)
        except ClientError as error:
            self._reached = True
            raise self._refused(error) from error
        except (EndpointConnectionError, ConnectTimeoutError, ProxyConnectionError) as error:
            raise self._not_reached(error) from error
        except ReadTimeoutError as error:
            raise self._too_slow(self._patience.timeout_seconds) from error
        except HTTPClientError as error:
            raise hung_up() from error
        # No credentials, a sign-in that has expired, no secure connection.
        except BotoCoreError as error:
            raise ModelServerError(_sentence(self._in_words(error))) from error
        # AWS's client takes for granted that an answer has the form of one.
        except (ResponseParserError, ValueError, TypeError, AttributeError) as error:
            raise not_readable(NO_CONVERSE_REPLY) from error

    # Words ------------------------------------------------------------------------------------------------

    def _not_reached(self, error: BotoCoreError) -> Exception:
        if self._reached:
            return NoAnswerError(f"no connection ({error})")
        return ModelServerError(
            f"Amazon Bedrock does not answer in {self._region}: {error}. Is the network up, and is Bedrock "
            f"in this region? {self._names.other_region}"
        )

    def _refused(self, error: ClientError) -> Exception:
        code = str(error.response["Error"].get("Code", ""))
        said = quoted(str(error.response["Error"].get("Message", "")), _SHOWN)
        answered = f"Bedrock answered {code}: {said or 'no words'}"
        if code == "ModelTimeoutException":
            return NoAnswerError(answered, slow=True)
        if (why := self._why_all_are(code, said)) is not None:
            return ModelServerError(why)
        if code in _PASSING or error.response["ResponseMetadata"]["HTTPStatusCode"] >= _FAILED_STATUS:
            return NoAnswerError(answered)
        if code == "ValidationException":
            return RequestRefusedError(answered)
        return ModelServerError(_sentence(self._in_words(error)))

    def _why_all_are(self, code: str, said: str) -> str | None:
        """What is wrong where any other request would be refused too."""
        words, said = said.casefold(), _sentence(said)
        if code == "AccessDeniedException":
            return self._denied(said)
        if code == "ThrottlingException" and "per day" in words:
            return f"Amazon Bedrock has no more for this account today: {said} {self._names.repeat} tomorrow."
        if code == "ResourceNotFoundException" or "model identifier" in words:
            return (
                f"Amazon Bedrock in {self._region} has no model {self._model!r} for this account: {said} The "
                "Model catalog of the Amazon Bedrock console has the ids."
            )
        if "on-demand throughput" in words:
            return self._needs_profile()
        if "maximum tokens" in words:
            return f"{self._model}: {said} Give a smaller {self._names.most_tokens}."
        return None

    def _denied(self, said: str) -> str:
        denied = f"AWS denies {self._model} in {self._region}: {said}"
        if "not authorized" in said:
            return f"{denied} Have bedrock:InvokeModel allowed: docs/foundation-model.md has the policy."
        return (
            f"{denied} Open the model once in the Model catalog of the Amazon Bedrock console: for those of "
            "Anthropic, a form there asks what you use it for. It can then take some minutes. "
            "docs/foundation-model.md has the permissions."
        )

    def _needs_profile(self) -> str:
        start = next(
            (one for area, one in _PROFILES.items() if self._region.startswith(f"{area}-")), "global"
        )
        return (
            f"Amazon Bedrock has {self._model} only through an inference profile: give its id, such as "
            f"{self._names.model} {start}.{self._model}. The Model catalog of the Amazon Bedrock console has "
            "the ids."
        )


def _sentence(words: str) -> str:
    return f"{words.rstrip('.')}." if words else ""
