"""Query strategies by name, and those of users by the name of their class."""

from typing import ClassVar, Protocol

from labelloop.core.errors import QueryStrategyError
from labelloop.core.implementations import Implementations
from labelloop.core.query_strategies.protocol import QueryStrategy


class _Registered(QueryStrategy, Protocol):
    name: ClassVar[str]
    description: ClassVar[str]


DEFAULT_QUERY_STRATEGY = "neighborhood-margin"
IMPLEMENTATIONS: Implementations[_Registered] = Implementations(
    package="labelloop.core.query_strategies",
    kind="query strategy",
    calls={"rank": ("candidates", "predictions", "rng", "batch_size")},
    optional=("labeled",),
    error=QueryStrategyError,
    first=DEFAULT_QUERY_STRATEGY,
)
QUERY_STRATEGIES = IMPLEMENTATIONS.classes


def check_name(name: str) -> None:
    """Raises QueryStrategyError for a name not in QUERY_STRATEGIES and not of the form "module:Class"."""
    IMPLEMENTATIONS.check_name(name)


def load_query_strategy(name: str) -> QueryStrategy:
    """A strategy by its name in QUERY_STRATEGIES, or a user's own by "module:Class".

    Raises QueryStrategyError when there is no such strategy, or the user's class cannot serve as one.
    """
    return IMPLEMENTATIONS.load(name)


def looks_for_doubt(strategy: QueryStrategy) -> bool:
    """Whether its batches are of what the model is least sure of; so unless its class says otherwise."""
    return bool(getattr(strategy, "looks_for_doubt", True))
