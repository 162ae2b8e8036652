"""Where `labelloop ask-model` finds the model: on a chat-completions server, or at Amazon Bedrock."""

import os
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field

from labelloop.foundation_model.bedrock_client import BedrockClient, client_settings
from labelloop.foundation_model.chat_client import ChatClient
from labelloop.foundation_model.model_client import ModelClient, Patience
from labelloop.foundation_model.row_labeler import ConfidenceFrom
from labelloop.foundation_model.server_address import ServerAddress, server_key
from labelloop.operations.cloud import Cloud, explained, in_words
from labelloop.preparation.errors import OptionError

BEDROCK = "bedrock"


class AskedServer(ABC):
    """A server, and what is needed to ask it."""

    @property
    @abstractmethod
    def name(self) -> str:
        """As it is shown; kept answers are found by it."""

    @property
    @abstractmethod
    def warnings(self) -> Sequence[str]:
        """What somebody should know before texts are sent there."""

    @abstractmethod
    def client(self, model: str, *, at_once: int, patience: Patience) -> ModelClient:
        """What asks one of its models. Raises LabelloopError."""


@dataclass(frozen=True, slots=True)
class ChatServer(AskedServer):
    """A server that speaks the chat-completions protocol."""

    address: ServerAddress
    key: str = field(repr=False)

    @property
    def name(self) -> str:
        return self.address.url

    @property
    def warnings(self) -> Sequence[str]:
        if self.address.encrypted or self.address.on_this_machine:
            return ()
        what = "Texts and key travel" if self.key else "Texts travel"
        return (f"{what} to {self.address.host} without encryption.",)

    def client(self, model: str, *, at_once: int, patience: Patience) -> ModelClient:
        return ChatClient(self.address, model, self.key, at_once=at_once, patience=patience)


@dataclass(frozen=True, slots=True)
class BedrockServer(AskedServer):
    """Amazon Bedrock in one region."""

    cloud: Cloud

    @property
    def name(self) -> str:
        return f"Amazon Bedrock in {self.cloud.region}"

    @property
    def warnings(self) -> Sequence[str]:
        return ()

    def client(self, model: str, *, at_once: int, patience: Patience) -> ModelClient:
        with explained():
            runtime = self.cloud.client("bedrock-runtime", client_settings(patience, at_once))
        return BedrockClient(runtime, model, patience=patience, in_words=in_words)


def asked_server(
    server: str,
    *,
    key_variable: str | None,
    region: str | None,
    profile: str | None,
    confidence_from: ConfidenceFrom,
) -> AskedServer:
    """The server by the name or address that the user gives. Raises OptionError and OperationError."""
    if server.strip().casefold() != BEDROCK:
        if profile is not None:
            raise OptionError(f"--profile is for --server {BEDROCK}; keys are named by --key-variable.")
        address = ServerAddress.parse(server)
        return ChatServer(address, server_key(address, key_variable, os.environ))
    if key_variable is not None:
        raise OptionError("Amazon Bedrock takes your AWS credentials: --profile names others, no key.")
    if confidence_from is ConfidenceFrom.LOGPROBS:
        raise OptionError(
            "Amazon Bedrock gives no log-probabilities: use --confidence-from stated, or samples."
        )
    return BedrockServer(Cloud(profile, region))
