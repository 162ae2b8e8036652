"""Query strategies by name, and those of users by the name of their class."""

import importlib
import inspect
import re
from typing import Any, ClassVar, Protocol

from labelloop.core.errors import QueryStrategyError
from labelloop.core.query_strategies.badge import Badge
from labelloop.core.query_strategies.k_center import KCenter
from labelloop.core.query_strategies.neighborhood_margin import NeighborhoodMargin
from labelloop.core.query_strategies.protocol import QueryStrategy
from labelloop.core.query_strategies.uncertainty import (
    Bald,
    EntropySampling,
    LeastConfidence,
    MarginSampling,
    RandomSampling,
)


class _Registered(QueryStrategy, Protocol):
    description: ClassVar[str]


QUERY_STRATEGIES: dict[str, type[_Registered]] = {
    "neighborhood-margin": NeighborhoodMargin,
    "margin": MarginSampling,
    "least-confidence": LeastConfidence,
    "entropy": EntropySampling,
    "bald": Bald,
    "badge": Badge,
    "k-center": KCenter,
    "random": RandomSampling,
}
DEFAULT_QUERY_STRATEGY = "neighborhood-margin"

_CLASS_NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*", re.ASCII)


def check_name(name: str) -> None:
    """Raises QueryStrategyError for a name not in QUERY_STRATEGIES and not of the form "module:Class"."""
    if name not in QUERY_STRATEGIES and not _CLASS_NAME.fullmatch(name):
        raise QueryStrategyError(
            f"there is no query strategy {name!r}: choose from {', '.join(QUERY_STRATEGIES)}, "
            'or name a class of your own as "module:Class"'
        )


def load_query_strategy(name: str) -> QueryStrategy:
    """A strategy by its name in QUERY_STRATEGIES, or a user's own by "module:Class".

    Raises QueryStrategyError when there is no such strategy, or the user's class cannot serve as one.
    """
    if name in QUERY_STRATEGIES:
        return QUERY_STRATEGIES[name]()
    check_name(name)
    module_name, class_name = name.split(":")
    strategy: QueryStrategy = _construct(name, _find_class(name, module_name, class_name))
    _check_rank(name, strategy)
    return strategy


def looks_for_doubt(strategy: QueryStrategy) -> bool:
    """Whether its batches are of what the model is least sure of; so unless its class says otherwise."""
    return bool(getattr(strategy, "looks_for_doubt", True))


def _find_class(name: str, module_name: str, class_name: str) -> type[Any]:
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        # Only what is on the way to the module itself: a library missing inside it is another fault.
        if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
            raise _cannot_be_imported(name, error) from error
        raise QueryStrategyError(
            f"the query strategy {name} is not there: no module {error.name} can be imported here"
        ) from error
    except Exception as error:
        raise _cannot_be_imported(name, error) from error
    found = getattr(module, class_name, None)
    if not isinstance(found, type):
        raise QueryStrategyError(
            f"the query strategy {name} is not there: the module {module_name} has no class {class_name}"
        )
    return found


def _cannot_be_imported(name: str, error: Exception) -> QueryStrategyError:
    return QueryStrategyError(
        f"the module of the query strategy {name} cannot be imported: {type(error).__name__}: {error}"
    )


def _construct(name: str, strategy: type[Any]) -> Any:
    try:
        return strategy()
    except Exception as error:
        raise QueryStrategyError(
            f"the query strategy {name} must be constructible without arguments, but "
            f"{type(error).__name__}: {error}"
        ) from error


def _check_rank(name: str, strategy: Any) -> None:
    rank = getattr(strategy, "rank", None)
    expected = "rank(candidates, predictions, rng, batch_size)"
    if not callable(rank):
        raise QueryStrategyError(f"the query strategy {name} has no method {expected}")
    signature = inspect.signature(rank)
    try:
        signature.bind("candidates", "predictions", "rng", "batch_size")
    except TypeError as error:
        raise QueryStrategyError(
            f"the query strategy {name} is called as {expected}, but its method is rank{signature}"
        ) from error
