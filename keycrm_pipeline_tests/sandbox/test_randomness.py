"""Seeded random numbers: equal seeds give equal numbers on any machine."""

from hypothesis import given, settings
from hypothesis import strategies as st

from keycrm_pipeline.sandbox.randomness import SeededRandom, WeightedChoice


def test_draws_are_the_same_on_every_machine() -> None:
    """Otherwise two people would see two different demo shops, so the numbers are pinned."""
    random = SeededRandom(7, "order", 42)
    assert [random.below(1000) for _ in range(5)] == [148, 352, 77, 76, 723]


@settings(deadline=None)
@given(st.integers(), st.integers(1, 10**9))
def test_a_draw_stays_below_its_bound(seed: int, bound: int) -> None:
    """A number out of bounds would index past the end of a list."""
    random = SeededRandom(seed)
    assert all(0 <= random.below(bound) < bound for _ in range(20))


@settings(deadline=None)
@given(st.integers(), st.lists(st.integers(), unique=True), st.integers(0, 12))
def test_some_gives_so_many_different_items_in_order(seed: int, items: list[int], count: int) -> None:
    """An order must not have the same tag twice."""
    chosen = SeededRandom(seed).sample(items, count)
    assert len(chosen) == min(count, len(items))
    assert chosen == [item for item in items if item in chosen]


def test_an_urn_never_gives_what_has_no_weight_and_gives_the_rest_by_weight() -> None:
    """Weights of three to one give about 3,000 and 1,000 out of 4,000."""
    choice = WeightedChoice([("often", 3), ("never", 0), ("seldom", 1)])
    random = SeededRandom("urn")
    drawn = [choice.draw(random) for _ in range(4000)]
    assert drawn.count("never") == 0
    assert 2800 < drawn.count("often") < 3200
