"""A model trained in this process, beside the same model served by the program `serve`."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from classifier.contract import ContractError
from classifier.ml_tree import MlTree
from classifier.prior_labels import PriorLabels
from classifier.stopping import StopOrder
from text_classifier.training import train

from tests.container.conftest import MODEL_CONTAINER, Job, MakeJob, load_classifier
from tests.container.tiny_bert import make_tiny_bert

if TYPE_CHECKING:
    from classifier.model import Classifier

# One worker trains and serves once for all of these.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("trained_model"),
    # Keras' own, when it saves TensorFlow's variables under NumPy 2.
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning"),
]

# Class 3 never appears in training.
TOPICS = [
    ["bank", "stocks", "market", "株価", "หุ้น", "📈"],
    ["film", "actor", "album", "映画", "ภาพยนตร์", "🎬"],
    ["virus", "doctor", "health", "医者", "แพทย์", "💊"],
]
COMMON = ["the", "of", "new", "today", "says", "2014", "新しい", "วันนี้"]


def make_records(number: int, seed: int) -> list[dict[str, Any]]:
    """Records with one word of their topic among three that say nothing; one in five has none of it."""
    rng = random.Random(seed)
    records = []
    for _ in range(number):
        label = rng.randrange(len(TOPICS))
        words = [*rng.choices(COMMON, k=3), rng.choice(TOPICS[label] if rng.random() < 0.8 else COMMON)]
        rng.shuffle(words)
        records.append({"source": rng.choice([" ", ""]).join(words), "category": label})
    return records


HEAD = (
    b"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: application/jsonlines\r\n"
    b"Content-Length: %d\r\n\r\n"
)
TRAIN = [{**record, "labelloop-id": 3 * n} for n, record in enumerate(make_records(400, seed=1))]
HELD_OUT = make_records(200, seed=2)


@dataclass(frozen=True)
class Server:
    """A running `serve`."""

    process: subprocess.Popen[str]
    port: int

    def request(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=300)
        connection.request(method, path, body, {"Content-Type": "application/jsonlines"})
        response = connection.getresponse()
        answer = response.status, response.read()
        connection.close()
        return answer

    def predict(self, records: list[Any]) -> list[dict[str, Any]]:
        status, answer = self.request("POST", "/invocations", "\n".join(map(json.dumps, records)).encode())
        assert status == 200, answer
        return [json.loads(line) for line in answer.splitlines()]

    def is_ready(self) -> bool:
        try:
            return self.request("GET", "/ping")[0] == 200
        except OSError:
            return False


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def start(model: Path, root: Path, **environment: str) -> Server:
    """Serves a copy of a model folder from another tree, where nothing else of the training is."""
    shutil.copytree(model, root / "model")
    port = free_port()
    address = {"ML_ROOT": str(root), "BIND_HOST": "127.0.0.1", "SAGEMAKER_BIND_TO_PORT": str(port)}
    process = subprocess.Popen(
        [sys.executable, MODEL_CONTAINER / "serve"],
        env={**os.environ, **address, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    server = Server(process, port)
    deadline = time.monotonic() + 300
    while not server.is_ready():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return server


def train_here(job: Job) -> Classifier:
    """Trains in this process; SIGTERM keeps its handler."""
    handler = signal.getsignal(signal.SIGTERM)
    try:
        return train(MlTree(job.root), StopOrder())
    finally:
        signal.signal(signal.SIGTERM, handler)


def answered(connection: socket.socket) -> bytes:
    """What a server that has ended had answered."""
    with contextlib.suppress(ConnectionResetError):
        return connection.recv(100)
    return b""


def by_class(answers: list[dict[str, Any]]) -> np.ndarray[Any, Any]:
    """Returns probabilities of shape (records, classes) in the order of the classes."""
    indices = [[int(name.removeprefix("__label__")) for name in answer["label"]] for answer in answers]
    rows = np.array([answer["prob"] for answer in answers])
    return np.take_along_axis(rows, np.argsort(indices, axis=1), axis=1)


def sha_of(encoder: Path) -> str:
    return hashlib.sha256((encoder / "model.safetensors").read_bytes()).hexdigest()


def out_of_fold(job: Job) -> list[dict[str, Any]]:
    content = (job.root / "output/data/out_of_fold.jsonl").read_bytes()
    return [json.loads(line) for line in content.splitlines()]


@pytest.fixture(scope="module")
def job(make_job: MakeJob) -> Job:
    return make_job(num_classes=4).add_channel("train", TRAIN).add_channel("validation", HELD_OUT)


@pytest.fixture(scope="module")
def classifier(job: Job) -> Classifier:
    return train_here(job)


@pytest.fixture(scope="module")
def server(job: Job, classifier: Classifier, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = start(job.model, tmp_path_factory.mktemp("elsewhere"))
    yield server
    server.process.send_signal(signal.SIGTERM)
    output, errors = server.process.communicate(timeout=300)
    assert server.process.returncode == 0
    assert output.startswith("Serving on 127.0.0.1:")
    assert (output.count("\n"), errors) == (1, ""), "neither TensorFlow nor a client that hung up says a word"


def test_served_predictions_are_those_of_the_model_where_it_was_trained(
    server: Server, classifier: Classifier
) -> None:
    texts = [record["source"] for record in HELD_OUT]
    texts += ["", "bank" * 50_000, "a\u2028b", "\ud800", "\u200b", "ＢＡＮＫ", "unheard-of", "\x00"]
    texts = [text for text in texts if text]
    served = by_class(server.predict([{"source": text} for text in texts]))
    assert np.abs(served - classifier.probabilities(texts)).max() < 1e-6


def test_texts_of_every_script_are_told_apart(server: Server) -> None:
    answers = server.predict([{"source": word} for topic in TOPICS for word in topic])
    best = [answer["label"][0] for answer in answers]
    assert best == [f"__label__{label}" for label, topic in enumerate(TOPICS) for _ in topic]


def test_probabilities_are_no_surer_than_they_are_right(classifier: Classifier) -> None:
    # So many that it is not luck: the accuracy of 200 is off by 0.05 one time in twenty.
    records = make_records(2_000, seed=2)
    probabilities = classifier.probabilities([record["source"] for record in records])
    labels = [record["category"] for record in records]
    accuracy = float(np.mean(probabilities.argmax(axis=1) == labels))
    assert 0.75 < accuracy < 0.95, "one in five cannot be known, and a third of those is guessed"
    assert probabilities.max(axis=1).mean() < accuracy + 0.05
    assert np.allclose(probabilities.sum(axis=1), 1)
    assert probabilities[:, 3].max() < 0.2, "the class without an example"


def test_like_texts_have_like_embeddings(server: Server) -> None:
    answers = server.predict([{"source": text} for text in ("new stocks", "bank stocks today", "映画")])
    one, like, unlike = (np.array(answer["embedding"]) for answer in answers)
    assert one.shape == (32,)
    assert np.linalg.norm(one - like) < np.linalg.norm(one - unlike)


def test_nets_disagree_on_what_the_model_does_not_know(server: Server) -> None:
    known = server.predict([{"source": word} for topic in TOPICS for word in topic])
    unknown = server.predict([{"source": word} for word in COMMON])
    assert np.mean([answer["disagreement"] for answer in known]) >= 0
    assert np.mean([answer["disagreement"] for answer in known]) < np.mean(
        [answer["disagreement"] for answer in unknown]
    )


def test_each_example_is_predicted_by_a_net_that_had_not_seen_it(job: Job, classifier: Classifier) -> None:
    answers = out_of_fold(job)
    assert [answer["labelloop-id"] for answer in answers] == [record["labelloop-id"] for record in TRAIN]
    labels = np.array([record["category"] for record in TRAIN])
    seen = classifier.probabilities([record["source"] for record in TRAIN]).argmax(axis=1)
    accuracy = np.mean(by_class(answers).argmax(axis=1) == labels)
    assert 0.75 < accuracy < 0.95, "one in five cannot be known, and a third of those is guessed"
    assert accuracy < np.mean(seen == labels)


def test_ping_is_answered_while_a_long_prediction_runs(server: Server) -> None:
    body = b"\n".join(b'{"source": "word %d"}' % number for number in range(50_000))
    answers: list[tuple[int, bytes]] = []
    prediction = threading.Thread(target=lambda: answers.append(server.request("POST", "/invocations", body)))
    prediction.start()
    pings = 0
    while prediction.is_alive():
        assert server.is_ready()
        pings += 1
    assert answers[0][0] == 200
    assert pings > 10, "none waits for the prediction"


def test_a_client_that_hangs_up_takes_nobody_with_it(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(HEAD % 1_000 + b'{"source": "ba')
    assert server.predict([{"source": "bank"}])[0]["label"][0] == "__label__0"


def test_a_body_over_the_limit_is_refused_in_so_many_words(server: Server) -> None:
    status, answer = server.request("POST", "/invocations", b" " * (30 * 1024 * 1024))
    assert (status, json.loads(answer)) == (
        413,
        {"error": "The body is larger than 6 MB: send fewer records."},
    )


def test_sigterm_ends_serving_at_once_though_a_prediction_runs(
    job: Job, classifier: Classifier, tmp_path: Path
) -> None:
    server = start(job.model, tmp_path)
    body = b'{"source":"a"}\n' * 400_000  # more than ten seconds of work
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(HEAD % len(body) + body)
        time.sleep(0.5)
        server.process.send_signal(signal.SIGTERM)
        server.process.communicate(timeout=300)
        assert b"200" not in answered(connection), "the prediction was not waited for"
    assert server.process.returncode == 0


def test_labels_as_strings_and_as_numbers_train_the_same_model(
    make_job: MakeJob, classifier: Classifier
) -> None:
    strings = [{**record, "category": str(record["category"])} for record in TRAIN]
    other = train_here(make_job(num_classes=4).add_channel("train", strings))
    texts = [record["source"] for record in HELD_OUT]
    assert np.array_equal(other.probabilities(texts), classifier.probabilities(texts))


@pytest.mark.parametrize("validation", [None, [], [[]], [["\n"]]])
def test_training_needs_no_validation_record(make_job: MakeJob, validation: list[Any] | None) -> None:
    job = make_job(num_classes=3).add_channel("train", TRAIN[:20])
    if validation is not None:
        job.add_channel("validation", *validation)
    train_here(job)
    assert load_classifier(job.model).contract.num_classes == 3


def test_one_class_alone_is_learned_and_the_others_stay_possible(make_job: MakeJob) -> None:
    alone = [{**record, "category": 1} for record in TRAIN[:30]]
    probabilities = train_here(make_job(num_classes=3).add_channel("train", alone)).probabilities(["bank"])
    assert probabilities.argmax() == 1
    assert probabilities.min() > 0


def test_a_single_record_of_one_symbol_trains_a_model(make_job: MakeJob) -> None:
    job = make_job().add_channel("train", [{"source": "💊", "category": 1}])
    assert train_here(job).probabilities(["💊", "x"]).shape == (2, 2)
    assert out_of_fold(job) == [{"label": ["__label__0", "__label__1"], "prob": [0.5, 0.5]}]


def test_two_records_train_a_model(make_job: MakeJob) -> None:
    job = make_job().add_channel(
        "train", [{"source": "film", "category": 1}, {"source": "bank", "category": 0}]
    )
    assert train_here(job).probabilities(["film", "bank"]).argmax(axis=1).tolist() == [1, 0]
    assert len(out_of_fold(job)) == 2


def test_many_classes_are_told_apart_from_few_examples(make_job: MakeJob) -> None:
    records = [{"source": f"about topic{n % 300}x", "category": n % 300} for n in range(1_800)]
    classifier = train_here(make_job(num_classes=300).add_channel("train", records))
    best = classifier.probabilities([f"topic{n}x" for n in range(300)]).argmax(axis=1)
    assert np.mean(best == np.arange(300)) > 0.9


def test_twenty_classes_of_unlike_size_are_told_apart(make_job: MakeJob) -> None:
    records = [
        {"source": f"a note on topic{n} today", "category": n} for n in range(20) for _ in range(n + 2)
    ]
    classifier = train_here(make_job(num_classes=20).add_channel("train", records))
    best = classifier.probabilities([f"topic{n}" for n in range(20)]).argmax(axis=1)
    assert np.mean(best == np.arange(20)) > 0.9


def test_a_pool_without_labels_teaches_which_words_go_together(make_job: MakeJob) -> None:
    # Only the pool tells that `zorb` is said with `bank`, and `quix` with `film`: no language knows them.
    train = [{"source": word, "category": n} for n, word in enumerate(["bank", "film"])] * 10
    pool = [{"source": text} for n in range(50) for text in (f"zorb bank {n}", f"quix film {n}", "broken")]

    def right(job: Job) -> np.ndarray[Any, Any]:
        return train_here(job).probabilities(["zorb", "quix"])[[0, 1], [0, 1]]

    alone = right(make_job().add_channel("train", train))
    with_pool = right(make_job().add_channel("train", train).add_channel("pool", pool, ["not JSON"]))
    # Both are told right, though token vectors of their pieces, by chance, lean to one class.
    assert with_pool.min() > 0.5
    assert (with_pool - alone).min() > 0.05


def test_labels_that_are_most_likely_wrong_are_left_out_and_told(
    make_job: MakeJob, caplog: pytest.LogCaptureFixture
) -> None:
    records = [{"source": f"{TOPICS[n % 3][n // 3 % 3]} {n}", "category": n % 3} for n in range(300)]
    records = [{**record, "category": (n + (n % 10 == 0)) % 3} for n, record in enumerate(records)]
    texts = [word for topic in TOPICS for word in topic[:3]]
    labels = np.repeat([0, 1, 2], 3)

    def right(prune: bool) -> float:
        job = make_job(num_classes=3, prune_label_errors=prune).add_channel("train", records)
        return float(train_here(job).probabilities(texts)[np.arange(9), labels].mean())

    with caplog.at_level("INFO"):
        with_all = right(prune=False)
        assert "look wrong" not in caplog.text
        assert right(prune=True) > with_all
    (line,) = [line for line in caplog.messages if "look wrong" in line]
    assert 10 <= int(line.removeprefix("Labels that look wrong: ").split()[0]) <= 30


def test_what_lies_near_in_the_pool_is_taken_in_and_served(
    make_job: MakeJob, caplog: pytest.LogCaptureFixture
) -> None:
    records = [{"source": f"{TOPICS[n % 3][n // 3 % 3]} {n}", "category": n % 3} for n in range(300)]

    def trained(smooth: bool) -> Job:
        job = make_job(num_classes=3, smooth_over_neighbors=smooth, epochs=2)
        train_here(job.add_channel("train", records[:60]).add_channel("pool", records[60:]))
        return job

    with caplog.at_level("INFO"):
        job, without = trained(smooth=True), trained(smooth=False)
    (line,) = [line for line in caplog.messages if "neighbors' share" in line]
    assert "300 references" in line
    texts = [str(record["source"]) for record in records[60:]]
    loaded, alone = (load_classifier(one.model) for one in (job, without))
    assert not np.array_equal(loaded.probabilities(texts), alone.probabilities(texts))
    # What the nets themselves say differs too: they see a text beside its neighbors.
    assert not np.array_equal(loaded.predict(texts).disagreement, alone.predict(texts).disagreement)
    assert out_of_fold(job) != out_of_fold(without)


def test_predictions_need_no_embedding(make_job: MakeJob) -> None:
    job = make_job(num_classes=3, embedding_size=0, max_components=0).add_channel("train", TRAIN[:20])
    assert train_here(job).predict(["bank", "film"]).embedding.shape == (2, 0)


def test_a_model_is_served_with_the_encoder_it_was_trained_with_alone(
    make_job: MakeJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder, other = (make_tiny_bert(tmp_path / name, seed) for seed, name in enumerate(["one", "other"]))
    monkeypatch.setenv("SENTENCE_ENCODER", str(encoder))
    monkeypatch.setenv("ENCODING_CACHE", str(tmp_path / "cache"))
    job = make_job(num_classes=3).add_channel("train", TRAIN[:100])
    texts = [record["source"] for record in HELD_OUT]
    classifier = train_here(job)
    expected = classifier.probabilities(texts)
    server = start(job.model, tmp_path / "served", ENCODING_CACHE="")
    try:
        served = by_class(server.predict([{"source": text} for text in texts]))
    finally:
        server.process.kill()
        server.process.communicate()
    # What the encoder gives is rounded to 16 bits, and in another batch rarely to the next number.
    assert np.abs(served - expected).max() < 1e-3
    refused = job.run("serve", SENTENCE_ENCODER=str(other)).stderr
    assert refused.startswith(
        f"The model was trained with the sentence encoder of SHA-256 {sha_of(encoder)}, but"
    )
    assert f"here is the sentence encoder of SHA-256 {sha_of(other)}: set SENTENCE_ENCODER" in refused
    refused = job.run("serve", SENTENCE_ENCODER="none").stderr
    assert "but here is no sentence encoder: set SENTENCE_ENCODER to its folder, or train" in refused
    assert refused.count("\n") == 1


def test_a_model_without_an_encoder_is_not_served_with_one(
    job: Job, classifier: Classifier, tmp_path: Path
) -> None:
    refused = job.run("serve", SENTENCE_ENCODER=str(make_tiny_bert(tmp_path))).stderr
    assert refused.startswith(
        "The model was trained with no sentence encoder, but here is the sentence encoder"
    )
    assert "set SENTENCE_ENCODER to none, or train the model again." in refused


def test_a_model_is_not_served_with_other_token_vectors(
    job: Job, classifier: Classifier, tmp_path: Path
) -> None:
    shutil.copytree(job.model, tmp_path / "model")
    contract = json.loads((job.model / "contract.json").read_bytes())
    pretrained = {**contract["pretrained"], "token vectors": "0" * 64}
    (tmp_path / "model/contract.json").write_text(json.dumps({**contract, "pretrained": pretrained}))
    with pytest.raises(ContractError, match="other token vectors than those of the package wordllama"):
        load_classifier(tmp_path / "model")


def test_the_model_does_not_depend_on_the_folder_that_another_run_left(
    make_job: MakeJob, classifier: Classifier
) -> None:
    job = make_job().add_channel("train", [{"source": "a", "category": 0}])
    train_here(job)
    job.configure(num_classes=4, label_attribute="category").add_channel("train", TRAIN)
    train_here(job)
    texts = [record["source"] for record in HELD_OUT]
    assert np.array_equal(load_classifier(job.model).probabilities(texts), classifier.probabilities(texts))


def test_a_folder_without_a_model_is_told_as_such(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="There is no model to serve"):
        load_classifier(tmp_path)


@pytest.mark.parametrize("content", ["{", "{}", '{"format": 9}', "[]", '{"format": 4, "classes": 2}'])
def test_a_contract_that_cannot_be_served_is_told_as_such(tmp_path: Path, content: str) -> None:
    (tmp_path / "contract.json").write_text(content)
    with pytest.raises(ContractError, match="train the model again"):
        load_classifier(tmp_path)


@pytest.mark.parametrize(
    "file",
    [
        "dense.keras",
        "tokens.keras",
        "vocabulary.json",
        "components.safetensors",
        "axes.safetensors",
        "references.safetensors",
        "smoothing.safetensors",
        "nearest_examples.safetensors",
    ],
)
def test_a_damaged_model_is_told_as_such(job: Job, classifier: Classifier, tmp_path: Path, file: str) -> None:
    from classifier.model import ModelError

    shutil.copytree(job.model, tmp_path / "model")
    (tmp_path / "model" / file).write_bytes(b"damaged")
    with pytest.raises(ModelError, match="train it again"):
        load_classifier(tmp_path / "model")


def with_prior_labels(records: list[dict[str, Any]], right: float, seed: int) -> list[dict[str, Any]]:
    """Adds what a source says, which is right this often and sure where it is right."""
    rng = random.Random(seed)
    said = []
    for record in records:
        is_right = rng.random() < right
        label = record["category"] if is_right else (record["category"] + rng.choice([1, 2])) % 3
        sure = rng.choice([0.7, 0.9, 1.0] if is_right else [0.5, 0.7, 0.9])
        said.append({**record, "gpt": label, "gpt-metadata": {"confidence": sure}})
    return said


def wrong(server: Server, records: list[dict[str, Any]]) -> float:
    answers = server.predict(
        [{key: record[key] for key in record if key != "category"} for record in records]
    )
    labels = [record["category"] for record in records]
    return float(np.mean(by_class(answers).argmax(axis=1) != labels))


def test_prior_labels_are_believed_in_serving_as_in_training(make_job: MakeJob, tmp_path: Path) -> None:
    records = with_prior_labels([*TRAIN[:150], *HELD_OUT], 0.9, seed=0)
    train_records, asked = records[:150], records[150:]
    job = make_job(num_classes=4, prior_labels='["gpt"]').add_channel("train", train_records)
    job.add_channel("pool", [{**record, "category": None} for record in asked])
    classifier = train_here(job)
    accuracy = np.mean(
        by_class(out_of_fold(job)).argmax(axis=1) == [record["category"] for record in train_records]
    )
    server = start(job.model, tmp_path)
    try:
        without = [{"source": record["source"], "category": record["category"]} for record in asked]
        assert wrong(server, asked) < 0.1 < wrong(server, without)
        assert accuracy > 0.85
        priors = PriorLabels.of(
            [[(record["gpt"], record["gpt-metadata"]["confidence"])] for record in asked], 1
        )
        here = classifier.probabilities([record["source"] for record in asked], priors)
        assert np.abs(by_class(server.predict(asked)) - here).max() < 1e-6
        # An answer depends on no other record.
        assert np.abs(by_class(server.predict(asked[7:8])) - here[7]).max() < 1e-5
        bad, good = server.predict([{**asked[0], "gpt": 9}, asked[1]])
        assert "the prior label under 'gpt' is 9" in bad["error"]
        assert "label" in good
    finally:
        server.process.kill()
        server.process.communicate(timeout=300)


def test_prior_labels_nobody_named_or_that_say_nothing_change_no_prediction(
    make_job: MakeJob, classifier: Classifier
) -> None:
    records = with_prior_labels(TRAIN, 1 / 3, seed=1)
    for record in records:
        record["gpt-metadata"] = {"confidence": 0.9}
    texts = [record["source"] for record in HELD_OUT]
    before = classifier.probabilities(texts)
    unnamed = train_here(make_job(num_classes=4).add_channel("train", records))
    assert np.array_equal(unnamed.probabilities(texts), before)
    job = make_job(num_classes=4, prior_labels='["gpt"]').add_channel("train", records)
    named = train_here(job)
    priors = PriorLabels.of([[(1, 0.9)] for _ in texts], 1)
    assert np.array_equal(named.probabilities(texts, priors), before)
    assert not (job.model / "stacking.safetensors").exists()
