"""Query strategies: the rule that picks which of the pool people see next.

Each takes candidate ids and gives them back, the most useful first. What each is for, and how to bring one's
own, stands in docs/query-strategies.md.
"""

from labelloop.core.errors import QueryStrategyError
from labelloop.core.query_strategies.protocol import LabeledObjects, QueryStrategy, checked_ranking
from labelloop.core.query_strategies.registry import (
    DEFAULT_QUERY_STRATEGY,
    QUERY_STRATEGIES,
    check_name,
    load_query_strategy,
    looks_for_doubt,
)

__all__ = [
    "DEFAULT_QUERY_STRATEGY",
    "QUERY_STRATEGIES",
    "LabeledObjects",
    "QueryStrategy",
    "QueryStrategyError",
    "check_name",
    "checked_ranking",
    "load_query_strategy",
    "looks_for_doubt",
]
