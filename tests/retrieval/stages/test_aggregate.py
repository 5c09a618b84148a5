"""``aggregate`` against figures that are counted out."""

from __future__ import annotations

import json
import math
import statistics
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.errors import ValidationError
from headwater.retrieval.stages import aggregate

from .rows import hits_of, ids, outcome

cells = st.none() | st.booleans() | st.integers(-4, 4) | st.sampled_from(["x", "y", "1", 0.5])
bodies = st.lists(
    st.fixed_dictionaries(
        {}, optional={"g": st.sampled_from(["p", "q", None, 1]), "a": cells | st.lists(cells, max_size=3), "b": cells}
    ),
    max_size=8,
)


def items(body: dict[str, Any], path: str) -> list[Any]:
    value = body.get(path)
    return [item for item in (value if isinstance(value, list) else [value]) if item is not None]


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def figures(body: dict[str, Any], path: str) -> list[float]:
    return [item for item in items(body, path) if is_number(item)]


def order(value: Any) -> tuple[int, Any]:
    return (2, value) if isinstance(value, bool) else (0, value) if is_number(value) else (1, value)


def distinct(values: list[Any]) -> list[Any]:
    found: list[Any] = []
    for value in values:
        if not any(type(value) is type(other) and value == other for other in found):
            found.append(value)
    return sorted(found, key=order)


def most_frequent(rows: list[list[Any]]) -> list[tuple[Any, int]]:
    counts = Counter(json.dumps(value) for values in rows for value in values)
    return sorted(((json.loads(text), count) for text, count in counts.items()), key=lambda pair: -pair[1])


def plain_percentile(found: list[float], percent: float) -> float | None:
    if not found:
        return None
    # The quantiles of the standard library are these positions, for four parts.
    return statistics.quantiles(found, n=4, method="inclusive")[round(percent / 25) - 1] if len(found) > 1 else found[0]


def plain_correlation(rows: list[dict[str, Any]]) -> float | None:
    pairs = [(figures(row, "a")[0], figures(row, "b")[0]) for row in rows if figures(row, "a") and figures(row, "b")]
    try:
        return statistics.correlation(*zip(*pairs, strict=True))
    except (statistics.StatisticsError, TypeError):
        return None


PLAIN: dict[str, Callable[[list[dict[str, Any]]], Any]] = {
    "count": len,
    "sum": lambda rows: sum(number for row in rows for number in figures(row, "a")),
    "avg": lambda rows: statistics.fmean(found) if (found := [n for row in rows for n in figures(row, "a")]) else None,
    "count_distinct": lambda rows: len(distinct([item for row in rows for item in items(row, "a")])),
    "collect_distinct": lambda rows: distinct([item for row in rows for item in items(row, "a")]),
    "collect": lambda rows: [row["a"] for row in rows if row.get("a") is not None],
    "first": lambda rows: next((row["a"] for row in rows if row.get("a") is not None), None),
    "last": lambda rows: next((row["a"] for row in reversed(rows) if row.get("a") is not None), None),
    "variance": lambda rows: (
        statistics.variance(found) if len(found := [n for row in rows for n in figures(row, "a")]) > 1 else None
    ),
    "stddev": lambda rows: (
        statistics.stdev(found) if len(found := [n for row in rows for n in figures(row, "a")]) > 1 else None
    ),
    "percentile": lambda rows: plain_percentile([n for row in rows for n in figures(row, "a")], 75),
    "correlation": plain_correlation,
}


@given(bodies, st.sampled_from(sorted(PLAIN)))
def test_functions(rows: list[dict[str, Any]], function: str) -> None:
    about = {"function": function, "alias": "it", "field": "a", "percentile_value": 75, "field_b": "b"}

    result = outcome("aggregate", hits_of(rows), aggregations=[about])

    expected = PLAIN[function](rows)
    found = result.metadata["aggregations"]["it"]
    assert [row.shown() for row in result.hits] == [{"it": found}]
    if is_number(expected):
        assert found == pytest.approx(expected, abs=1e-9)
    else:
        assert json.dumps(found) == json.dumps(expected)


@given(bodies)
def test_groups(rows: list[dict[str, Any]]) -> None:
    result = outcome(
        "aggregate",
        hits_of(rows),
        group_by=["g", {"field": "b", "alias": "other"}],
        aggregations=[{"type": "count", "name": "n"}, {"function": "max", "alias": "top", "field": "a"}],
    )

    counts = Counter(json.dumps([row.get("g"), row.get("b")]) for row in rows)
    found = [row.shown() for row in result.hits]
    assert {json.dumps([row["g"], row["other"]]): row["n"] for row in found} == dict(counts)
    assert result.metadata["aggregations"] == found
    for row in found:
        numbers = [
            number
            for body in rows
            if json.dumps([body.get("g"), body.get("b")]) == json.dumps([row["g"], row["other"]])
            for number in figures(body, "a")
        ]
        if numbers:
            assert row["top"] == max(numbers)


@given(bodies, st.integers(1, 4))
def test_the_most_frequent_values(rows: list[dict[str, Any]], most: int) -> None:
    about = {"function": "frequency", "alias": "it", "field": "a", "top_k": most}

    found = outcome("aggregate", hits_of(rows), aggregations=[about]).metadata["aggregations"]["it"]

    expected = most_frequent([distinct(items(row, "a")) for row in rows])
    assert [entry["count"] for entry in found] == [count for _, count in expected][:most]
    assert all((json.dumps(e["value"]), e["count"]) in [(json.dumps(v), c) for v, c in expected] for e in found)


@given(bodies, st.booleans())
def test_pairs_of_values(rows: list[dict[str, Any]], two: bool) -> None:
    about = {
        "function": "co_occurrence",
        "alias": "it",
        "field": "a",
        "top_k": 100,
        **({"field_b": "b"} if two else {}),
    }

    found = outcome("aggregate", hits_of(rows), aggregations=[about]).metadata["aggregations"]["it"]

    counts: Counter[str] = Counter()
    for row in rows:
        own = distinct(items(row, "a"))
        for place, one in enumerate(own):
            for second in distinct(items(row, "b")) if two else own[place + 1 :]:
                counts[json.dumps([one, second])] += 1
    assert {json.dumps([entry["a"], entry["b"]]): entry["count"] for entry in found} == dict(counts)
    assert [entry["count"] for entry in found] == sorted(counts.values(), reverse=True)


@given(st.lists(st.floats(-100, 100), max_size=20), st.sampled_from([0.5, 1, 3, 10]))
def test_histogram(numbers: list[float], interval: float) -> None:
    about = {"function": "histogram", "alias": "it", "field": "a", "interval": interval}

    found = outcome("aggregate", hits_of([{"a": numbers}]), aggregations=[about]).metadata["aggregations"]["it"]

    assert sum(bar["count"] for bar in found) == len(numbers)
    for bar in found:
        assert bar["count"] == sum(
            math.floor(number / interval) == round(bar["value"] / interval) for number in numbers
        )


def test_older_spellings() -> None:
    hits = hits_of([{"a": n} for n in range(5)])
    sent = [
        {"type": "cardinality", "name": "kinds", "field": "a"},
        {"type": "percentiles", "name": "parts", "field": "a", "percentiles": [0, 50, 100]},
    ]

    found = outcome("aggregate", hits, aggregations=sent, group_by=None).metadata["aggregations"]

    assert found == {"kinds": 5, "parts": {"0": 0, "50": 2, "100": 4}}


def test_order_and_limit() -> None:
    hits = hits_of([{"g": "p", "a": 1}, {"g": "q", "a": 3}, {"g": "r"}, {"g": "q", "a": 2}])
    about: dict[str, Any] = {"group_by": "g", "aggregations": [{"function": "max", "alias": "top", "field": "a"}]}

    def groups(**more: Any) -> list[str]:
        return [row.shown()["g"] for row in outcome("aggregate", hits, **about, **more).hits]

    assert groups() == ["p", "q", "r"]
    assert groups(sort_by="top") == ["q", "p", "r"]
    assert groups(sort_by="top", sort_order="asc", limit=2) == ["p", "q"]
    assert groups(sort_by="g") == ["r", "q", "p"]


def test_rows_may_stay_as_they_are() -> None:
    hits = hits_of([{"a": 1}, {"a": 2}])

    result = outcome(
        "aggregate", hits, include_documents=True, aggregations=[{"function": "sum", "alias": "s", "field": "a"}]
    )

    assert ids(result.hits) == ["d1", "d2"]
    assert result.metadata == {"aggregations": {"s": 3}}


def test_too_many_groups_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aggregate, "MAX_GROUPS", 3)
    hits = hits_of([{"a": [1, 2], "b": [1, 2]}])

    with pytest.raises(ValidationError, match="more than 3 groups"):
        outcome("aggregate", hits, group_by=["a", "b"], aggregations=[{"function": "count", "alias": "n"}])


@given(st.lists(st.sampled_from([1e308, -1e308, 5e-324, 2**63 - 1, 0]), max_size=4), st.sampled_from(sorted(PLAIN)))
def test_extreme_numbers(numbers: list[float], function: str) -> None:
    rows = [{"a": number, "b": number} for number in numbers]
    about = {"function": function, "alias": "it", "field": "a", "field_b": "b"}

    found = outcome("aggregate", hits_of(rows), aggregations=[about]).metadata["aggregations"]["it"]

    assert not isinstance(found, float) or math.isfinite(found)
