"""``sample`` against its plain meaning."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from headwater.retrieval.hits import Hit
from headwater.retrieval.stages.sample import allocated

from .rows import hits_of, ids, outcome, working_sets


@given(
    working_sets, st.integers(1, 6), st.sampled_from(["random", "reservoir", "stratified"]), st.integers(), st.data()
)
def test_a_sample_is_so_many_rows_in_their_order(
    hits: list[Hit], count: int, strategy: str, seed: int, data: st.DataObject
) -> None:
    about = {"count": count, "strategy": strategy, "seed": seed, "stratify_by": data.draw(st.none() | st.just("a"))}

    found = ids(outcome("sample", hits, **about).hits)

    assert len(found) == min(count, len(hits))
    assert found == [name for name in ids(hits) if name in found]
    assert found == ids(outcome("sample", hits, **about).hits)


@given(working_sets, st.integers(1, 6), st.integers(0, 8))
def test_the_best_rows_are_kept_in_any_case(hits: list[Hit], count: int, best: int) -> None:
    found = ids(outcome("sample", hits, size=count, preserve_top_k=best).hits)

    scored = sorted((hit for hit in hits if hit.score is not None), key=lambda hit: -(hit.score or 0))
    assert {hit.document_id for hit in scored[: min(best, count)]} <= set(found)
    assert len(found) == min(count, len(hits))


@given(st.integers(0, 40), st.integers(1, 12))
def test_systematic_is_every_nth(size: int, count: int) -> None:
    hits = hits_of([{}] * size)
    step = -(-size // min(count, size)) if size else 1

    assert ids(outcome("sample", hits, method="systematic", count=count).hits) == ids(hits)[::step]


def test_every_row_has_the_same_chance() -> None:
    hits = hits_of([{}] * 4)
    drawn = Counter(name for seed in range(4000) for name in ids(outcome("sample", hits, count=1, seed=seed).hits))

    assert all(850 < count < 1150 for count in drawn.values())


def test_each_value_has_its_share() -> None:
    hits = hits_of([{"a": "x"}] * 60 + [{"a": ["y"]}] * 30 + [{}] * 9 + [{"a": 1}])

    def shares(**about: int) -> list[int]:
        found = outcome("sample", hits, strategy="stratified", stratify_by="a", seed=1, **about).hits
        numbers = [int(hit.document_id[1:]) for hit in found]
        bounds = ((1, 60), (61, 90), (91, 99), (100, 100))
        return [sum(first <= number <= last for number in numbers) for first, last in bounds]

    assert shares(count=10) == [5, 3, 1, 1]
    assert shares(count=10, min_per_stratum=0) == [6, 3, 1, 0]
    assert shares(count=20, samples_per_group=5) == [9, 5, 5, 1]
    assert shares(count=2) == [1, 1, 0, 0]


@given(st.lists(st.integers(1, 5), min_size=1, max_size=4), st.data())
def test_no_other_allocation_is_nearer_to_the_shares(sizes: list[int], data: st.DataObject) -> None:
    count = data.draw(st.integers(1, sum(sizes)))

    shares = allocated(sizes, count, 0)

    def distance(allocation: tuple[int, ...]) -> Fraction:
        quotas = [Fraction(count * size, sum(sizes)) for size in sizes]
        return sum((abs(quota - share) for quota, share in zip(quotas, allocation, strict=True)), Fraction())

    possible = [one for one in product(*(range(size + 1) for size in sizes)) if sum(one) == count]
    assert distance(tuple(shares)) == min(map(distance, possible))


@given(st.lists(st.integers(1, 9), min_size=1, max_size=5), st.integers(0, 4), st.data())
def test_an_allocation_fits(sizes: list[int], least: int, data: st.DataObject) -> None:
    count = data.draw(st.integers(1, sum(sizes)))

    shares = allocated(sizes, count, least)

    assert sum(shares) == count
    assert all(0 <= share <= size for share, size in zip(shares, sizes, strict=True))
    floors = [min(least, size) for size in sizes]
    if sum(floors) <= count:
        assert all(share >= floor for share, floor in zip(shares, floors, strict=True))
