"""What is found in a folder is what stands there, under its name."""

import pkgutil
from typing import Any

import pytest

import labelloop.backends
import labelloop.core.query_strategies
import labelloop.labelers
from labelloop.backends import LABELING_BACKENDS
from labelloop.core.implementations import is_class_name, name_fault
from labelloop.core.query_strategies import QUERY_STRATEGIES
from labelloop.labelers import LABELERS


def test_each_folder_is_listed() -> None:
    assert list(LABELING_BACKENDS.classes) == ["groundtruth", "simulated", "workbench"]
    assert list(LABELERS.classes) == ["blazingtext", "container"]
    strategies = ["badge", "bald", "entropy", "k-center", "least-confidence", "margin", "random"]
    assert list(QUERY_STRATEGIES) == ["neighborhood-margin", *strategies]


@pytest.mark.parametrize("package", [labelloop.backends, labelloop.labelers], ids=lambda one: one.__name__)
def test_one_module_each(package: Any) -> None:
    modules = {module.name for module in pkgutil.iter_modules(package.__path__)}
    classes = {**LABELING_BACKENDS.classes, **LABELERS.classes}
    of_package = {name for name, found in classes.items() if found.__module__ == f"{package.__name__}.{name}"}
    assert modules == of_package | {"protocol", "registry"}


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
