"""A channel's manifests become texts and labels; what cannot be used is counted, with the first reason."""

from pathlib import Path

import pytest
from text_classifier.examples import read_examples
from text_classifier.hyperparameters import Hyperparameters
from text_classifier.records import LabelError

SETTINGS = Hyperparameters(3, "category", max_characters=5)


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
    assert (examples.texts, examples.labels, examples.unusable) == (["a", "b", "c"], [2, 0, 1], 0)


def test_records_without_text_or_label_are_left_out_and_the_first_is_named(tmp_path: Path) -> None:
    content = b'{"source": "a", "category": 2}\n\n{"category": 1}\nbroken\n{"source": "b"}\n'
    examples = read_examples(write(tmp_path, content), SETTINGS)
    assert examples.texts == ["a"]
    assert examples.unusable == 3
    assert examples.first_problem.startswith("line 3 of part-0: The record has no text")


def test_a_wrong_label_is_refused_with_file_and_line(tmp_path: Path) -> None:
    files = write(tmp_path, b'{"source": "a", "category": 0}\n', b'\n{"source": "a", "category": 3}\n')
    with pytest.raises(LabelError, match=r"^In line 2 of part-1 the label under 'category' is 3"):
        read_examples(files, SETTINGS)


def test_no_more_of_a_text_is_kept_than_the_model_reads(tmp_path: Path) -> None:
    files = write(tmp_path, b'{"source": "abcdefgh", "category": 0}\n')
    assert read_examples(files, SETTINGS).texts == ["abcde"]
