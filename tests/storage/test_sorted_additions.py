from hypothesis import given
from hypothesis import strategies as st

from labelloop.storage.sorted_additions import SortedAdditions


@given(st.lists(st.tuples(st.integers(0, 50), st.dictionaries(st.text(max_size=5), st.integers(-9, 9)))))
def test_additions_come_back_sorted_the_first_for_each_object(
    additions: list[tuple[int, dict[str, int]]],
) -> None:
    first: dict[int, dict[str, int]] = {}
    for object_id, fields in additions:
        first.setdefault(object_id, fields)
    with SortedAdditions() as kept:
        half = len(additions) // 2
        kept.add(additions[:half])
        kept.add(additions[half:])
        assert list(kept) == sorted(first.items())
