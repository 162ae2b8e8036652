"""What executions that go on from the same first one tell each other."""

from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_pascal

from labelloop.core.errors import DocumentError
from labelloop.core.records import first_problem


class _Entry(BaseModel):
    # A later version may add to it.
    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=to_pascal, populate_by_name=True)

    @classmethod
    def read(cls, document: Any) -> Self:
        """Raises DocumentError when it is no such entry."""
        try:
            return cls.model_validate(document)
        except ValidationError as error:
            raise DocumentError(f"not an entry in a run's lineage: {first_problem(error)}") from error

    def as_document(self) -> dict[str, Any]:
        """As JSON takes it."""
        return self.model_dump(by_alias=True, mode="json", exclude_none=True)


class ExecutionEntry(_Entry):
    """An execution, and the one it goes on from."""

    prefix: str
    resumes: str | None = None


class BegunTest(_Entry):
    """A test, entered before anybody sees what it draws."""

    execution_name: str
    round: int
    # The chance of a wrong promise that it takes, as a probability: the confidence may change on resuming.
    level: float
    fingerprint: str  # of its candidates, the order of drawing and the stakes: the same for the same test
    time: str
