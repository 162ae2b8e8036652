"""What is found in a folder is what stands there, under its name."""

import importlib
import pkgutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import labelloop.backends
import labelloop.core.query_strategies
import labelloop.labelers
from labelloop.backends import LABELING_BACKENDS
from labelloop.core.implementations import Implementations, is_class_name, name_fault
from labelloop.core.query_strategies import DEFAULT_QUERY_STRATEGY, QUERY_STRATEGIES, registry
from labelloop.labelers import LABELERS


def test_each_folder_is_listed() -> None:
    assert {"groundtruth", "simulated", "workbench"} <= set(LABELING_BACKENDS.classes)
    assert {"blazingtext", "container"} <= set(LABELERS.classes)
    assert {"margin", "k-center", "badge"} <= set(QUERY_STRATEGIES)


def test_lists_begin_with_the_default() -> None:
    first, *others = QUERY_STRATEGIES
    assert first == DEFAULT_QUERY_STRATEGY
    assert others == sorted(others)


@pytest.mark.parametrize("package", [labelloop.backends, labelloop.labelers], ids=lambda one: one.__name__)
def test_one_module_each(package: Any) -> None:
    modules = {module.name for module in pkgutil.iter_modules(package.__path__)}
    classes = {**LABELING_BACKENDS.classes, **LABELERS.classes}
    of_package = {name for name, found in classes.items() if found.__module__ == f"{package.__name__}.{name}"}
    assert modules == of_package | {"protocol", "registry"}


@pytest.mark.parametrize(
    "of_its_kind", [LABELING_BACKENDS, LABELERS, registry.IMPLEMENTATIONS], ids=lambda one: one.kind
)
def test_a_module_more_in_the_folder_is_all_it_takes(
    of_its_kind: Implementations[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = importlib.import_module(of_its_kind.package)
    (tmp_path / "one_more.py").write_text('class OneMore:\n    name = "one-more"\n')
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path)])
    anew = replace(of_its_kind)
    assert set(anew.classes) == {*of_its_kind.classes, "one-more"}
    assert type(anew.load("one-more")).__name__ == "OneMore"


@pytest.mark.parametrize(
    ("name", "usable"),
    [
        ("workbench", True),
        ("k-center", True),
        ("module:Class", True),
        ("package.module:Class", True),
        ("", False),
        ("two words", False),
        ("workbench\n", False),
        ("../module:Class", False),
        ("module:Class()", False),
        ("a:b:c", False),
    ],
)
def test_names_are_checked_in_their_form(name: str, usable: bool) -> None:
    assert (name_fault(name) is None) == usable
    assert is_class_name(name) == (usable and ":" in name)
