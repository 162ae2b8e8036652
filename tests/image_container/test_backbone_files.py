"""Weights are read without PyTorch and without running what a pickle says; what is damaged is told."""

import json
import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from image_classifier.backbone import Backbone, BackboneError
from image_classifier.backbone_files import FetchError, fetch, main
from image_classifier.efficientnet_tensors import number_of_features
from image_classifier.torch_weights import WeightsError, read_tensors

from tests.image_container.tiny_backbone import make_tiny_backbone, tiny_tensors, write_tensors


def test_tensors_come_back_as_they_were_written(tmp_path: Path) -> None:
    tensors = tiny_tensors()
    # PyTorch keeps some of them in another order than that of their axes.
    tensors["turned"] = np.arange(6, dtype=np.float32).reshape(2, 3).T
    written = {name: np.ascontiguousarray(content) for name, content in tensors.items()}
    write_tensors(tmp_path / "weights.pth", written)
    found = read_tensors(tmp_path / "weights.pth")
    assert found.keys() == tensors.keys()
    assert all(np.array_equal(found[name], tensors[name]) for name in tensors)


class Harmful:
    def __reduce__(self) -> Any:
        return os.system, ("touch harmed",)


@pytest.mark.parametrize("place", [0, 3])
def test_a_pickle_that_runs_code_is_refused(
    tmp_path: Path, place: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    parts: list[Any] = [0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}, {}]
    parts[place] = Harmful()
    Path("weights.pth").write_bytes(b"".join(pickle.dumps(part, protocol=2) for part in parts))
    with pytest.raises(WeightsError, match="which no tensor needs"):
        read_tensors(Path("weights.pth"))
    assert not Path("harmed").exists()


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.999])
def test_a_file_that_is_cut_off_is_told(tmp_path: Path, share: float) -> None:
    file = make_tiny_backbone(tmp_path) / "weights.pth"
    file.write_bytes(file.read_bytes()[: int(share * file.stat().st_size)])
    with pytest.raises(WeightsError, match="fetch them again"):
        read_tensors(file)


def test_a_folder_is_fetched_checked_and_left_alone_when_it_is_another(tmp_path: Path) -> None:
    source, destination = make_tiny_backbone(tmp_path / "given"), tmp_path / "there"
    assert main([str(source), str(destination)]) == 0
    backbone = Backbone(destination)
    assert backbone.size == 2 * number_of_features(tiny_tensors())
    with pytest.raises(FetchError, match="has the SHA-256"):
        fetch(str(make_tiny_backbone(tmp_path / "other", seed=1)), destination, backbone.identity)
    assert Backbone(destination).identity == backbone.identity
    assert main(["none", str(destination)]) == 0
    assert list(destination.iterdir()) == []


def test_a_source_that_is_not_there_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "nowhere"), str(tmp_path / "there")]) == 1
    assert "give 'none'" in capsys.readouterr().err


@pytest.mark.parametrize(
    "config",
    [{}, {"resolutions": []}, {"resolutions": [16]}, {"resolutions": "many"}, {"resolutions": [4096]}],
)
def test_a_folder_that_cannot_be_used_is_told(tmp_path: Path, config: dict[str, Any]) -> None:
    folder = make_tiny_backbone(tmp_path)
    (folder / "backbone.json").write_text(json.dumps(config))
    with pytest.raises(BackboneError, match="cannot be used"):
        Backbone(folder)


def test_weights_of_another_network_are_told(tmp_path: Path) -> None:
    folder = make_tiny_backbone(tmp_path)
    tensors = tiny_tensors()
    del tensors["_conv_head.weight"]
    write_tensors(folder / "weights.pth", tensors)
    with pytest.raises(BackboneError, match="EfficientNet-Lite"):
        Backbone(folder)


def test_without_a_word_there_is_no_backbone_and_a_word_names_it(tmp_path: Path) -> None:
    assert Backbone.of_environment({"IMAGE_BACKBONE": "none"}) is None
    found = Backbone.of_environment({"IMAGE_BACKBONE": str(make_tiny_backbone(tmp_path))})
    assert found is not None
    assert found.side == 48
