"""A channel's manifests become texts and labels; what cannot be used is counted, with the first reason."""

from pathlib import Path

import pytest
from classifier.examples import read_examples, read_unlabeled
from classifier.records import LabelError
from text_classifier.hyperparameters import TextHyperparameters

SETTINGS = TextHyperparameters(3, "category", max_characters=5)


def write(folder: Path, *contents: bytes) -> list[Path]:
    files = [folder / f"part-{number}" for number in range(len(contents))]
    for file, content in zip(files, contents, strict=True):
        file.write_bytes(content)
    return files


def test_all_files_are_read_in_order(tmp_path: Path) -> None:
    files = write(
        tmp_path,
        b'{"source": "a", "category": 2}\n{"source": "b", "category": "0"}',
        b'\xef\xbb\xbf{"source": "c", "category": 1}\r\n',
    )
    examples = read_examples(files, SETTINGS)
    assert (examples.contents, examples.labels, examples.unusable) == (["a", "b", "c"], [2, 0, 1], 0)


def test_the_workflows_ids_are_kept_where_they_are(tmp_path: Path) -> None:
    lines = (
        b'{"labelloop-id": 7, "source": "a", "category": 2}\n'
        b'{"source": "b", "category": 0}\n'
        b'{"labelloop-id": "x", "source": "c", "category": 0}\n'
    )
    assert read_examples(write(tmp_path, lines), SETTINGS).ids == [7, None, None]


def test_records_without_text_or_label_are_left_out_and_the_first_is_named(tmp_path: Path) -> None:
    content = b'{"source": "a", "category": 2}\n\n{"category": 1}\nbroken\n{"source": "b"}\n'
    examples = read_examples(write(tmp_path, content), SETTINGS)
    assert examples.contents == ["a"]
    assert examples.unusable == 3
    assert examples.first_problem.startswith("line 3 of part-0: The record has no text")


def test_a_wrong_label_is_refused_with_file_and_line(tmp_path: Path) -> None:
    files = write(tmp_path, b'{"source": "a", "category": 0}\n', b'\n{"source": "a", "category": 3}\n')
    with pytest.raises(LabelError, match=r"^In line 2 of part-1 the label under 'category' is 3"):
        read_examples(files, SETTINGS)


def test_no_more_of_a_text_is_kept_than_the_model_reads(tmp_path: Path) -> None:
    files = write(tmp_path, b'{"source": "abcdefgh", "category": 0}\n')
    assert read_examples(files, SETTINGS).contents == ["abcde"]


def test_texts_without_labels_are_read_once_each_and_whatever_else_is_passed_over(tmp_path: Path) -> None:
    content = (
        b'{"source": "abcdefgh"}\nbroken\n{"source": "b", "category": "no class"}\n{"source": "b"}\n{}\n'
    )
    assert read_unlabeled(write(tmp_path, content), SETTINGS).contents == ["abcde", "b"]


def test_of_many_texts_each_has_its_chance_and_the_seed_decides(tmp_path: Path) -> None:
    files = write(tmp_path, b"".join(b'{"source": "%d"}\n' % number for number in range(100)))

    def chosen(seed: int) -> list[str]:
        return read_unlabeled(
            files, TextHyperparameters(3, "category", max_pool_texts=10, seed=seed)
        ).contents

    draws = [chosen(seed) for seed in range(200)]
    assert chosen(1) == draws[1]
    assert all(len(set(draw)) == 10 for draw in draws)
    late = sum(int(text) >= 50 for draw in draws for text in draw) / 2_000
    assert 0.45 < late < 0.55
    assert read_unlabeled(files, TextHyperparameters(3, "category", max_pool_texts=0)).contents == []
