"""How few answers are enough on small data."""

import pytest

from bench import small_data
from bench.results import DOCUMENT, quoted
from labelloop.core.certificate.promise import CertificateFor


def test_the_documents_table_is_what_the_command_says() -> None:
    assert quoted(DOCUMENT.read_text(), small_data.MARKER) == small_data.table()


def test_the_fewest_draws_are_those_of_the_hypergeometric_distribution() -> None:
    # Of 22 draws without replacement from 2,000, 201 wrong: none of them is seen in 9.6 % of all cases.
    assert small_data.fewest(2_000, 0.1, "dataset") == 22
    assert small_data.fewest(5, 0.05, "all") is None
    assert small_data.fewest(20, 0.95, "dataset") == 1, "no more are left than may be wrong"


@pytest.mark.parametrize("certificate_for", ["all", "dataset"])
@pytest.mark.parametrize("size", [200, 500, 1_000, 2_000])
def test_labelloop_comes_near_the_fewest(size: int, certificate_for: CertificateFor) -> None:
    fewest = small_data.fewest(size, 0.05, certificate_for)
    answers = small_data.answers_of_labelloop(size, 0.05, certificate_for)
    assert fewest is not None
    assert answers is not None
    assert fewest <= answers <= 1.3 * fewest
