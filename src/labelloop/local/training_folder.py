"""What a training container finds under `/opt/ml`, and what it leaves when it fails."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

FAILURE_CHARACTERS = 1024


def write_settings(folder: Path, request: Mapping[str, Any]) -> None:
    """Make the folders of `/opt/ml` in `folder`, with what a training job's request says in its files."""
    for name in ("input/config", "input/data", "model", "output/data"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    config = folder / "input/config"
    _write_json(config / "hyperparameters.json", request.get("HyperParameters", {}))
    _write_json(config / "inputdataconfig.json", _input_data_config(request.get("InputDataConfig", [])))
    _write_json(config / "resourceconfig.json", _resource_config(request))


def reason_of_failure(folder: Path, exit_code: int | None, log: Path) -> str:
    """Why a training failed: what the container wrote about it, its exit code, and where its log is."""
    failure = folder / "output/failure"
    text = (
        failure.read_text(encoding="utf-8", errors="replace")[:FAILURE_CHARACTERS]
        if failure.is_file()
        else ""
    )
    tail = f", exit code: {exit_code}, log: {log}"
    # The whole reason is cut at 1024 characters: shorten the container's text, not the code and the log.
    return f"AlgorithmError: {text[: FAILURE_CHARACTERS - len('AlgorithmError: ') - len(tail)]}{tail}"


def _resource_config(request: Mapping[str, Any]) -> dict[str, Any]:
    instance_type = request["ResourceConfig"].get("InstanceType", "local")
    group = {
        "instance_type": instance_type,
        "hosts": ["algo-1"],
        "instance_group_name": "homogeneousCluster",
    }
    return {
        "current_host": "algo-1",
        "hosts": ["algo-1"],
        "current_instance_type": instance_type,
        "current_group_name": "homogeneousCluster",
        "instance_groups": [group],
        "network_interface_name": "lo",
    }


def _input_data_config(channels: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        channel["ChannelName"]: {
            "ContentType": channel.get("ContentType", ""),
            "TrainingInputMode": channel.get("InputMode", "File"),
            "S3DistributionType": channel["DataSource"]["S3DataSource"].get(
                "S3DataDistributionType", "FullyReplicated"
            ),
            "RecordWrapperType": channel.get("RecordWrapperType", "None"),
        }
        for channel in channels
    }


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value), encoding="utf-8")
