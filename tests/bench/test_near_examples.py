"""What bench.near_examples compares: a model's answers by its examples, and a vote without one."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("sklearn")
from bench.datasets import Texts
from bench.near_examples import CLASSES, MOST_LABELED, Measured, Server, neighbors, vote
from labelloop.foundation_model.answer_cache import AnswerCache
from labelloop.foundation_model.examples import Examples
from labelloop.foundation_model.server_address import ServerAddress
from tests.foundation_model.stand_in import StandIn

OTHER_LETTERS = str.maketrans("flubaFLUBA", "qrstvqrstv")
BUSINESS, ENTERTAINMENT, HEALTH, _ = CLASSES
LABELED = [
    ("fed rates", BUSINESS),
    ("fed meets", BUSINESS),
    ("flu jab", HEALTH),
    ("opera flu", ENTERTAINMENT),
]


def test_the_vote_is_that_of_the_near_ones_and_of_equals_the_nearest_s() -> None:
    texts = [("fed rates meeting", BUSINESS), ("flu jab rumors", HEALTH), ("zzz", HEALTH)]
    assert vote(texts, LABELED, 2).wrong == [False, False, True]
    assert vote([("flu jab rumors", ENTERTAINMENT)], LABELED, 2).wrong == [True]


def test_a_model_is_asked_about_each_text_with_its_examples(tmp_path: Path) -> None:
    truth = {"fed rates again": BUSINESS, "flu jab again": HEALTH}
    with StandIn(truth).serving() as stand_in, AnswerCache.open(tmp_path / "kept.sqlite") as cache:
        server = Server(ServerAddress.parse(stand_in.url), "tiny", cache)
        measured = server.measure(
            [("fed rates again", BUSINESS), ("flu jab again", BUSINESS)],
            Examples(LABELED, CLASSES, 0, 0, near=1),
        )
        assert measured.wrong == [False, True]
        assert measured.tokens_in > 0
        assert ['"fed rates"' in chat.system for chat in stand_in.chats] == [True, False]
        assert ['"flu jab"' in chat.system for chat in stand_in.chats] == [False, True]


def test_a_row_has_the_standard_error_of_the_share() -> None:
    row = Measured([True] * 50 + [False] * 50, 12.4, 0.5).row("some")
    assert row == ("some", "50.0 % ± 5.0", "12", "0.50")


def test_near_ones_of_one_class_are_told_from_a_random_draw() -> None:
    words = [
        f"{'flu' * (number % 50 + 1)} {'ba' * (number // 50 + 1)}" for number in range(MOST_LABELED + 50)
    ]
    labels = np.arange(len(words)) % 2
    # Nothing that a text of one class says is said by one of the other.
    texts = [
        word if label else word.translate(OTHER_LETTERS) for word, label in zip(words, labels, strict=True)
    ]
    found = neighbors(Texts("made", "", texts, labels), 200)
    assert found == ("made", "200", "100.0 %", "100.0 %", "100.0 %", "50.0 %")
