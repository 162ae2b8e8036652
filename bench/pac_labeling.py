"""PAC labeling, with labels and confidences of one source (Candès, Ilyas & Zrnic 2025, arXiv 2506.10908).

After the paper's public code (github.com/tijana-zrnic/pac-labels, MIT licence), in our own words: a uniform
sample with replacement, the bound of Waudby-Smith & Ramdas, thresholds in one less the confidence. Ties are
broken at random, as in others' reruns of that code. With this and the 500 draws of its README's example, the
published figures come out to within a point (a test compares them); its other bound, by the central limit
theorem, saves two to four points more. The paper's recalibration of uncertainties by clusters is not needed
for them, and left out.
"""

import bisect

import numpy as np

from bench.betting import refuted
from bench.given_labels import LEVEL, TARGET_ERROR, GivenLabels, Outcome, kept_as_given, surest_first

DRAWS = 500


def pac_labeling(given: GivenLabels, seed: int) -> Outcome:
    """Keep as many of the surest as the draws allow: the errors among them are at most the target of all."""
    rng = np.random.default_rng(seed)
    order = surest_first(given, rng)
    rank = np.empty(len(given), int)
    rank[order] = np.arange(len(given))
    drawn = rng.choice(len(given), DRAWS)

    def too_many(size: int) -> bool:
        """Whether it is left open that more than the target is wrong, with that many of the surest kept."""
        wrong = (given.wrong[drawn] & (rank[drawn] < size))[:, np.newaxis]
        return not refuted(wrong, np.full(wrong.shape, TARGET_ERROR), np.ones(wrong.shape, bool), LEVEL)[0]

    most = bisect.bisect_left(range(1, len(given) + 1), True, key=too_many)
    kept = rank < most
    kept[drawn] = False
    return kept_as_given(given, kept)
