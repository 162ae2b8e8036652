"""What the execution of a whole run returns."""

from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_pascal

from labelloop.core.errors import DocumentError
from labelloop.core.records import Certificate, OutcomeCounts, first_problem


class RunOutput(BaseModel):
    """The output of ExportManifest, and so of the loop. A later version may add to it."""

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        alias_generator=to_pascal,
        populate_by_name=True,
        protected_namespaces=(),
    )

    final_manifest_s3_uri: str
    report_s3_uri: str
    report_html_s3_uri: str | None = None
    trained_model_arn: str | None = None
    counts: OutcomeCounts
    certificate: Certificate | None = None
    stopped_because: str | None = None
    seed: int | str | None = None  # what the run drew from; unknown from an earlier version

    @classmethod
    def read(cls, document: Any) -> "RunOutput":
        """Raises DocumentError when it is not the output of a successful run."""
        try:
            return cls.model_validate(document)
        except ValidationError as error:
            raise DocumentError(f"not the output of a run: {first_problem(error)}") from error

    def as_document(self) -> dict[str, Any]:
        """As JSON takes it."""
        return self.model_dump(by_alias=True, mode="json", exclude_none=True)
