"""`start` looks at SageMaker's quotas before people label; `watch` says when a run waits for one."""

import boto3
import pytest
from botocore.exceptions import ClientError

from labelloop.local.aws import LocalAws
from labelloop.local.service_error import ServiceError

from .conftest import Call, ServiceQuotas

pytestmark = pytest.mark.slow
TRANSFORM = "ml.m5.xlarge for transform job usage"


def started(aws: LocalAws) -> int:
    machine = aws.state_machines["ActiveLearningLoop"].arn
    return len(boto3.client("stepfunctions").list_executions(stateMachineArn=machine)["executions"])


def test_a_run_whose_jobs_would_be_refused_is_not_started(
    call: Call, deployed: LocalAws, quotas: ServiceQuotas
) -> None:
    quotas.values[TRANSFORM] = 0.0
    refused = call("start", "--name", "news-1")
    assert refused.exit_code == 2
    assert f"the account's quota '{TRANSFORM}' is 0 in us-east-1, and 1 is needed" in refused.words
    assert "request-service-quota-increase --service-code sagemaker --quota-code L-TRANSFOR" in refused.words
    assert "or use another ActiveLearning.Model.TransformInstanceType" in refused.words
    assert started(deployed) == 0
    assert call("start", "--name", "news-1", "--ignore-quotas").exit_code == 0
    assert started(deployed) == 1


def test_who_may_not_read_quotas_can_start_all_the_same(
    call: Call, deployed: LocalAws, quotas: ServiceQuotas
) -> None:
    quotas.refusal = ClientError(
        {"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "ListServiceQuotas"
    )
    outcome = call("start", "--name", "news-1", "--dry-run")
    assert outcome.exit_code == 0
    assert "SageMaker's quotas were not checked: AWS denies ListServiceQuotas" in outcome.words


def test_watch_says_that_a_run_waits_for_a_quota(call: Call, deployed: LocalAws) -> None:
    message = "The account-level service limit 'ml.m5.xlarge for training job usage' is 0 Instances"
    deployed.interceptors.fail_next(
        "CreateTrainingJob", ServiceError("ResourceLimitExceeded", message, 400), times=5
    )
    assert call("start", "--name", "news-1").exit_code == 0
    watched = call("watch", "--every", "0.1")
    assert watched.exit_code == 0, "it went on when there was room again"
    assert watched.text.count("SageMaker's quota is used up, or too small") == 1, (
        "said once, not at each attempt"
    )
    assert message in watched.words
