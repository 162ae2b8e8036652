import pytest

from labelloop.core.errors import ManifestError
from labelloop.core.manifest.input_manifest import InputManifest
from labelloop.core.manifest.label_categories import LabelCategories
from labelloop.core.manifest.lines import LabelAttribute, Reads

CLASSES = LabelCategories(("a", "b"))


def read(*lines: bytes) -> tuple[list[bytes], InputManifest]:
    manifest = InputManifest(LabelAttribute("category"), CLASSES)
    return list(manifest.working_lines(lines)), manifest


def test_ids_are_line_numbers_and_blank_lines_are_no_objects() -> None:
    working, manifest = read(b'{"source": "x"}', b"", b"  \r", b'{"source": "y"}\r')
    assert working == [b'{"labelloop-id":0,"source": "x"}', b'{"labelloop-id":1,"source": "y"}']
    assert manifest.ledger().counts().as_dict() == {
        "input": 2, "pool": 2, "validation": 0, "human": 0, "auto": 0, "failed": 0, "ahead": 0,
    }  # fmt: skip


def test_a_byte_order_mark_is_taken_off_the_first_line_only() -> None:
    assert read(b'\xef\xbb\xbf{"source": "x"}')[0] == [b'{"labelloop-id":0,"source": "x"}']
    with pytest.raises(ManifestError, match="line 2"):
        read(b'{"source": "x"}', b'\xef\xbb\xbf{"source": "y"}')


def test_labels_of_people_and_of_models_are_told_apart() -> None:
    _, manifest = read(
        b'{"source":"x","category":1,"category-metadata":{"human-annotated":"yes"}}',
        b'{"source":"y","category":"0","category-metadata":{"human-annotated":"no"}}',
        b'{"source":"z"}',
    )
    ledger = manifest.ledger()
    assert ledger.labels.tolist() == [1, 0, -1]
    counts = ledger.counts()
    assert (counts.human, counts.auto, counts.pool) == (1, 1, 1)


def test_all_problems_are_reported_at_once_the_first_hundred_with_their_lines() -> None:
    lines = [b'{"source": "fine"}', *[b"broken"] * 150]
    with pytest.raises(ManifestError) as error:
        read(*lines)
    message = str(error.value)
    assert "has 150 lines" in message
    assert "line 2: it is not JSON" in message
    assert message.count("it is not JSON") == 100
    assert "... and 50 more" in message
    assert len(message) < 30_000


def test_an_empty_manifest_is_refused() -> None:
    with pytest.raises(ManifestError, match="empty"):
        read()
    with pytest.raises(ManifestError, match="empty"):
        read(b"", b"   ")


def test_where_the_model_reads_text_alone_an_object_elsewhere_is_refused() -> None:
    lines = [b'{"source": "x"}', b'{"source-ref": "s3://bucket/image.png"}']
    manifest = InputManifest(LabelAttribute("category"), CLASSES, reads=Reads("text", "BlazingText"))
    with pytest.raises(ManifestError, match="line 2: it has no text under 'source', and BlazingText"):
        list(manifest.working_lines(lines))
    assert len(read(*lines)[0]) == 2
