"""Images: how many labels people give with the container's own training, and how long it takes.

`make bench-images`: CIFAR-10 where LABELLOOP_CIFAR10 names a tar of class folders, and scikit-learn's digits.
Images are encoded once and kept in bench/.cache; every round trains the container's nets on them, in this
process.
"""

import argparse
import functools
import io
import os
import tarfile
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from classifier.encoded import EncodedObjects
from image_classifier.backbone import Backbone
from image_classifier.features import BackboneView
from image_classifier.projection import Projection

from bench.datasets import CACHE, DatasetMissingError
from bench.neighborhoods import InPlace
from bench.results import (
    QUOTED,
    RESULTS,
    ROOT,
    machine,
    markdown_table,
    percent,
    quote_in_document,
    read_json,
    write_json,
)
from bench.runs import console, cores, run_all
from labelloop.simulation import Labels, simulate

CIFAR10 = "LABELLOOP_CIFAR10"
SEEDS, QUICK_SEEDS = 5, 1
DEFAULT, POST = "labelloop's default", "the post's policy"
CONTENDERS = [DEFAULT, POST, "margin", "random"]
# What is certified: the error among the auto-labels, or that of the whole data set.
SETTINGS: dict[str, dict[str, Any]] = {
    "5 % of the auto-labels": {"TargetError": 0.05},
    "5 % of the whole": {"TargetError": 0.05, "CertificateFor": "dataset"},
    "5 % of the auto-labels, one answer in ten wrong": {
        "TargetError": 0.05,
        "SimulatedPeople": {"ErrorRate": 0.1},
    },
}
MARKER = "images"
_IMAGES_AT_ONCE = 64


@dataclass(frozen=True)
class Images:
    name: str
    contents: list[bytes]
    labels: Labels


def cifar10() -> Images:
    """Raises DatasetMissingError."""
    path = os.environ.get(CIFAR10)
    if not path:
        raise DatasetMissingError(f"set {CIFAR10} to a tar of class folders with images")
    contents, classes = [], []
    with tarfile.open(path) as archive:
        for member in sorted(archive.getmembers(), key=lambda one: one.name):
            if member.isfile():
                file = archive.extractfile(member)
                assert file is not None
                contents.append(file.read())
                classes.append(member.name.split("/")[-2])
    names = sorted(set(classes))
    return Images("cifar-10", contents, np.array([names.index(name) for name in classes], np.int16))


def digits() -> Images:
    """The images of `make demo-images`."""
    from PIL import Image
    from sklearn.datasets import load_digits

    found = load_digits()
    contents = []
    for pixels in found.images:
        small = Image.fromarray(np.asarray(255 - pixels * (255 / 16), np.uint8))
        file = io.BytesIO()
        small.resize((64, 64), Image.Resampling.BICUBIC).save(file, "PNG")
        contents.append(file.getvalue())
    return Images("digits", contents, found.target.astype(np.int16))


IMAGES: dict[str, Callable[[], Images]] = {"cifar-10": cifar10, "digits": digits}


def vectors_of(images: Images, backbone: Backbone) -> npt.NDArray[np.float16]:
    """The backbone's features, computed once."""
    file = CACHE / f"{images.name}-{backbone.name}.npy"
    if not file.exists():
        started = time.monotonic()
        view = BackboneView(backbone)
        rows = []
        for start in range(0, len(images.contents), _IMAGES_AT_ONCE):
            some = images.contents[start : start + _IMAGES_AT_ONCE]
            rows += view.rows([view.look(content) for content in some])
        file.parent.mkdir(exist_ok=True)
        unfinished = file.with_suffix(f".{os.getpid()}.npy")
        np.save(unfinished, np.stack(rows).astype(np.float16))
        unfinished.replace(file)
        console.print(f"{images.name}: encoded in {time.monotonic() - started:.0f} s")
    found: npt.NDArray[np.float16] = np.load(file)
    return found


@functools.cache
def data_of(name: str) -> tuple[InPlace, Labels]:
    """Images as the container sees them, all of them in its pool. Raises DatasetMissingError."""
    images = IMAGES[name]()
    vectors = vectors_of(images, Backbone(ROOT / ".backbone"))
    features = Projection.fit(vectors, 0).features(vectors)
    found = InPlace.of(features, np.ones(features.shape[1], np.float32))
    return replace(found, seen=EncodedObjects(found.seen)), images.labels


@dataclass(frozen=True)
class Task:
    data: str
    setting: str
    contender: str
    seed: int


@dataclass(frozen=True)
class Ended:
    human_share: float
    oracle_human_share: float
    error: float
    rounds: int
    seconds: float


def run_one(task: Task) -> Ended:
    # It loads TensorFlow, which whoever only makes the table does without.
    from bench.container_model import ContainerModel

    started = time.monotonic()
    inputs, labels = data_of(task.data)
    settings = {**SETTINGS[task.setting], "Seed": task.seed}
    if task.contender == POST:
        settings["Policy"] = "blog"
    elif task.contender != DEFAULT:
        settings["QueryStrategy"] = task.contender
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ended = simulate(inputs, labels, ContainerModel(inputs, second=None), settings)
    return Ended(
        ended.human_share,
        ended.oracle_human_share,
        ended.auto_label_error,
        ended.rounds,
        time.monotonic() - started,
    )


def tasks(names: Sequence[str], contenders: Sequence[str], seeds: int) -> list[Task]:
    """Seed by seed, so that what is there when it is stopped is a fair part of the whole."""
    return [
        Task(name, setting, contender, seed)
        for seed in range(seeds)
        for name in names
        for setting in SETTINGS
        for contender in contenders
        if _takes_part(contender, SETTINGS[setting])
    ]


def _takes_part(contender: str, settings: dict[str, Any]) -> bool:
    # Such runs are the longest.
    if "SimulatedPeople" in settings:
        return contender in (DEFAULT, POST)
    # The post's policy promises nothing of the whole.
    return contender != POST or "CertificateFor" not in settings


def finished(wanted: Sequence[Task]) -> list[dict[str, Any]]:
    """Those of these runs that the last call has finished, on the same machine with the same code."""
    last = read_json("images", RESULTS)
    if last is None or last["machine"] != machine():
        return []
    return [run for run in last["runs"] if task_of(run) in wanted]


def task_of(run: dict[str, Any]) -> Task:
    return Task(*(run[field.name] for field in fields(Task)))


def table(figures: dict[str, Any]) -> str:
    """One row for each policy, as the mean over its seeds."""
    groups: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for run in figures["runs"]:
        groups.setdefault((run["data"], run["setting"], run["contender"]), []).append(run)
    rows = []
    for group, runs in groups.items():
        shares = [run["human_share"] for run in runs]
        errors = [run["error"] for run in runs if run["error"] is not None]
        rows.append(
            [
                *group,
                str(len(runs)),
                f"{percent(float(np.mean(shares)))} ± {100 * float(np.std(shares)):.1f}",
                percent(float(np.mean([run["oracle_human_share"] for run in runs]))),
                percent(float(np.nanmean(errors)), 2) if errors else "–",
                f"{np.mean([run['rounds'] for run in runs]):.0f}",
            ]
        )
    return markdown_table(
        [
            *("images", "certified", "policy", "seeds", "labeled by people", "oracle"),
            *("error of the auto-labels", "rounds"),
        ],
        rows,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one seed, and the default policy alone")
    parser.add_argument("--seeds", type=int, help=f"default: {SEEDS}")
    parser.add_argument("--jobs", type=int, default=cores())
    parser.add_argument("--data", nargs="*", choices=IMAGES, default=list(IMAGES))
    parser.add_argument("--policies", nargs="*", choices=CONTENDERS)
    parser.add_argument("--encode-only", action="store_true", help="compute the features, and stop")
    parser.add_argument(
        "--go-on",
        action="store_true",
        help="keep the runs of the last call, if nothing they depend on changed",
    )
    given = parser.parse_args()
    there = []
    for name in given.data:
        try:
            data_of(name)
        except DatasetMissingError as error:
            console.print(f"{name} is left out: {error}")
        else:
            there.append(name)
    if given.encode_only:
        return
    contenders = given.policies or ([DEFAULT] if given.quick else CONTENDERS)
    seeds = given.seeds or (QUICK_SEEDS if given.quick else SEEDS)
    wanted = tasks(there, contenders, seeds)
    figures: dict[str, Any] = {"machine": machine(), "runs": finished(wanted) if given.go_on else []}
    done = [task_of(run) for run in figures["runs"]]
    if given.go_on:
        console.print(f"{len(done)} of {len(wanted)} runs are kept")
    for task, ended in run_all("images", run_one, [one for one in wanted if one not in done], given.jobs):
        figures["runs"].append(asdict(task) | asdict(ended))
        write_json("images", figures, RESULTS)
    # As they come, one before the other: in the table they have the order of the tasks.
    order = [
        (name, setting, contender) for name in IMAGES for setting in SETTINGS for contender in CONTENDERS
    ]
    figures["runs"].sort(
        key=lambda run: (order.index((run["data"], run["setting"], run["contender"])), run["seed"])
    )
    print(table(figures))
    if not given.quick and not given.policies:
        write_json("images", figures, QUOTED)
        quote_in_document({MARKER: table(figures)})


if __name__ == "__main__":
    main()
