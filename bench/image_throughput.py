"""Images a second of the container's serving, beside the model's bare prediction of the same images.

Both read the images from the folder that stands for S3, decode and encode them: nothing is remembered.
`serve` is asked over HTTP in lines, as a transform job asks it. `python -m bench.image_throughput`, with the
images of the demo.
"""

import argparse
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from image_classifier.backbone import Backbone
from image_classifier.model import load_classifier

from bench.results import RESULTS, ROOT, machine, write_json
from bench.throughput import await_ping, rates_of, request, train
from labelloop.local.container_process import ProcessContainer
from labelloop.preparation.demo_images import write_demo_images

_TRAINING_IMAGES = 200


def main() -> None:
    """Measure with the backbone and without, and print both rates with their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=400, help="how many images are classified")
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    rows = [_measure(backbone, given.images, given.repeats) for backbone in (ROOT / ".backbone", None)]
    print("| backbone | bare prediction, images/s | serving, images/s | serving of bare |")
    print("|---|---:|---:|---:|")
    for row in rows:
        print(f"| {row['backbone']} | {row['bare']:.0f} | {row['served']:.0f} | {row['ratio']:.0%} |")
    print(write_json("image_throughput", {"machine": machine(), "rows": rows, **vars(given)}, RESULTS))


def _measure(backbone: Path | None, number: int, repeats: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        environment = {"IMAGE_BACKBONE": str(backbone or "none"), "S3_FOLDER": str(root / "s3")}
        os.environ.update(environment)
        write_demo_images(root / "s3" / "bucket", _TRAINING_IMAGES + number)
        files = sorted((root / "s3" / "bucket").rglob("*.png"), key=lambda file: file.stem)
        uris = [f"s3://{file.relative_to(root / 's3').as_posix()}" for file in files]
        labels = [int(file.parent.name) for file in files]
        _train(root, environment, uris[:_TRAINING_IMAGES], labels)
        asked = uris[_TRAINING_IMAGES:]
        body = b"\n".join(json.dumps({"source-ref": uri}).encode() for uri in asked)
        model = load_classifier(root / "model", Backbone(backbone) if backbone else None)
        container = ProcessContainer(ROOT / "image_container")
        running, port = container.serve(root, environment, root / "log")
        try:
            await_ping(port)
            rates = rates_of(
                lambda: len(model.predict(asked).probabilities),
                lambda: request(port, "POST", "/invocations", body).count(b"\n"),
                number,
                repeats,
            )
        finally:
            running.kill()
    return {"backbone": "EfficientNet-Lite2" if backbone else "none", **rates}


def _train(root: Path, environment: dict[str, str], uris: list[str], labels: list[int]) -> None:
    lines = [
        json.dumps({"source-ref": uri, "category": label}) for uri, label in zip(uris, labels, strict=False)
    ]
    files = {
        "config/hyperparameters.json": json.dumps({"num_classes": "10", "label_attribute": "category"}),
        "data/train/train.jsonl": "\n".join(lines),
    }
    train(ProcessContainer(ROOT / "image_container"), root, environment, files)


if __name__ == "__main__":
    os.environ.pop("ENCODING_CACHE", None)  # what is remembered is not encoded
    main()
