"""The direction of imports, and the names that hold the parts together."""

import ast
import functools
import subprocess
import sys
from pathlib import Path

import pytest

from labelloop.labelers import LABELERS

SOURCE = Path(__file__).parents[2] / "src" / "labelloop"
MODEL_CONTAINER = Path(__file__).parents[2] / "model_container"
# A package, or a module beside them.
PARTS = {
    path.stem: [path] if path.is_file() else sorted(path.rglob("*.py"))
    for path in SOURCE.iterdir()
    if (path / "__init__.py").is_file() or (path.suffix == ".py" and path.stem != "__init__")
}
# Each may import itself and these of ours.
MAY_IMPORT: dict[str, set[str]] = {
    "core": set(),
    "workflow": {"core"},
    "simulation": {"core", "workflow"},
    "simulation_report": {"core", "simulation"},
    "quick_model": {"core", "simulation"},
    "storage": {"core", "workflow"},
    "reporting": {"core"},
    "monitoring": set(),
    "preparation": {"core", "workflow"},
    "results": {"core", "preparation"},
    "foundation_model": {"core"},
    "model_labels": {"core", "workflow", "storage", "foundation_model"},
    "asked_files": {"core", "preparation", "results", "foundation_model"},
    "work_folder": {"core"},
    "answer_files": {"core", "preparation", "reporting"},
    "in_memory": {
        *{"core", "workflow", "preparation", "reporting", "simulation", "workbench", "local"},
        *{"simulation_report", "quick_model", "answer_files"},
    },
    "label_audit": {
        *{"core", "simulation", "reporting", "preparation", "in_memory", "work_folder", "answer_files"},
    },
    "workbench": {"core", "workflow", "storage", "reporting"},
    "backends": {"core", "workflow", "storage", "workbench"},
    "labelers": {"core", "workflow", "storage"},
    "steps": {"core", "workflow", "storage", "reporting", "backends", "labelers", "model_labels"},
    "local": {"core", "workflow", "simulation", "labelers"},
    "operations": {"core", "workflow", "storage", "backends", "labelers"},
    "frames": {
        *{"core", "workflow", "preparation", "reporting", "results", "simulation_report", "label_audit"},
        *{"in_memory", "work_folder", "simulation", "workbench", "local"},
    },
    "cli": {
        *{"core", "workflow", "storage", "reporting", "preparation", "backends", "labelers"},
        *{"local", "operations", "workbench", "simulation", "simulation_report", "quick_model"},
        *{"results", "label_audit", "in_memory", "work_folder", "answer_files"},
        *{"foundation_model", "asked_files", "model_labels"},
    },
    "__main__": {"cli"},
}


@functools.cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@functools.cache
def imported_modules(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            names.add(node.module or "")
            if node.module == "labelloop":
                names.update(f"labelloop.{alias.name}" for alias in node.names)
    return names


def test_every_part_has_its_place_in_the_order() -> None:
    assert set(PARTS) == set(MAY_IMPORT)


@pytest.mark.parametrize("part", sorted(PARTS))
def test_imports_point_inward(part: str) -> None:
    for path in PARTS[part]:
        for name in imported_modules(path):
            if name.startswith("labelloop."):
                target = name.split(".")[1]
                assert target in MAY_IMPORT[part] | {part}, f"{path.name} imports {name}"


def test_no_part_reaches_itself_through_others() -> None:
    """What may be imported has an order: each part stands above all that it may import."""
    order: list[str] = []
    while waiting := sorted(MAY_IMPORT.keys() - set(order)):
        free = [part for part in waiting if MAY_IMPORT[part] <= set(order)]
        assert free, f"these import each other: {waiting}"
        order += free


# Names that are plain words too: they are a labeler's where something of labelers is compared with them.
PLAIN_WORDS = {"text", "image"}


def _labelers_named_in(comparison: ast.Compare) -> set[str]:
    parts = list(ast.walk(comparison))
    literals = {str(part.value) for part in parts if isinstance(part, ast.Constant)}
    compared = {part.id for part in parts if isinstance(part, ast.Name)}
    compared |= {part.attr for part in parts if isinstance(part, ast.Attribute)}
    of_labelers = any(word in name for name in compared for word in ("algorithm", "labeler", "model"))
    return literals & set(LABELERS.classes) - (set() if of_labelers else PLAIN_WORDS)


def test_no_code_asks_for_a_labeler_by_its_name() -> None:
    """Adding one is adding its module."""
    for path in sorted(SOURCE.rglob("*.py")):
        comparisons = [node for node in ast.walk(tree_of(path)) if isinstance(node, ast.Compare)]
        named = {name for one in comparisons for name in _labelers_named_in(one)}
        # What a run that began under format 1 had worked out by these names.
        assert not named or path.name == "run_state.py", f"{path}: {named}"


def test_core_loads_without_aws_clock_or_global_randomness() -> None:
    modules = [
        ".".join(path.relative_to(SOURCE.parent).with_suffix("").parts).removesuffix(".__init__")
        for path in (SOURCE / "core").rglob("*.py")
    ]
    program = f"import sys, {', '.join(modules)}; print(*sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    names = {module.split(".")[0] for module in loaded.stdout.split()}
    assert not names & {"boto3", "botocore", "aws_lambda_powertools", "smart_open", "moto"}
    for path in (SOURCE / "core").rglob("*.py"):
        assert not imported_modules(path) & {"time", "secrets", "uuid", "os"}, path.name
        assert "np.random.seed" not in path.read_text()


@pytest.mark.slow
def test_the_workbenchs_function_loads_at_its_start_what_every_request_needs() -> None:
    program = "import sys, labelloop.workbench.lambda_app; print(*sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    rare = {"numpy", "scipy", "liquid", "labelloop.core.loop", "labelloop.workbench.overview"}
    assert not set(loaded.stdout.split()) & rare


def test_the_model_container_knows_nothing_of_labelloop() -> None:
    for path in MODEL_CONTAINER.rglob("*.py"):
        assert not any(name.split(".")[0] == "labelloop" for name in imported_modules(path)), path.name


@pytest.mark.parametrize("part", ["steps", "backends", "labelers"])
def test_what_runs_in_a_step_reaches_aws_through_other_parts(part: str) -> None:
    for path in PARTS[part]:
        assert not {name.split(".")[0] for name in imported_modules(path)} & {"boto3", "botocore"}, path.name
