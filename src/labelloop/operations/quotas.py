"""SageMaker's quotas of instances. A new account has none of many types, and its jobs are refused.

Service Quotas can only be asked for all quotas of a service, page by page: there are more than a thousand.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from labelloop.labelers import trains_a_model
from labelloop.operations.cloud import Cloud, OperationError, explained
from labelloop.workflow.request import LabelingRequest


@dataclass(frozen=True)
class Quota:
    """What an account may have of something in a region; `code` identifies it in an application for more."""

    name: str
    code: str
    value: int


@dataclass(frozen=True)
class Need:
    """So many instances, by the quota's name and by the setting that asks for them."""

    quota: str
    instances: int
    setting: str


def needs_of_jobs(instance_type: str) -> list[Need]:
    """What a training job and a transform job on one such instance each need."""
    return [_training(instance_type, 1, spot=False), _transform(instance_type, 1)]


def needs_of(request: LabelingRequest) -> list[Need]:
    """What the jobs of a run need: nothing if its labeler trains no model."""
    model = request.active_learning.model
    if not trains_a_model(model.algorithm):
        return []
    return [
        _training(model.training_instance_type, model.training_instance_count, spot=model.use_spot_training),
        _transform(model.transform_instance_type, model.transform_instance_count),
    ]


def _training(instance_type: str, instances: int, *, spot: bool) -> Need:
    kind = "spot training job" if spot else "training job"
    setting = "ActiveLearning.Model.TrainingInstanceType"
    return Need(f"{instance_type} for {kind} usage", instances, setting)


def _transform(instance_type: str, instances: int) -> Need:
    setting = "ActiveLearning.Model.TransformInstanceType"
    return Need(f"{instance_type} for transform job usage", instances, setting)


def read_quotas(cloud: Cloud, names: Collection[str]) -> dict[str, Quota]:
    """SageMaker's quotas of these names, as they apply to the account. One that AWS does not list is missing.

    Raises OperationError when they cannot be read.
    """
    wanted, found = set(names), dict[str, Quota]()
    with explained():
        pages = cloud.service_quotas.get_paginator("list_service_quotas").paginate(ServiceCode="sagemaker")
        for page in pages:
            for item in page["Quotas"]:
                if item["QuotaName"] in wanted:
                    name = item["QuotaName"]
                    found[name] = Quota(name, item["QuotaCode"], int(item["Value"]))
            if wanted == found.keys():
                break
    return found


def shortage(need: Need, quota: Quota, region: str) -> str | None:
    """What is missing and how to ask for it; None if the quota suffices."""
    if quota.value >= need.instances:
        return None
    return (
        f"the account's quota '{quota.name}' is {quota.value} in {region}, and {need.instances} is needed. "
        f"Ask for "
        f"more with `aws service-quotas request-service-quota-increase --service-code sagemaker --quota-code "
        f"{quota.code} --desired-value {need.instances} --region {region}`, or use another {need.setting}"
    )


def require_quotas(cloud: Cloud, needs: Iterable[Need]) -> None:
    """Raises OperationError when jobs would be refused, or when the quotas cannot be read."""
    needs = list(needs)
    quotas = read_quotas(cloud, {need.quota for need in needs}) if needs else {}
    short = [
        text
        for need in needs
        if need.quota in quotas
        if (text := shortage(need, quotas[need.quota], cloud.region)) is not None
    ]
    if short:
        raise QuotaError("; ".join(short))


class QuotaError(OperationError):
    """Raised when SageMaker would refuse a run's jobs."""
