"""The direction of imports, and the names that hold the parts together."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "labelloop"
MODEL_CONTAINER = Path(__file__).parents[2] / "model_container"
PACKAGES = sorted(path.parent.name for path in SOURCE.glob("*/__init__.py"))
# Each package may import itself and these of ours.
MAY_IMPORT = {
    "core": set(),
    "storage": {"core"},
    "reporting": {"core"},
    "workbench": {"core", "storage", "reporting"},
    "steps": {"core", "storage", "reporting", "workbench"},
    "monitoring": set(),
    "preparation": {"core"},
    "local": {"core", "storage"},
    "operations": {"core", "storage"},
    "cli": {"core", "storage", "preparation", "local", "operations", "reporting", "workbench"},
}


def imported_modules(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            names.add(node.module or "")
    return names


def test_every_package_has_its_place_in_the_order() -> None:
    assert set(PACKAGES) == set(MAY_IMPORT)


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_point_inward(package: str) -> None:
    for path in (SOURCE / package).rglob("*.py"):
        for name in imported_modules(path):
            if name.startswith("labelloop."):
                target = name.split(".")[1]
                assert target in MAY_IMPORT[package] | {package}, f"{path.name} imports {name}"


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


def test_the_model_container_knows_nothing_of_labelloop() -> None:
    for path in MODEL_CONTAINER.rglob("*.py"):
        assert not any(name.split(".")[0] == "labelloop" for name in imported_modules(path)), path.name


def test_steps_reach_aws_through_storage_alone() -> None:
    for path in (SOURCE / "steps").glob("*.py"):
        assert not {name.split(".")[0] for name in imported_modules(path)} & {"boto3", "botocore"}, path.name
