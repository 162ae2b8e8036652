"""The model at Amazon Bedrock, as a step asks it."""

from __future__ import annotations

import boto3

from labelloop.foundation_model.bedrock_client import BedrockClient, client_settings
from labelloop.foundation_model.model_client import DEFAULT_PATIENCE
from labelloop.workflow.request import FoundationModel

# What the client's messages call by the options of the command `ask-model`.
_IN_THE_REQUEST = {
    "--max-answer-tokens": "MaxAnswerTokens",
    "--model ": "ModelId ",
    "--confidence-from stated": "ConfidenceFrom stated",
    " --region names another.": " Deploy the stack in one that has it.",
    "Give the same command tomorrow.": "Go on tomorrow.",
    " (--timeout)": "",
}


def bedrock_client(model: FoundationModel) -> BedrockClient:
    """A client with as many connections as there may be requests at a time."""
    settings = client_settings(DEFAULT_PATIENCE, model.requests_at_once)
    runtime = boto3.client("bedrock-runtime", config=settings)
    return BedrockClient(runtime, model.model_id, patience=DEFAULT_PATIENCE)


def in_the_requests_words(message: str) -> str:
    for option, field in _IN_THE_REQUEST.items():
        message = message.replace(option, field)
    return message
