"""The table a test is kept in: the objects the model would label, and what people answered about them."""

import numpy as np

from labelloop.core.votes import VOTES

CANDIDATE = np.dtype(
    [
        ("id", "<i8"),
        ("label", "<i2"),  # the model's
        ("confidence", "<f4"),  # the model's own
        ("uncertainty", "<f4"),  # the chance that it is wrong, as well as one knows
        ("group", "<i2"),  # those certified together
        ("place", "<i4"),  # in the order of drawing, in its group
        ("stage", "<i2"),  # in which people were asked about it, from 1; 0 while nobody was
        ("drawn", "?"),  # by chance; else it was withdrawn, as one of the most doubtful
        ("stake", "<f8"),  # of the wealth, on its draw
        VOTES,
    ]
)
