"""The implementations of a protocol: labelloop's own, found by listing a folder, and users' own.

A class in the folder that says `name = "..."` is found under that name. A user's own class is named as
"module:Class". To add an implementation is to add its module: there is no list to maintain.
"""

import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, TypeVar

from labelloop.core.errors import LabelloopError

_NAME = re.compile(r"[A-Za-z0-9]+(-[A-Za-z0-9]+)*", re.ASCII)
_CLASS_NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*", re.ASCII)

Form = TypeVar("Form")


def is_class_name(name: str) -> bool:
    """Whether the name has the form "module:Class". Loading it shows whether the class exists."""
    return _CLASS_NAME.fullmatch(name) is not None


def name_fault(name: str) -> str | None:
    """Why the name cannot be used; None when its form is right."""
    if _NAME.fullmatch(name) or is_class_name(name):
        return None
    return f'{name!r} is not a valid name: give one of labelloop\'s, or a class of your own as "module:Class"'


def accepted(method: Callable[..., Any], offered: Mapping[str, Any]) -> dict[str, Any]:
    """The named arguments that the method takes: a class from before an argument was added keeps working."""
    return {name: value for name, value in offered.items() if name in inspect.signature(method).parameters}


@dataclass(frozen=True)
class Implementations(Generic[Form]):
    """The implementations of one protocol. Their classes are constructed without arguments."""

    package: str  # the folder's dotted name
    kind: str  # what messages call an implementation
    calls: Mapping[str, tuple[str, ...]]  # methods a user's own class must have, and what each is called with
    error: type[LabelloopError]  # raised when the class is missing or cannot be used
    optional: tuple[str, ...] = ()  # arguments passed by name to the methods that take them
    place: str | None = None  # the request's field, for messages
    first: str | None = None  # the default: it comes first in lists

    @cached_property
    def classes(self) -> dict[str, type[Form]]:
        """The classes in the folder, by name."""
        found: dict[str, type[Any]] = {}
        for module in pkgutil.iter_modules(importlib.import_module(self.package).__path__):
            for member in vars(importlib.import_module(f"{self.package}.{module.name}")).values():
                if isinstance(member, type) and isinstance(vars(member).get("name"), str):
                    found[vars(member)["name"]] = member
        return {name: found[name] for name in sorted(found, key=lambda name: (name != self.first, name))}

    def check_name(self, name: str) -> None:
        """Raises the error for a name that is neither in the folder nor of the form "module:Class"."""
        if name not in self.classes and not is_class_name(name):
            raise self._wrong(
                f"there is no {self.kind} {name!r}: choose from {', '.join(self.classes)}, "
                'or name a class of your own as "module:Class"'
            )

    def load(self, name: str) -> Form:
        """An implementation by its name in the folder, or a user's own by "module:Class".

        Raises the error when the class is missing, or the user's class cannot be used.
        """
        if name in self.classes:
            return self.classes[name]()
        self.check_name(name)
        found = self._construct(name, self._find_class(name, *name.split(":")))
        for method, arguments in self.calls.items():
            self._check_call(name, found, method, arguments)
        own: Form = found
        return own

    def _find_class(self, name: str, module_name: str, class_name: str) -> type[Any]:
        try:
            module = importlib.import_module(module_name)
        except ModuleNotFoundError as error:
            # Only a missing part of the module's own path. A library that the module lacks is another fault.
            if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
                raise self._cannot_be_imported(name, error) from error
            raise self._wrong(
                f"the {self.kind} {name} is not there: no module {error.name} can be imported here"
            ) from error
        except Exception as error:
            raise self._cannot_be_imported(name, error) from error
        found = getattr(module, class_name, None)
        if not isinstance(found, type):
            raise self._wrong(
                f"the {self.kind} {name} is not there: the module {module_name} has no class {class_name}"
            )
        return found

    def _wrong(self, message: str) -> LabelloopError:
        return self.error(f"{self.place}: {message}" if self.place else message)

    def _cannot_be_imported(self, name: str, error: Exception) -> LabelloopError:
        return self._wrong(
            f"the module of the {self.kind} {name} cannot be imported: {type(error).__name__}: {error}"
        )

    def _construct(self, name: str, own: type[Any]) -> Any:
        try:
            return own()
        except Exception as error:
            raise self._wrong(
                f"the {self.kind} {name} must be constructible without arguments, but "
                f"{type(error).__name__}: {error}"
            ) from error

    def _check_call(self, name: str, own: Any, method: str, arguments: tuple[str, ...]) -> None:
        found, expected = getattr(own, method, None), f"{method}({', '.join(arguments)})"
        if not callable(found):
            raise self._wrong(f"the {self.kind} {name} has no method {expected}")
        signature = inspect.signature(found)
        try:
            signature.bind(*arguments, **accepted(found, dict.fromkeys(self.optional)))
        except TypeError as error:
            raise self._wrong(
                f"the {self.kind} {name} is called as {expected}, but its method is {method}{signature}"
            ) from error
