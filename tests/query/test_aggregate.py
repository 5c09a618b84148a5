"""What each function and option of an aggregation answers, by example."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from headwater.errors import ValidationError
from headwater.query.aggregate import Buckets, Group, Having, MemoryBudget, Metric, Order, Plan, Row, aggregate
from headwater.query.aggregate.plan import Function

COUNT = (Metric("n", "count"),)
BY_KIND = (Group("kind", "kind"),)


def rows(path: str, *values: Any) -> list[Row]:
    return [{path: [] if value is ... else [value]} for value in values]


def counts(plan: Plan, found: list[Row]) -> list[tuple[Any, ...]]:
    return [(*row.group.values(), row.metrics["n"]) for row in aggregate(plan, found)]


def metric(function: Function, *values: Any) -> Any:
    (row,) = aggregate(Plan((), (Metric("m", function, "x"),)), rows("x", *values))
    return row.metrics["m"]


def test_group_values_keep_their_types_and_have_one_form() -> None:
    found = aggregate(
        Plan(BY_KIND, COUNT), rows("kind", "1", 1, 1.0, True, "true", False, None, ..., {"a": 1}, [], 0.5)
    )
    assert [repr((row.group["kind"], row.metrics["n"])) for row in found] == [
        "(0.5, 1)",
        "(1, 2)",
        "('1', 1)",
        "('true', 1)",
        "(False, 1)",
        "(True, 1)",
        "(None, 4)",
    ]


def test_an_array_is_in_the_group_of_each_of_its_elements() -> None:
    found = rows("kind", ["a", "b", "a"], ["b", None], "b")
    assert counts(Plan(BY_KIND, COUNT), found) == [("a", 1), ("b", 3)]


def test_several_groups_make_every_combination() -> None:
    plan = Plan((Group("kind", "kind"), Group("size", "size")), COUNT)
    found: list[Row] = [{"kind": [["a", "b"]], "size": [[1, 2]]}, {"kind": ["b"], "size": []}]
    assert counts(plan, found) == [("a", 1, 1), ("a", 2, 1), ("b", 1, 1), ("b", 2, 1), ("b", None, 1)]


@pytest.mark.parametrize(
    ("function", "values", "answer"),
    [
        ("count", ["a", None, ...], 3),
        ("count_distinct", [1, 1.0, True, "1", None, [1, 2], {"a": 1}], 4),
        ("sum", [1, 2, "3", True, None, [4, 5]], 12),
        ("sum", [], 0),
        ("sum", [2**63 - 1, 1], float(2**63)),
        ("sum", [1e308, 1e308], None),
        ("sum", [1e308, 1e308, -1e308], 1e308),
        ("sum", [0.1] * 10, 1),
        ("avg", [1, 2, "x"], 1.5),
        ("avg", ["x"], None),
        ("min", [3, 1, "0", True], 1),
        ("max", [3, 1, "9", True], 3),
        ("min", ["b", "a", ""], ""),
        ("max", ["z", "2026-01-01", "2025-12-31T23:00:00-05:00"], "2025-12-31T23:00:00-05:00"),
        ("max", ["2026-01-01T00:00:00Z", "2026-01-01"], "2026-01-01"),
        ("min", ["2026-01-01T00:00:00Z", "2026-01-01"], "2026-01-01"),
        ("min", [True, None, {}], None),
        ("first", [None, ..., ["a"], "b"], ["a"]),
        ("last", ["a", {"b": 1}, None], {"b": 1}),
        ("first", [], None),
        ("push", [1, 1, None, [2], {"a": 3}], [1, 1, [2], {"a": 3}]),
        ("add_to_set", ["b", 1, 1.0, [True, "a"], None, {"a": 3}], [1, "a", "b", True]),
    ],
)
def test_functions(function: Function, values: list[Any], answer: Any) -> None:
    found = metric(function, *values)
    assert (found, type(found)) == (answer, type(answer))


def test_whole_sums_are_integers_and_means_are_floats() -> None:
    assert repr(metric("sum", 1.5, 1.5)) == "3"
    assert repr(metric("avg", 2, 2)) == "2.0"


@pytest.mark.parametrize(
    ("unit", "start"),
    [
        ("year", "2026-01-01T00:00:00Z"),
        ("month", "2026-02-01T00:00:00Z"),
        ("week", "2026-01-26T00:00:00Z"),
        ("day", "2026-02-01T00:00:00Z"),
        ("hour", "2026-02-01T21:00:00Z"),
        ("minute", "2026-02-01T21:05:00Z"),
        ("second", "2026-02-01T21:05:07Z"),
    ],
)
def test_date_trunc_is_in_utc_with_weeks_from_monday(unit: Any, start: str) -> None:
    plan = Plan((Group("at", "at", date_trunc=unit),), COUNT)
    found = rows("at", "2026-02-01T22:05:07.123+01:00", "2026-02-01T21:05:07Z", "tomorrow", 5, "0001-01-01T00:00+05:00")
    assert counts(plan, found) == [(start, 2), (None, 3)]


@pytest.mark.parametrize(
    ("unit", "number"),
    [
        ("year", 2026),
        ("month", 2),
        ("week", 5),
        ("day", 1),
        ("dayOfWeek", 1),
        ("dayOfYear", 32),
        ("hour", 21),
        ("minute", 5),
        ("second", 7),
    ],
)
def test_date_part(unit: Any, number: int) -> None:
    plan = Plan((Group("at", "at", date_part=unit),), COUNT)
    assert counts(plan, rows("at", "2026-02-01T21:05:07Z", "never")) == [(number, 1), (None, 1)]


def test_a_boundary_belongs_to_the_lower_bucket_and_the_lowest_to_the_first() -> None:
    plan = Plan((Group("x", "x", buckets=Buckets((0, 60, 300.5))),), COUNT)
    found = rows("x", 0, 60, 60.1, 300.5, -1, 301, "5", True, ...)
    assert counts(plan, found) == [("0-60", 2), ("60-300.5", 2), ("other", 2), (None, 3)]
    assert counts(Plan((Group("x", "x", buckets=Buckets((0,), "rest")),), COUNT), found[:1]) == [("rest", 1)]


def test_unwind_makes_a_row_of_each_element_and_keeps_its_fields_together() -> None:
    metrics = (*COUNT, Metric("size", "sum", "parts.size"))
    plan = Plan((Group("kind", "parts.kind"), Group("name", "name")), metrics, unwind="parts")
    assert plan.paths == ("parts", "name")
    found: list[Row] = [
        {"parts": [[{"kind": "a", "size": 1}, {"kind": "b", "size": 2}, {"kind": "a", "size": 4}]], "name": ["x"]},
        {"parts": [{"kind": "b", "size": 8}], "name": ["x"]},
        {"parts": [[]], "name": ["x"]},
        {"parts": [None], "name": ["x"]},
        {"parts": [], "name": ["x"]},
    ]
    assert [(*row.group.values(), *row.metrics.values()) for row in aggregate(plan, found)] == [
        ("a", "x", 2, 5),
        ("b", "x", 2, 10),
    ]


def test_having_compares_numbers_texts_and_dates() -> None:
    metrics = (Metric("n", "count"), Metric("at", "max", "at"))
    found = [{"kind": [kind], "at": [at]} for kind, at in [("a", "2026-01-01"), ("a", "x"), ("b", "2025-01-01")]]

    def kept(*having: Having) -> list[Any]:
        return [row.group["kind"] for row in aggregate(Plan(BY_KIND, metrics, having=having), found)]

    assert kept(Having("n", "gte", 2)) == ["a"]
    assert kept(Having("n", "ne", 2)) == ["b"]
    assert kept(Having("n", "eq", 1.0)) == ["b"]
    assert kept(Having("n", "eq", True)) == []
    assert kept(Having("at", "gt", "2025-01-01T01:00:00+02:00")) == ["a", "b"]
    assert kept(Having("at", "lt", "2026-01-01T00:00:00Z"), Having("n", "lte", 1)) == ["b"]
    assert kept(Having("at", "gt", 5)) == []


def test_order_puts_null_last_and_ties_by_group() -> None:
    metrics = (Metric("n", "count"), Metric("top", "max", "x"))
    pairs = [("c", 1), ("a", 2), ("b", 2), ("d", None), (None, 3)]
    found = [{"kind": [kind], "x": [x]} for kind, x in pairs]

    def order(name: str, descending: bool) -> list[Any]:
        answer = aggregate(Plan(BY_KIND, metrics, order=Order(name, descending)), found)
        return [row.group["kind"] for row in answer]

    assert order("top", True) == [None, "a", "b", "c", "d"]
    assert order("top", False) == ["c", "a", "b", None, "d"]
    assert order("kind", True) == ["d", "c", "b", "a", None]
    assert order("n", True) == ["a", "b", "c", "d", None]


def test_limit_comes_last() -> None:
    plan = Plan(BY_KIND, COUNT, having=(Having("n", "gte", 2),), order=Order("n"), limit=1)
    assert counts(plan, rows("kind", "a", "b", "b", "c", "c", "c")) == [("c", 3)]


def test_without_groups_nothing_is_still_one_row() -> None:
    assert aggregate(Plan((), COUNT), []) == [({}, {"n": 0})]
    assert aggregate(Plan(BY_KIND, COUNT), []) == []


@pytest.mark.parametrize("function", ["push", "add_to_set", "count_distinct", "first", "last", "min", "max"])
def test_what_is_kept_is_bounded(function: Function) -> None:
    plan = Plan(BY_KIND, (Metric("m", function, "x"),))
    found: list[Row] = [{"kind": [number], "x": [f"{number:09}" * 2000]} for number in range(100)]
    assert len(aggregate(plan, found)) == 100
    with pytest.raises(ValidationError, match="take more than 1000000 bytes") as caught:
        aggregate(plan, found, MemoryBudget(size_bytes=1_000_000))
    assert caught.value.code == "aggregation_too_large"


def test_a_value_that_is_replaced_frees_its_room() -> None:
    found = rows("x", *(f"{number:09}" * 2000 for number in range(1000)))
    (row,) = aggregate(Plan((), (Metric("m", "last", "x"),)), found, MemoryBudget(size_bytes=100_000))
    assert row.metrics["m"].startswith("000000999")


def test_groups_are_bounded() -> None:
    plan = Plan(BY_KIND, COUNT)
    assert len(aggregate(plan, rows("kind", *range(50)), MemoryBudget(groups=50))) == 50
    with pytest.raises(ValidationError, match="more than 50 groups") as caught:
        aggregate(plan, rows("kind", *range(51)), MemoryBudget(groups=50))
    assert caught.value.code == "aggregation_too_large"
    huge = [{"a": [list(range(1000))], "b": [list(range(1000))], "c": [list(range(1000))]}]
    with pytest.raises(ValidationError, match="more than 50 groups"):
        aggregate(Plan(tuple(Group(name, name) for name in "abc"), COUNT), huge, MemoryBudget(groups=50))


def test_a_plan_crosses_to_another_process() -> None:
    plan = Plan((Group("x", "x", buckets=Buckets((0, 1))),), COUNT, having=(Having("n", "gt", 1),), order=Order("n"))
    assert pickle.loads(pickle.dumps(plan)) == plan
