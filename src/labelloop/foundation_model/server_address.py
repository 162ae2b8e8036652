"""Where the model is served, and the key for it."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from labelloop.foundation_model.errors import ModelServerError
from labelloop.foundation_model.setting_names import OF_COMMAND, SettingNames

OPENAI_KEY = "OPENAI_API_KEY"
_OPENAI = "api.openai.com"
_PATH = "/chat/completions"


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """The address below which the protocol's paths are."""

    url: str
    host: str

    @classmethod
    def parse(cls, given: str, names: SettingNames = OF_COMMAND) -> ServerAddress:
        """`names`: what messages call the settings. Raises ModelServerError."""
        try:
            parts = urlsplit(given.strip())
            host, _ = parts.hostname, parts.port
        except ValueError as error:
            raise ModelServerError(f"{names.server} {given!r} is not an address: {error}.") from error
        or_bedrock = ", or bedrock" if names is OF_COMMAND else ""
        if parts.scheme not in ("http", "https") or not host:
            raise ModelServerError(
                f"{names.server} is an address such as http://127.0.0.1:11434/v1{or_bedrock}; not {given!r}."
            )
        if parts.username or parts.password or parts.query or parts.fragment:
            # The address is shown and kept.
            raise ModelServerError(
                f"{names.server} must hold no key, password or query: name the environment variable that has "
                "the key with --key-variable."
            )
        path = parts.path.rstrip("/").removesuffix(_PATH)
        return cls(f"{parts.scheme}://{parts.netloc}{path}", host)

    @property
    def completions(self) -> str:
        return self.url + _PATH

    @property
    def models(self) -> str:
        return f"{self.url}/models"

    @property
    def on_this_machine(self) -> bool:
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost" or self.host.endswith(".localhost")

    @property
    def encrypted(self) -> bool:
        return self.url.startswith("https:")


def server_key(server: ServerAddress, variable: str | None, environment: Mapping[str, str]) -> str:
    """The key, "" for none. Raises ModelServerError, whose message does not hold it.

    OpenAI's key goes to OpenAI and to servers on this machine; to any other only if its variable is named, so
    that no other company gets it by mistake.
    """
    if variable is None and not (server.host == _OPENAI or server.on_this_machine):
        return ""
    key = environment.get(variable or OPENAI_KEY, "").strip()
    if variable is not None and not key:
        raise ModelServerError(
            f"--key-variable {variable}: the environment has no such variable, or it is empty."
        )
    if not (key.isascii() and key.isprintable() and " " not in key):
        raise ModelServerError(
            f"What the environment variable {variable or OPENAI_KEY} holds cannot be a key."
        )
    return key
