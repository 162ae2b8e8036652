"""The sentence encoder: its numbers against a reference, which one is taken, and what it refuses."""

from pathlib import Path

import numpy as np
import pytest
from text_classifier.encoder import EncoderError, SentenceEncoder
from text_classifier.encoder_files import PINNED_SHA256

from tests.container.tiny_bert import WORDS, make_tiny_bert, make_weights, mean_vector

# Where `make encoder` puts it.
REAL = Path(__file__).parents[2] / ".encoder"

TEXTS = [
    "the bank",
    "film",
    "stocks of the market of the bank",
    "THE Film!",
    "virus",
    "",
    "\ud800",
    "x" * 500,
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_bert(tmp_path_factory.mktemp("encoder"))


def expected(words: list[str]) -> np.ndarray:
    ids = [WORDS.index(word) for word in ["[CLS]", *words, "[SEP]"]]
    vector = mean_vector(make_weights(0), ids)
    return vector / np.linalg.norm(vector)


@pytest.mark.slow
def test_vectors_are_those_of_the_reference_whatever_stands_beside_a_text(folder: Path) -> None:
    vectors = SentenceEncoder(folder).vectors(TEXTS)
    tokens = [
        ["the", "bank"],
        ["film"],
        ["stocks", "of", "the", "market", "of", "the", "bank"],
        ["the", "film", "[UNK]"],
        ["virus"],
        [],
        ["[UNK]"],
        ["[UNK]"],
    ]
    # Vectors have 16 bits: 11 of them are the digits.
    assert np.abs(vectors - [expected(words) for words in tokens]).max() < 2**-11


@pytest.mark.slow
def test_a_text_longer_than_the_encoder_reads_is_cut(folder: Path) -> None:
    long, cut = SentenceEncoder(folder).vectors(["bank " * 100, "bank " * 10])
    assert np.abs(long - cut).max() < 2**-10


@pytest.mark.slow
def test_weights_may_be_named_as_those_of_a_model_with_a_head(folder: Path, tmp_path: Path) -> None:
    other = make_tiny_bert(tmp_path / "other", prefix="bert.")
    assert np.array_equal(SentenceEncoder(other).vectors(TEXTS), SentenceEncoder(folder).vectors(TEXTS))


@pytest.mark.slow
def test_a_filled_cache_gives_the_same_vectors_without_the_weights(tmp_path: Path) -> None:
    folder = make_tiny_bert(tmp_path / "encoder")
    fresh = SentenceEncoder(folder, tmp_path / "cache").vectors(TEXTS)
    cached = SentenceEncoder(folder, tmp_path / "cache")
    for name in ("model.safetensors", "tokenizer.json"):
        (folder / name).unlink()
    assert np.array_equal(cached.vectors(TEXTS[::-1]), fresh[::-1])


@pytest.mark.slow
def test_encoders_do_not_share_their_vectors(folder: Path, tmp_path: Path) -> None:
    first = SentenceEncoder(folder, tmp_path).vectors(["bank"])
    second = SentenceEncoder(make_tiny_bert(tmp_path / "other", seed=1), tmp_path).vectors(["bank"])
    assert np.abs(first - second).max() > 0.01


@pytest.mark.slow
@pytest.mark.parametrize(("name", "content"), [("model.safetensors", b"damaged"), ("tokenizer.json", b"{}")])
def test_a_damaged_file_is_told_as_such(tmp_path: Path, name: str, content: bytes) -> None:
    folder = make_tiny_bert(tmp_path)
    (folder / name).write_bytes(content)
    with pytest.raises(EncoderError, match=r"cannot be used .*Fetch it again with fetch_encoder"):
        SentenceEncoder(folder).vectors(["bank"])


def test_no_texts_give_no_vectors(folder: Path) -> None:
    assert SentenceEncoder(folder).vectors([]).shape == (0, 16)


def test_the_environment_names_the_encoder(folder: Path) -> None:
    found = SentenceEncoder.of_environment({"SENTENCE_ENCODER": str(folder)})
    assert found is not None
    assert found.identity == SentenceEncoder(folder).identity


def test_without_a_word_it_is_the_images_own_when_that_is_there(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("text_classifier.encoder._OF_THE_IMAGE", folder)
    assert SentenceEncoder.of_environment({}) is not None
    assert SentenceEncoder.of_environment({"SENTENCE_ENCODER": "none"}) is None
    monkeypatch.setattr("text_classifier.encoder._OF_THE_IMAGE", tmp_path)
    assert SentenceEncoder.of_environment({"SENTENCE_ENCODER": ""}) is None


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.safetensors"])
def test_a_folder_without_one_of_the_files_is_refused_with_its_name(tmp_path: Path, name: str) -> None:
    (make_tiny_bert(tmp_path) / name).unlink()
    with pytest.raises(EncoderError, match=f"lacks {name}: fetch it with fetch_encoder"):
        SentenceEncoder.of_environment({"SENTENCE_ENCODER": str(tmp_path)})


@pytest.mark.parametrize("config", ["{", "[]", '{"model_type": "bert"}', '{"model_type": "roberta"}'])
def test_a_configuration_of_another_kind_is_refused(tmp_path: Path, config: str) -> None:
    (make_tiny_bert(tmp_path) / "config.json").write_text(config)
    with pytest.raises(EncoderError, match="it must be a BERT"):
        SentenceEncoder(tmp_path)


@pytest.mark.slow
@pytest.mark.skipif(not REAL.is_dir(), reason="no .encoder: make encoder fetches it")
def test_the_real_encoder_knows_what_is_meant() -> None:
    encoder = SentenceEncoder(REAL)
    assert encoder.identity == PINNED_SHA256
    cat, kitten, rates = encoder.vectors(["A cat sleeps.", "The kitten is asleep.", "Interest rates rise."])
    # As sentence-transformers gives them.
    assert cat @ kitten > 0.6
    assert cat @ rates < 0.2
