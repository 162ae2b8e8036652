"""How many labels people give: labelloop's default beside the 2020 post's policy and other query strategies.

All of them with the same model, on the same seeds. Every contender but the post's policy stops by the same
certificate, so what differs is which objects people are asked about.
"""

import argparse
import functools
import os
import shlex
import time
import warnings
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from bench.datasets import TEXTS, UCI, DatasetMissingError, digits
from bench.features import kernel_features, sentence_encoder, text_features
from bench.models import Smoothed
from bench.neighborhoods import InPlace
from bench.peers import SCIKIT_ACTIVEML, Remembering, ScikitActiveml
from bench.plots import plot_labels
from bench.results import (
    QUOTED,
    README,
    RESULTS,
    machine,
    markdown_table,
    percent,
    quote_in_document,
    write_json,
)
from bench.runs import console, cores, run_all
from labelloop.core.query_strategies import DEFAULT_QUERY_STRATEGY, QUERY_STRATEGIES
from labelloop.simulation import Labels, simulate

SEEDS, QUICK_SEEDS = 10, 2
DEFAULT, POST = "labelloop's default", "the post's policy"
# Not bald: it asks how far an ensemble's members disagree, and this model has none.
OTHERS = [name for name in QUERY_STRATEGIES if name not in (DEFAULT_QUERY_STRATEGY, "bald")]
CONTENDERS = [DEFAULT, POST, *OTHERS, *SCIKIT_ACTIVEML]
SETTINGS: dict[str, dict[str, Any]] = {
    "target 0.05": {"TargetError": 0.05},
    "target 0.03": {"TargetError": 0.03},
    "the post's sizes": {"TargetError": 0.05, "StartSize": 0.2, "ValidationSize": 0.1, "BatchSize": 0.1},
    "5 % wrong answers": {"TargetError": 0.05, "SimulatedPeople": {"ErrorRate": 0.05}},
    "10 % wrong answers": {"TargetError": 0.05, "SimulatedPeople": {"ErrorRate": 0.1}},
}
# All contenders take part in the first setting, and on data whose labels a model can come near to.
MAIN_SETTING = "target 0.05"
FEW = [DEFAULT, POST, "random", "margin"]
POSTS_DATA = "uci-news"
HEADLINE = {
    "target 0.05": "certificate for 5 %",
    "target 0.03": "certificate for 3 %",
    "5 % wrong answers": "5 %, and one in twenty answers of people is wrong",
    "10 % wrong answers": "5 %, and one in ten",
}
HOPELESS_DATA = "movie-sentiment"
DATA_WITH_WRONG_ANSWERS = POSTS_DATA
HEADLINE_MARKER = "headline"


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
    tests: int
    seconds: float


def run_one(task: Task) -> Ended:
    started = time.monotonic()
    inputs, labels = data_of(task.data)
    model = Remembering(model_of(task.data))
    settings = {**SETTINGS[task.setting], "Seed": task.seed}
    strategy = None
    if task.contender == POST:
        settings = {name: value for name, value in settings.items() if not name.endswith("Size")}
        settings["Policy"] = "blog"
    elif task.contender in SCIKIT_ACTIVEML:
        strategy = ScikitActiveml(task.contender, model)
    elif task.contender != DEFAULT:
        settings["QueryStrategy"] = task.contender
    with warnings.catch_warnings():
        # scikit-activeml's and k-means' hints, hundreds of them.
        warnings.simplefilter("ignore")
        ended = simulate(inputs, labels, model, settings, strategy=strategy)
    return Ended(
        human_share=ended.human_share,
        oracle_human_share=ended.oracle_human_share,
        error=ended.auto_label_error,
        rounds=ended.rounds,
        tests=ended.tests,
        seconds=time.monotonic() - started,
    )


@functools.cache
def model_of(name: str) -> Smoothed:
    return Smoothed(data_of(name)[0])


@functools.cache
def data_of(name: str) -> tuple[InPlace, Labels]:
    """Objects, of which their and their neighbors' features are seen, and labels.

    Raises DatasetMissingError.
    """
    if name == "digits":
        found = digits()
        features = kernel_features(found.inputs)
        return InPlace.of(features, np.ones(features.shape[1], np.float32)), found.labels
    texts = TEXTS[name]()
    views = text_features(texts)
    return InPlace.of(views.features, views.likeness), texts.labels


def tasks(names: list[str], seeds: int) -> list[Task]:
    """Seed by seed, so that what is there when it is stopped is a fair part of the whole."""
    return [
        Task(name, setting, contender, seed)
        for seed in range(seeds)
        for setting in SETTINGS
        for name in names
        if _is_shown(setting, name)
        for contender in (CONTENDERS if (setting == MAIN_SETTING and name != HOPELESS_DATA) else FEW)
    ]


def _is_shown(setting: str, data: str) -> bool:
    if setting.endswith("wrong answers"):
        return data == DATA_WITH_WRONG_ANSWERS
    return setting == MAIN_SETTING or data != HOPELESS_DATA


def summarize(runs: list[dict[str, Any]]) -> dict[str, Any]:
    human = np.array([run["human_share"] for run in runs])
    return {
        "runs": len(runs),
        "human_share": float(human.mean()),
        "human_share_deviation": float(human.std(ddof=1)) if len(runs) > 1 else 0.0,
        "human_share_least": float(human.min()),
        "human_share_most": float(human.max()),
        "error": float(np.mean([run["error"] for run in runs])),
        "error_most": float(np.max([run["error"] for run in runs])),
        "oracle_human_share": float(np.mean([run["oracle_human_share"] for run in runs])),
        "rounds": float(np.mean([run["rounds"] for run in runs])),
        "seconds": float(np.mean([run["seconds"] for run in runs])),
    }


def document_of(done: list[tuple[Task, Ended]], seconds: float, command: str) -> dict[str, Any]:
    rows = []
    for setting in SETTINGS:
        for data in dict.fromkeys(task.data for task, _ in done):
            for contender in CONTENDERS:
                runs = [
                    asdict(ended)
                    for task, ended in done
                    if (task.setting, task.data, task.contender) == (setting, data, contender)
                ]
                if runs:
                    target = SETTINGS[setting]["TargetError"]
                    names = {"setting": setting, "data": data, "contender": contender, "target": target}
                    rows.append({**names, **summarize(runs)})
    encoder = sentence_encoder()
    return {
        "command": command,
        "machine": machine(),
        "encoder": "with the sentence encoder" if encoder else "without a sentence encoder",
        "seconds": round(seconds),
        "seeds": sorted({task.seed for task, _ in done}),
        "rows": rows,
        "runs": [{**asdict(task), **asdict(ended)} for task, ended in done],
    }


def table(document: dict[str, Any], setting: str) -> str:
    """Contenders down, data sets across: human share with its deviation, then the auto-labels' mean error."""
    cells = {(row["contender"], row["data"]): row for row in document["rows"] if row["setting"] == setting}
    names = list(dict.fromkeys(data for _, data in cells))
    rows = [
        (contender, *(_cell(cells.get((contender, data))) for data in names))
        for contender in CONTENDERS
        if any((contender, data) in cells for data in names)
    ]
    return markdown_table((f"{setting}; {document['encoder']}", *names), rows)


def headline(document: dict[str, Any]) -> str:
    """On the data of the post: settings down, labelloop beside the post's policy, for the README."""
    cells = {(row["setting"], row["contender"]): row for row in document["rows"] if row["data"] == POSTS_DATA}
    rows = [
        (HEADLINE[setting], *(_cell(cells.get((setting, contender))) for contender in (DEFAULT, POST)))
        for setting in HEADLINE
    ]
    return markdown_table(("10,000 UCI news headlines", "labelloop", "the post's policy, same model"), rows)


def _cell(row: dict[str, Any] | None) -> str:
    if row is None:
        return ""
    share = f"{percent(row['human_share'])} ± {100 * row['human_share_deviation']:.1f}"
    error = percent(row["error"])
    return f"{share}, wrong {f'**{error}**' if row['error'] > row['target'] else error}"


def available() -> list[str]:
    found = []
    for name in (*TEXTS, "digits"):
        try:
            data_of(name)
            found.append(name)
        except DatasetMissingError as missing:
            console.print(f"{name} is left out: {missing}")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_SEEDS} seeds, one setting")
    parser.add_argument("--seeds", type=int, help=f"default: {SEEDS}")
    parser.add_argument("--jobs", type=int, default=cores(), help="processes at once")
    parser.add_argument("--data", nargs="+", help="these data sets only; no document is written")
    parser.add_argument("--contenders", nargs="+", help="these contenders only; no document is written")
    given = parser.parse_args()
    if sentence_encoder() is None:
        console.print("there is no sentence encoder: `make encoder` fetches it")
    names = available()
    wanted = tasks(names, given.seeds or (QUICK_SEEDS if given.quick else SEEDS))
    if given.quick:
        wanted = [task for task in wanted if task.setting == MAIN_SETTING]
    for chosen, field in ((given.data, "data"), (given.contenders, "contender")):
        wanted = [task for task in wanted if not chosen or getattr(task, field) in chosen]
    command = _command(given)
    command = f"{UCI}=... {command}" if os.environ.get(UCI) else command
    started, done = time.monotonic(), []
    for number, ended in enumerate(run_all("labels", run_one, wanted, given.jobs), 1):
        done.append(ended)
        if number % 10 == 0:
            write_json("labels", document_of(done, time.monotonic() - started, command), RESULTS)
    document = document_of(done, time.monotonic() - started, command)
    in_part = given.quick or given.data or given.contenders
    _publish(document, quoted=not in_part and POSTS_DATA in names)


def _command(given: argparse.Namespace) -> str:
    """As one would type it, to be quoted beside the figures."""
    arguments = ["--quick"] if given.quick else []
    if given.seeds:
        arguments += ["--seeds", str(given.seeds)]
    for option in ("data", "contenders"):
        if chosen := getattr(given, option):
            arguments += [f"--{option}", *map(shlex.quote, chosen)]
    return f'make bench ARGS="{" ".join(arguments)}"' if arguments else "make bench"


def _publish(document: dict[str, Any], *, quoted: bool) -> None:
    tables = {
        marker(setting): table(document, setting)
        for setting in SETTINGS
        if any(row["setting"] == setting for row in document["rows"])
    }
    write_json("labels", document, RESULTS)
    (RESULTS / "labels.md").write_text("\n\n".join(tables.values()) + "\n")
    shown = [row for row in document["rows"] if row["setting"] == MAIN_SETTING]
    plot_labels(shown, RESULTS / "labels.svg")
    if quoted:
        kept = {key: value for key, value in document.items() if key != "runs"}
        write_json("labels", kept, QUOTED)
        plot_labels(shown, QUOTED / "labels.svg")
        quote_in_document(tables)
        quote_in_document({HEADLINE_MARKER: headline(document)}, README)
    print("\n\n".join(tables.values()))


def marker(setting: str) -> str:
    """What the document calls the setting's table."""
    return "labels-" + setting.replace("'", "").replace(" %", "").replace(" ", "-")


if __name__ == "__main__":
    main()
