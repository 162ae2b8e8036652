"""CloudWatch metrics of a run, written as EMF lines among the logs: no call, no permission, no delay.

The dimensions are `service` (the stack's name) and `LabelingJobPrefix`; StepSeconds has `Step` as well.
"""

import os
from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from labelloop.workflow.run_state import RunState

NAMESPACE = "labelloop"
STEP_SECONDS = "StepSeconds"
_COUNTS = frozenset({"HumanLabels", "AutoLabels", "PoolObjects", "FailedObjects"})
METRICS = _COUNTS | {STEP_SECONDS, "ExpectedAccuracy", "ValidationAccuracy", "CertifiedThreshold"}


def emit_metrics(state: RunState, step: str, seconds: float, after: RunState | None) -> None:
    """Print how long a step took that got `state`, and the run's progress `after` it."""
    labels = {"execution": state.execution_name, "round": state.round}
    _print(state, {STEP_SECONDS: seconds}, labels, Step=step)
    if after is not None:
        _print(state, run_values(after), labels)


def run_values(state: RunState) -> dict[str, float]:
    """A run's progress, and what its state says about the model."""
    counts, model = state.counts, state.model
    values: dict[str, float] = {
        "HumanLabels": counts.human_labels,
        "AutoLabels": counts.auto,
        "PoolObjects": counts.pool,
        "FailedObjects": counts.failed,
    }
    if model is not None and model.validation_accuracy is not None:
        values["ValidationAccuracy"] = model.validation_accuracy
    if model is not None and model.expected_error is not None:
        values["ExpectedAccuracy"] = 1 - model.expected_error
    if state.certificate is not None:
        values["CertifiedThreshold"] = state.certificate.threshold
        if state.certificate.validation_objects:
            values["ValidationAccuracy"] = 1 - state.certificate.error_estimate
    return values


def _print(
    state: RunState, values: Mapping[str, float], labels: Mapping[str, Any], **dimensions: str
) -> None:
    # A new one each time: on a warm function, nothing may be left over for the next step.
    metrics = EphemeralMetrics(
        namespace=NAMESPACE, service=os.environ.get("POWERTOOLS_SERVICE_NAME", "labelloop")
    )
    metrics.add_dimension(name="LabelingJobPrefix", value=state.request.labeling_job_name_prefix)
    for name, of_this in dimensions.items():
        metrics.add_dimension(name=name, value=of_this)
    for name, value in values.items():
        unit = MetricUnit.Seconds if name == STEP_SECONDS else _unit(name)
        metrics.add_metric(name=name, unit=unit, value=value)
    for name, label in labels.items():
        metrics.add_metadata(key=name, value=label)
    metrics.flush_metrics()


def _unit(name: str) -> MetricUnit:
    return MetricUnit.Count if name in _COUNTS else MetricUnit.NoUnit
