"""The model at Amazon Bedrock, as a step asks it."""

from __future__ import annotations

import boto3

from labelloop.foundation_model.bedrock_client import BedrockClient, client_settings
from labelloop.foundation_model.model_client import DEFAULT_PATIENCE
from labelloop.foundation_model.setting_names import OF_REQUEST
from labelloop.workflow.request import FoundationModel


def bedrock_client(model: FoundationModel) -> BedrockClient:
    """A client with as many connections as there may be requests at a time."""
    settings = client_settings(DEFAULT_PATIENCE, model.requests_at_once)
    runtime = boto3.client("bedrock-runtime", config=settings)
    return BedrockClient(runtime, model.model_id, patience=DEFAULT_PATIENCE, names=OF_REQUEST)
