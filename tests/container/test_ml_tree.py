"""The tree is found through ML_ROOT, and its channels through inputdataconfig.json."""

from pathlib import Path

import pytest
from classifier.failures import LONGEST_SENTENCE, write_failure
from classifier.ml_tree import ChannelError, ConfigurationError, MlTree

from tests.container.conftest import MakeJob


def test_the_tree_is_where_sagemaker_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ML_ROOT", raising=False)
    assert MlTree.of_environment().model == Path("/opt/ml/model")


def test_one_variable_moves_the_whole_tree(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ML_ROOT", str(tmp_path))
    tree = MlTree.of_environment()
    assert (tree.model, tree.failure) == (tmp_path / "model", tmp_path / "output/failure")


def test_a_channel_has_all_its_files_those_of_folders_too(make_job: MakeJob) -> None:
    job = make_job().add_channel("train", ["b"], ["a"])
    nested = job.root / "input/data/train/nested/more.manifest"
    nested.parent.mkdir()
    nested.write_text("c\n")
    files = MlTree(job.root).channel_files("train")
    assert [file.name for file in files] == ["more.manifest", "part-0.manifest", "part-1.manifest"]


def test_a_folder_that_is_no_channel_of_the_job_is_not_read(make_job: MakeJob) -> None:
    job = make_job().add_channel("train", ["a"])
    stray = job.root / "input/data/validation/stray.manifest"
    stray.parent.mkdir()
    stray.write_text("b\n")
    assert MlTree(job.root).channel_files("validation") == []


def test_an_empty_channel_has_no_files(make_job: MakeJob) -> None:
    assert MlTree(make_job().add_channel("validation").root).channel_files("validation") == []


def test_a_channel_in_pipe_mode_is_refused_with_its_name(make_job: MakeJob) -> None:
    job = make_job().add_channel("train", ["a"], mode="Pipe")
    with pytest.raises(ChannelError, match="'train' is in Pipe mode"):
        MlTree(job.root).channel_files("train")


@pytest.mark.parametrize("content", ["{", "[]", "\udcff"])
def test_an_unreadable_configuration_is_refused_with_its_path(make_job: MakeJob, content: str) -> None:
    job = make_job()
    file = job.root / "input/config/hyperparameters.json"
    file.write_bytes(content.encode(errors="surrogateescape"))
    with pytest.raises(ConfigurationError, match=r"hyperparameters\.json"):
        MlTree(job.root).hyperparameters()


def test_a_failure_is_one_sentence_of_at_most_what_sagemaker_shows_then_the_detail(tmp_path: Path) -> None:
    file = tmp_path / "output" / "failure"
    write_failure(file, "long " * 1_000, "Traceback")
    sentence, empty, detail = file.read_text(encoding="utf-8").split("\n")
    assert (len(sentence), empty, detail) == (LONGEST_SENTENCE, "", "Traceback")
