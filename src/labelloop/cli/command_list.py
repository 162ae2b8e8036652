"""The commands under their headings: each is loaded when it is asked for, since all take seconds."""

import ast
import functools
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from importlib.abc import SourceLoader
from importlib.util import find_spec
from typing import Any, ClassVar

import typer
from typer.core import TyperGroup

# Click's own is 80, however wide the terminal is. Longer lines are hard to read.
WIDEST = 110


class CommandList(TyperGroup):
    """A program's commands, each with its whole first sentence in `--help`: Click cuts long ones."""

    # The commands' modules in this package, under their headings. A module has a function of the same name.
    package: ClassVar[str]
    modules: ClassVar[Mapping[str, Sequence[str]]]

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        modules = [self._full(module) for modules in self.modules.values() for module in modules]
        commands: Any = _Commands({_name(module): module for module in modules})
        self.commands = commands

    def format_commands(self, _ctx: Any, formatter: Any) -> None:
        for heading, modules in self.modules.items():
            with formatter.section(heading):
                formatter.write_dl([(_name(module), _summary(self._full(module))) for module in modules])

    def _full(self, module: str) -> str:
        return f"{self.package}.{module}"


class _Commands(Mapping[str, Any]):
    """Commands by their names; one is loaded when it is looked up."""

    def __init__(self, modules: Mapping[str, str]) -> None:
        self._modules = modules

    def __getitem__(self, name: str) -> Any:
        return _loaded(self._modules[name])

    def __contains__(self, name: object) -> bool:
        return name in self._modules

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __len__(self) -> int:
        return len(self._modules)


def _name(module: str) -> str:
    return _function(module).replace("_", "-")


def _function(module: str) -> str:
    return module.rpartition(".")[2]


@functools.cache
def _loaded(module: str) -> Any:
    alone = typer.Typer(add_completion=False, rich_markup_mode=None)
    alone.command(_name(module))(getattr(import_module(module), _function(module)))
    return typer.main.get_command(alone)


def _summary(module: str) -> str:
    """The first paragraph of the command's docstring, read without loading the command."""
    spec = find_spec(module)
    source = spec.loader.get_source(module) if spec and isinstance(spec.loader, SourceLoader) else None
    for each in ast.parse(source or "").body:
        if isinstance(each, ast.FunctionDef) and each.name == _function(module):
            return " ".join((ast.get_docstring(each) or "").partition("\n\n")[0].split())
    raise LookupError(f"{module} has no function of its own name")
