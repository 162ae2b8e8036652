"""What the transform job is asked, in files."""

from hypothesis import given
from hypothesis import strategies as st

from labelloop.steps.split_labels import MOST_IN_A_FILE, parts_of_pool


@given(st.integers(0, 20_000_000), st.integers(1, 50))
def test_each_instance_has_a_file_of_about_as_many_objects(objects: int, instances: int) -> None:
    parts = parts_of_pool(objects, instances)
    assert sum(parts) == objects
    assert max(parts) - min(parts) <= 1
    assert max(parts) <= MOST_IN_A_FILE
    assert len(parts) >= min(instances, objects)


def test_a_small_pool_is_one_file_even_when_it_is_empty() -> None:
    assert parts_of_pool(250_000, 1) == [250_000]
    assert parts_of_pool(250_001, 1) == [125_001, 125_000]
    assert parts_of_pool(0, 3) == [0]
