"""``limit``, ``sort_relevance``, ``sort_attribute`` and ``score_normalize`` against their plain meaning."""

from __future__ import annotations

import math
from functools import cmp_to_key
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.retrieval.hits import Hit
from headwater.retrieval.rows import with_value

from .rows import hit, hits_of, ids, outcome, working_sets


@given(working_sets, st.integers(1, 15), st.integers(0, 15))
def test_limit_keeps_a_slice(hits: list[Hit], limit: int, offset: int) -> None:
    kept = outcome("limit", hits, limit=limit, offset=offset).hits

    assert ids(kept) == [one for place, one in enumerate(ids(hits)) if offset <= place < offset + limit]


def plain_order(hits: list[Hit], descending: bool, missing: str) -> list[str]:
    """By pairwise exchange of neighbours, which leaves equals as they stood."""
    scored = [one for one in hits if one.score is not None]
    for _ in scored:
        for at in range(len(scored) - 1):
            left, right = scored[at].score, scored[at + 1].score
            assert left is not None and right is not None
            if (left < right) if descending else (left > right):
                scored[at], scored[at + 1] = scored[at + 1], scored[at]
    others = [one for one in hits if one.score is None]
    if missing == "preserve":
        return [(one if one.score is None else scored.pop(0)).document_id for one in hits]
    return ids(scored + others if missing == "bottom" else others + scored)


@given(working_sets, st.booleans(), st.sampled_from(["bottom", "top", "preserve"]))
def test_sort_relevance(hits: list[Hit], descending: bool, missing: str) -> None:
    direction = "desc" if descending else "asc"

    found = outcome("sort_relevance", hits, direction=direction, missing_score=missing).hits

    assert ids(found) == plain_order(hits, descending, missing)


def test_sort_relevance_by_a_field_ignores_what_is_no_number() -> None:
    hits = hits_of([{"rating": 2}, {"rating": "9"}, {"metadata": {"rating": 3.5}}, {"rating": True}, {}])

    assert ids(outcome("sort_relevance", hits, score_field="rating").hits) == ["d3", "d1", "d2", "d4", "d5"]


def test_sort_relevance_can_scale_the_scores() -> None:
    hits = hits_of([{}, {}, {}, {}], [2.0, None, 4.0, 3.0])

    found = outcome("sort_relevance", hits, normalize=True, order="asc").hits

    assert [(one.document_id, one.score) for one in found] == [("d1", 0), ("d4", 0.5), ("d3", 1), ("d2", None)]


def weight(value: Any) -> tuple[int, Any] | None:
    if isinstance(value, bool):
        return 3, value
    if isinstance(value, str):
        return 2, value
    return (1, value) if isinstance(value, int | float) else None


def weight_of(document: dict[str, Any], path: str, descending: bool) -> tuple[int, Any] | None:
    value = document.get(path, document.get("metadata", {}).get(path))
    weights = [found for item in (value if isinstance(value, list) else [value]) if (found := weight(item))]
    return (max if descending else min)(weights, default=None)


@given(working_sets, st.sampled_from(["a", "m"]), st.booleans(), st.booleans())
def test_sort_attribute(hits: list[Hit], path: str, descending: bool, nulls_last: bool) -> None:
    # The projection shows the keys of metadata at the root.
    bodies = [{**(one.document or {}).get("metadata", {}), **(one.document or {})} for one in hits]
    weights = {one.document_id: weight_of(body, path, descending) for one, body in zip(hits, bodies, strict=True)}

    def compare(left: str, right: str) -> int:
        one, other = weights[left], weights[right]
        if one is None or other is None:
            first = -1 if (one is None) == (not nulls_last and not descending) else 1
            return 0 if one is other else first
        return (one > other) - (one < other) if not descending else (one < other) - (one > other)

    direction = "desc" if descending else "asc"
    found = outcome("sort_attribute", hits, field=path, direction=direction, nulls_last=nulls_last).hits

    assert ids(found) == sorted(ids(hits), key=cmp_to_key(compare))


def test_sort_attribute_by_default_is_by_creation_the_newest_first() -> None:
    hits = hits_of([{"_internal": {"created_at": f"2026-01-0{day}T00:00:00.000Z"}} for day in (2, 3, 1)])

    assert ids(outcome("sort_attribute", hits).hits) == ["d2", "d1", "d3"]


@pytest.mark.parametrize(("place", "expected"), [("first", ["d2", "d3", "d1"]), ("last", ["d3", "d1", "d2"])])
def test_null_handling_holds_in_either_direction(place: str, expected: list[str]) -> None:
    hits = hits_of([{"a": 1}, {}, {"a": 2}])

    assert ids(outcome("sort_attribute", hits, sort_field="a", order="desc", null_handling=place).hits) == expected


def plain_scale(method: str, scores: list[float]) -> list[float]:
    size = len(scores)
    if method == "softmax":
        return [math.exp(score) / sum(map(math.exp, scores)) for score in scores]
    if method == "l2":
        length = math.hypot(*scores)
        return [score / length if length else 0 for score in scores]
    if method == "min_max":
        span = max(scores, default=0) - min(scores, default=0)
        return [(score - min(scores)) / span if span else 1 for score in scores]
    mean = sum(scores) / size if size else 0
    deviation = math.sqrt(sum((score - mean) ** 2 for score in scores) / size) if size else 0
    return [(score - mean) / deviation if deviation > 1e-12 else 0 for score in scores]


@given(
    st.lists(st.none() | st.integers(-500, 500).map(lambda number: number / 100), max_size=12),
    st.sampled_from(["min_max", "z_score", "softmax", "l2"]),
)
def test_score_normalize(scores: list[float | None], method: str) -> None:
    hits = hits_of([{}] * len(scores), scores)

    found = outcome("score_normalize", hits, method=method).hits

    assert ids(found) == ids(hits)
    expected = plain_scale(method, [score or 0.0 for score in scores])
    assert [one.score for one in found] == pytest.approx(expected, abs=1e-9)


@given(working_sets, st.sampled_from(["min_max", "z_score", "softmax", "l2"]))
def test_score_normalize_of_extreme_scores_is_finite(hits: list[Hit], method: str) -> None:
    found = outcome("score_normalize", hits, method=method, output_field="scores.scaled").hits

    assert all(math.isfinite(one.added["scores"]["scaled"]) for one in found)
    assert [one.score for one in found] == [one.score for one in hits]


def test_score_normalize_with_bounds_cuts_what_is_beyond() -> None:
    hits = hits_of([{}, {}, {}], [-3.0, 0.5, 3.0])

    found = outcome("score_normalize", hits, min_value=-1, max_value=1).hits

    assert [one.score for one in found] == [0, 0.75, 1]


def test_a_value_goes_beside_what_stands_at_its_path() -> None:
    one = with_value(hit(1, {"scores": {"own": 1}}), "scores.mine.here", 2)

    assert one.shown()["scores"] == {"own": 1, "mine": {"here": 2}}
    assert with_value(one, "scores.mine", 3).added == {"scores": {"own": 1, "mine": 3}}
    assert one.added == {"scores": {"own": 1, "mine": {"here": 2}}}
