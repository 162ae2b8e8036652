"""From a folder of images, or a table that names them, to the input of a run."""

import io
import json
import os
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from labelloop.preparation import PreparationError, PreparationOptions, TableFormat, prepare_images
from labelloop.workflow.request import parse_request

RED, BLUE, GREEN = "red", "blue", "green"


def picture(color: str, size: tuple[int, int] = (8, 6), kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, color).save(file, kind)
    return file.getvalue()


def write(folder: Path, **files: bytes) -> Path:
    for name, content in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return folder


def size_of(file: Path) -> tuple[int, int]:
    with Image.open(file) as image:
        return image.size


def options(**given: Any) -> PreparationOptions:
    return PreparationOptions(label_attribute="kind", **given)


def lines(out: Path) -> list[dict[str, Any]]:
    manifest = out / "s3/labelloop-local/input/input.manifest"
    return [json.loads(line) for line in manifest.read_bytes().splitlines()]


def test_class_folders_are_labels_and_what_is_beside_them_has_none(tmp_path: Path) -> None:
    files = {
        "cat/a b.png": picture(RED),
        "cat/deep/c.PNG": picture(BLUE),
        "dog/d.png": picture(GREEN),
        "loose.png": picture("black"),
        "unlabeled/e.png": picture("white"),
        "cat/notes.txt": b"notes",
        ".hidden/f.png": picture("gray"),
    }
    out = tmp_path / "out"
    prepared = prepare_images(write(tmp_path / "in", **files), out, options())
    assert (prepared.rows, prepared.labeled, prepared.unknown) == (5, 3, 2)
    found = {line["source-ref"]: line.get("kind") for line in lines(out)}
    prefix = "s3://labelloop-local/input/images/"
    assert found == {
        f"{prefix}cat/a b.png": 0,
        f"{prefix}cat/deep/c.PNG": 0,
        f"{prefix}dog/d.png": 1,
        f"{prefix}loose.png": None,
        f"{prefix}unlabeled/e.png": None,
    }
    for uri in found:
        assert (out / "s3" / uri.removeprefix("s3://")).read_bytes() == files[uri.removeprefix(prefix)]
    assert any("1 .txt" in note for note in prepared.notes)
    request = parse_request(json.loads((out / "request.json").read_text()))
    assert request.active_learning.model.algorithm == "image"
    assert "ImageMultiClass" in (out / "request.json").read_text()


def test_contents_that_repeat_are_told_and_whether_their_labels_differ(tmp_path: Path) -> None:
    same = picture(RED)
    files = {"cat/a.png": same, "cat/b.png": same, "dog/c.png": same, "dog/d.png": picture(BLUE)}
    prepared = prepare_images(write(tmp_path / "in", **files), tmp_path / "out", options())
    notes = " ".join(prepared.notes)
    assert "Images with the content of an earlier one: 2, for example cat/b.png and cat/a.png" in notes
    assert "Contents that come with different labels: 1, for example" in notes


def test_a_flat_folder_needs_its_classes_named(tmp_path: Path) -> None:
    folder = write(tmp_path / "in", **{"a.png": picture(RED), "b.png": picture(BLUE)})
    with pytest.raises(PreparationError, match="--classes"):
        prepare_images(folder, tmp_path / "out", options())
    prepared = prepare_images(folder, tmp_path / "out", options(classes=("cat", "dog")))
    assert (prepared.rows, prepared.unknown) == (2, 2)


@pytest.mark.parametrize(
    ("content", "reason"), [(b"", "empty file"), (b"no image", "no image that can be read")]
)
def test_what_is_no_image_is_refused_by_its_name_or_left_out(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    files = {"cat/a.png": picture(RED), "dog/b.png": picture(BLUE), "dog/bad.jpg": content}
    folder = write(tmp_path / "in", **files)
    with pytest.raises(PreparationError, match=f"written\\.\n  {reason}: dog/bad.jpg\n"):
        prepare_images(folder, tmp_path / "out", options())
    assert not (tmp_path / "out").exists()
    prepared = prepare_images(folder, tmp_path / "out", options(skip_bad_rows=True))
    assert prepared.rows == 2


def test_a_file_name_that_is_not_utf_8_is_told_and_may_be_left_out(tmp_path: Path) -> None:
    folder = write(tmp_path / "in", **{"cat/a.png": picture(RED), "dog/b.png": picture(BLUE)})
    Path(os.fsdecode(os.fsencode(folder) + b"/dog/caf\xe9.png")).write_bytes(picture(BLUE))
    with pytest.raises(PreparationError, match=r"file name that is not UTF-8: 'dog/caf\\udce9\.png'\n"):
        prepare_images(folder, tmp_path / "out", options())
    prepared = prepare_images(folder, tmp_path / "out", options(skip_bad_rows=True))
    assert prepared.rows == 2


def test_a_folder_may_have_a_name_that_is_not_utf_8(tmp_path: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9"))
    write(folder, **{"cat/a.png": picture(RED), "dog/b.png": picture(BLUE)})
    assert prepare_images(folder, tmp_path / "out", options()).rows == 2
    assert "caf\ufffd" in (tmp_path / "out/rows.csv").read_text()


def test_a_table_names_files_and_uris(tmp_path: Path) -> None:
    write(tmp_path / "pictures", **{"a.png": picture(RED)})
    write(tmp_path / "elsewhere", **{"b.png": picture(BLUE)})
    table = tmp_path / "table.csv"
    table.write_text(
        f"id,file,animal\n1,pictures/a.png,cat\n2,{tmp_path}/elsewhere/b.png,dog\n3,s3://others/c.png,\n"
    )
    form = TableFormat(text_column="file", label_column="animal", id_column="id")
    out = tmp_path / "out"
    prepared = prepare_images(table, out, options(), table_format=form)
    assert prepared.rows == 3
    first, second, third = (line["source-ref"] for line in lines(out))
    assert first.endswith("/input/images/pictures/a.png")
    assert third == "s3://others/c.png"
    for uri, content in ((first, picture(RED)), (second, picture(BLUE))):
        assert (out / "s3" / uri.removeprefix("s3://")).read_bytes() == content
    assert "pictures/a.png" in (out / "rows.csv").read_text()


def test_only_the_images_of_a_sample_are_stored_and_large_ones_smaller(tmp_path: Path) -> None:
    files = {
        f"{kind}/{number}.jpg": picture(RED, (300, 200), "JPEG") for kind in ("a", "b") for number in range(9)
    }
    out = tmp_path / "out"
    prepare_images(write(tmp_path / "in", **files), out, options(sample=5), longest_side=100)
    stored = sorted((out / "s3").rglob("*.jpg"))
    assert len(stored) == 5
    assert {size_of(file) for file in stored} == {(100, 67)}
    assert size_of(tmp_path / "in/a/0.jpg") == (300, 200)


def test_a_folder_without_images_is_told(tmp_path: Path) -> None:
    with pytest.raises(PreparationError, match="has no image"):
        prepare_images(write(tmp_path / "in", **{"a.txt": b"x"}), tmp_path / "out", options())
