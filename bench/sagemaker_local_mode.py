"""The model image under a client nobody here wrote: the SageMaker Python SDK trains and transforms locally.

It needs an environment of its own, as the SDK brings dozens of packages, Docker with compose, and port 8080
free: the SDK talks to whatever answers there. Of compose it takes `docker compose` of version 2, or a program
`docker-compose` (Debian 12: apt-get install docker-compose); a later `docker compose` it does not see.

    python3 -m venv sdk && sdk/bin/pip install "sagemaker[local]<3"
    make model-image
    sdk/bin/python bench/sagemaker_local_mode.py FOLDER

The channels are folders and the predictions a file, below FOLDER; nothing of them is sent to AWS. The SDK
itself reports its use to AWS, and where it cannot, logs a traceback that means nothing.
"""

import argparse
import json
import os
import sys
from pathlib import Path

_WORDS = (["bank", "shares", "market", "rates"], ["film", "singer", "stage", "song"])


def _records(count: int, *, labeled: bool) -> str:
    lines = []
    for number in range(count):
        words = _WORDS[number % 2]
        text = f"{words[number % 4]} and {words[(number // 2 + 1) % 4]} in place {number}"
        record = {"labelloop-id": number, "source": text}
        lines.append(json.dumps({**record, "category": number % 2} if labeled else record))
    return "\n".join(lines) + "\n"


def _write_channels(folder: Path) -> dict[str, str]:
    for name, content in {
        "train": _records(80, labeled=True),
        "validation": _records(20, labeled=True),
        "pool": _records(50, labeled=False),
    }.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / name / f"{name}.jsonl").write_text(content)
    (folder / "containers").mkdir(exist_ok=True)
    return {name: f"file://{folder / name}" for name in ("train", "validation", "pool")}


def main() -> None:
    """Exits with 1 unless every record of the pool comes back in order, with its class."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--image", default="labelloop-model:latest")
    given = parser.parse_args()
    folder = given.folder.resolve()
    # The SDK asks for keys even though nothing is signed with them.
    os.environ.update(AWS_ACCESS_KEY_ID="none", AWS_SECRET_ACCESS_KEY="none", AWS_DEFAULT_REGION="us-east-1")
    from sagemaker.estimator import Estimator
    from sagemaker.local import LocalSession

    channels = _write_channels(folder)
    session = LocalSession()
    session.config = {"local": {"local_code": True, "container_root": str(folder / "containers")}}
    estimator = Estimator(
        image_uri=given.image,
        role="arn:aws:iam::123456789012:role/jobs",
        instance_count=1,
        instance_type="local",
        hyperparameters={"num_classes": 2, "label_attribute": "category", "epochs": 5},
        sagemaker_session=session,
        output_path=f"file://{folder / 'output'}",
    )
    estimator.fit(channels)
    transformer = estimator.transformer(
        instance_count=1,
        instance_type="local",
        strategy="MultiRecord",
        assemble_with="Line",
        accept="application/jsonlines",
        output_path=f"file://{folder / 'predictions'}",
    )
    # It runs to its end even so; to wait would mean to ask CloudWatch for its log.
    transformer.transform(
        channels["pool"], content_type="application/jsonlines", split_type="Line", wait=False, logs=False
    )
    lines = (folder / "predictions/pool.jsonl.out").read_text().splitlines()
    best = [json.loads(line)["label"][0] for line in lines if line]
    if best != [f"__label__{number % 2}" for number in range(50)]:
        sys.exit(f"The predictions are not those of the pool: {best}")
    print(f"The SDK trained {estimator.model_data} and transformed {len(best)} records, all right.")


if __name__ == "__main__":
    main()
