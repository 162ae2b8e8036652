"""`labelloop doctor`, on the local AWS."""

import json

import boto3
import pytest

from labelloop.local.aws import LocalAws

from .conftest import Call, ServiceQuotas, deploy

pytestmark = pytest.mark.slow


def found(call: Call, *options: str, stack: str = "labelloop") -> dict[str, dict[str, str]]:
    findings = json.loads(call("doctor", "--json", *options, stack=stack).text)
    return {finding["subject"]: finding for finding in findings}


def test_a_stack_is_looked_at_as_a_whole_and_a_problem_is_the_exit_code(
    call: Call, deployed: LocalAws, quotas: ServiceQuotas
) -> None:
    findings = found(call)
    assert findings["credentials"]["status"] == findings["region"]["status"] == "ok"
    assert findings["bucket"] == {"subject": "bucket", "status": "ok", "text": "bucket"}
    assert (
        "there is no role arn:aws:iam::123456789012:role/of-the-stack" in findings["role of the jobs"]["text"]
    )
    told = call("doctor")
    assert told.exit_code == 1
    assert "problem role of the jobs" in told.words
    trust = {"Statement": [{"Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
    boto3.client("iam").create_role(RoleName="of-the-stack", AssumeRolePolicyDocument=json.dumps(trust))
    assert call("doctor").exit_code == 0
    quotas.values["ml.m5.xlarge for training job usage"] = 0.0
    assert call("doctor").exit_code == 1


def test_before_there_is_a_stack_its_name_is_looked_at(call: Call, deployed: LocalAws) -> None:
    findings = found(call, stack="n" * 62)
    assert findings["stack name"]["status"] == "problem"
    assert findings["stack"]["text"].endswith("is not deployed yet")


def test_a_stack_that_was_rolled_back_is_to_be_deleted_first(call: Call, deployed: LocalAws) -> None:
    deploy(deployed, "half", Nothing="at all")
    finding = found(call, stack="half")["stack"]
    assert finding["status"] == "problem"
    assert "sam delete" in finding["text"]
