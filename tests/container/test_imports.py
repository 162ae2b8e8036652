"""TensorFlow takes seconds to load, so it comes last; labelloop is not there at all."""

import ast
import subprocess
import sys

import pytest

from tests.container.conftest import MODEL_CONTAINER

# Each test starts a program.
pytestmark = pytest.mark.slow

MODULES = [
    module
    for package in ("classifier", "text_classifier")
    for module in sorted((MODEL_CONTAINER / package).glob("*.py"))
]


@pytest.mark.parametrize(
    "program", ["text_classifier.training", "text_classifier.serving", "classifier.application"]
)
def test_a_mistake_in_the_input_is_found_before_tensorflow_is_loaded(program: str) -> None:
    loaded = f"import sys, {program}; print({{'keras', 'tensorflow'}} & set(sys.modules))"
    ran = subprocess.run(
        [sys.executable, "-c", loaded], cwd=MODEL_CONTAINER, capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == "set()"


def test_the_container_imports_nothing_of_labelloop_and_keras_in_one_module_only() -> None:
    importers: dict[str, set[str]] = {}
    for module in MODULES:
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                importers.setdefault(name.split(".")[0], set()).add(module.stem)
    assert "labelloop" not in importers
    assert importers["keras"] == importers["tensorflow"] == {"backend"}


def test_fetching_an_encoder_needs_nothing_but_python() -> None:
    loaded = (
        "import sys, text_classifier.encoder_files; "
        "print({'numpy', 'safetensors', 'tokenizers'} & set(sys.modules))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", loaded], cwd=MODEL_CONTAINER, capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == "set()"
