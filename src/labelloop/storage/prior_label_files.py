"""A run's prior labels as arrays: read from the input manifest once, used in every round."""

from collections.abc import Sequence

import numpy as np

from labelloop.core.arrays import from_archive, to_archive
from labelloop.core.errors import DocumentError
from labelloop.core.model.prior_labels import PriorLabels
from labelloop.storage import s3
from labelloop.workflow.run_state import RunState

# Grows when older code could no longer read what is written.
_FORMAT = 1


def save_prior_labels(priors: PriorLabels, uri: str) -> None:
    """Not compressed, as predictions: six bytes for each object and source."""
    s3.write_bytes(
        uri,
        to_archive(
            {
                "format": np.array(_FORMAT),
                "labels": priors.labels.astype("<i2", copy=False),
                "confidence": priors.confidence.astype("<f4", copy=False),
            }
        ),
    )


def load_prior_labels(state: RunState, sources: Sequence[str] | None = None) -> PriorLabels:
    """`sources`: those of which there are labels, by default the run's so far.

    Raises DocumentError when there are none or they are not the run's, StorageError when they are gone.
    """
    uri = state.prior_labels_s3_uri
    if uri is None:
        raise DocumentError("the run has no prior labels: name them under PriorLabels and start a new one")
    try:
        kept = from_archive(s3.read_bytes(uri))
        if int(kept["format"]) > _FORMAT:
            raise DocumentError(f"a newer labelloop wrote {uri}: use that one")
        priors = PriorLabels(kept["labels"], kept["confidence"])
    except (LookupError, ValueError) as error:
        raise DocumentError(f"{uri} does not hold prior labels as labelloop keeps them: {error}") from error
    shape = (state.counts.input, len(state.prior_attributes if sources is None else sources))
    if priors.labels.shape != shape or priors.confidence.shape != shape:
        raise DocumentError(f"{uri} has prior labels of {len(priors):,} data objects, the run {shape[0]:,}")
    return priors
