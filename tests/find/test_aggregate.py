"""Random documents, plans and filters: the answer of the plain model, whatever is indexed."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from headwater.errors import QueryTimeoutError, ValidationError
from headwater.query import parse_filter
from headwater.query.aggregate import Buckets, Group, Metric, Plan
from headwater.query.aggregate.plan import Function
from headwater.store.aggregate import aggregate_documents, facets
from headwater.store.find import Budget, BudgetExceededError, Query
from tests.find.warehouse import NAMESPACE_ROW, Warehouse
from tests.query.aggregate_model import model

PATHS = ["a", "b", "tags", "at", "a.x"]
scalars = st.sampled_from(
    [None, True, False, 0, 1, 1.0, 2, 2.5, 0.1, "", "a", "B", "1", "x" * 300, "2026-01-05", "2026-01-05T01:00:00+01:00"]
)
bodies = st.fixed_dictionaries(
    {"a": st.sampled_from([0, 1, 1.0, 2, True, "a", None])},
    optional={
        "b": st.one_of(st.sampled_from([0.1, 0.2, 3, 1e300, 2**53 + 1]), scalars, st.just({"x": 1})),
        "tags": st.one_of(scalars, st.lists(scalars, max_size=4)),
        "at": st.sampled_from(["2026-01-05", "2026-01-05T00:00:00Z", "2025-12-29T10:00:00Z", "soon", 5]),
    },
)
paths = st.sampled_from(PATHS)
groups = st.one_of(
    st.builds(lambda path: {"path": path}, paths),
    st.builds(lambda path: {"path": path}, paths),
    st.just({"path": "at", "date_trunc": "month"}),
    st.just({"path": "at", "date_part": "dayOfWeek"}),
    st.builds(lambda path: {"path": path, "buckets": Buckets((0, 1, 2))}, paths),
)
filters = st.sampled_from(
    [None, None, {"a": 1}, {"tags": "a"}, {"NOT": [{"b": {"gte": 1}}]}, {"field": "a", "operator": "ne", "value": True}]
)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    functions = st.one_of(st.just("count"), st.sampled_from(get_args(Function)))
    found = draw(st.lists(groups, max_size=2))
    return Plan(
        tuple(Group(f"g{number}", **group) for number, group in enumerate(found)),
        tuple(
            Metric(f"m{number}", function, None if function == "count" else draw(paths))
            for number, function in enumerate(draw(st.lists(functions, min_size=1, max_size=3)))
        ),
        unwind=draw(st.sampled_from([None, None, None, "tags"])),
    )


def run(warehouse: Warehouse, function: Any, *arguments: Any, budget: Budget | None = None) -> Any:
    budget = budget or Budget(seconds=60)
    with budget.watch(warehouse.connection):
        return function(warehouse.connection, budget, *arguments)


def exact(value: Any) -> str:
    """Tells 1 from 1.0 and from true."""
    return repr(value)


@hypothesis_settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(bodies, max_size=8), st.lists(plans(), min_size=3, max_size=6), filters, st.sets(paths))
def test_answers_do_not_depend_on_what_is_indexed(
    found: list[dict[str, Any]], some_plans: list[Plan], filter_: Any, indexed: set[str]
) -> None:
    with tempfile.TemporaryDirectory() as directory:
        warehouse = Warehouse(Path(directory))
        warehouse.index(sorted(indexed), 1)
        for number, body in enumerate(found):
            warehouse.put(f"one-{number}", body, 1)
            warehouse.put(f"two-{number}", body, 2)
        for plan in some_plans:
            here, there = (Query(NAMESPACE_ROW, (row,), parse_filter(filter_)) for row in (1, 2))
            by_index, by_scan = (run(warehouse, aggregate_documents, query, plan).rows for query in (here, there))
            assert exact(by_index) == exact(by_scan)
            if filter_ is None:
                assert by_index == model(plan, [json.loads(json.dumps(body)) for body in found])
        warehouse.close()


@pytest.fixture
def warehouse(tmp_path: Path) -> Any:
    warehouse = Warehouse(tmp_path)
    warehouse.index(["kind", "price", "tags"])
    for number in range(200):
        body = {"kind": f"k{number % 3}", "price": number / 4, "tags": ["t", f"t{number % 2}"], "other": number % 5}
        warehouse.put(f"doc-{number:03}", body)
    yield warehouse
    warehouse.close()


QUERY = Query(NAMESPACE_ROW, (1,))
COUNT = (Metric("n", "count"),)
KIND = (Group("kind", "kind"),)


@pytest.mark.parametrize(
    ("plan", "filter_"),
    [
        (Plan(KIND, COUNT), None),
        (Plan((Group("tags", "tags"),), COUNT), None),
        (Plan(KIND, (*COUNT, Metric("s", "sum", "price"), Metric("m", "max", "price"))), None),
        (Plan((*KIND, Group("tags", "tags")), (Metric("m", "avg", "price"),)), None),
        (Plan((Group("p", "price", buckets=Buckets((0, 10, 20))),), COUNT), None),
        (Plan(KIND, (Metric("tags", "add_to_set", "tags"),)), {"price": {"lt": 20}}),
        (Plan(KIND, COUNT), {"AND": [{"tags": "t1"}, {"price": {"gte": 1}}]}),
    ],
)
def test_indexed_paths_are_answered_without_reading_documents(warehouse: Warehouse, plan: Plan, filter_: Any) -> None:
    query = Query(NAMESPACE_ROW, (1,), parse_filter(filter_))
    found = run(warehouse, aggregate_documents, query, plan)
    assert found.explain.rows_read == 0
    assert set(found.explain.indexed) == {*plan.paths, *query.paths}
    assert found.explain.unindexed == []


@pytest.mark.parametrize(
    ("plan", "unindexed"),
    [
        (Plan((*KIND, Group("other", "other")), COUNT), ["other"]),
        # To index more would not help these.
        (Plan(KIND, (Metric("first", "first", "price"),)), []),
        (Plan((Group("tags", "tags"),), COUNT, unwind="tags"), []),
        (Plan((Group("t", "tags", date_trunc="day"),), COUNT), []),
    ],
)
def test_what_the_index_does_not_hold_is_read(warehouse: Warehouse, plan: Plan, unindexed: list[str]) -> None:
    found = run(warehouse, aggregate_documents, QUERY, plan)
    assert found.explain.rows_read == 200
    assert found.explain.unindexed == unindexed


def test_long_strings_are_read_from_the_documents(warehouse: Warehouse) -> None:
    warehouse.put("long", {"kind": "y" * 300})
    found = run(warehouse, aggregate_documents, QUERY, Plan(KIND, COUNT))
    assert found.rows[-1] == ({"kind": "y" * 300}, {"n": 1})
    assert found.explain.rows_read == 201


def test_budgets_hold(warehouse: Warehouse) -> None:
    scanned = Plan((Group("other", "other"),), COUNT)
    by_columns = Plan(KIND, (Metric("s", "sum", "price"),))
    for plan in (scanned, by_columns):
        with pytest.raises(BudgetExceededError):
            run(warehouse, aggregate_documents, QUERY, plan, budget=Budget(rows=150))
        with pytest.raises(QueryTimeoutError):
            run(warehouse, aggregate_documents, QUERY, plan, budget=Budget(seconds=-1))
    assert len(run(warehouse, aggregate_documents, QUERY, Plan(KIND, COUNT), budget=Budget(rows=150)).rows) == 3


@pytest.mark.parametrize("indexed", [True, False])
def test_too_many_groups_are_refused(warehouse: Warehouse, indexed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headwater.query.aggregate.engine.MemoryBudget.__init__.__defaults__", (100, 1 << 20))
    name = "price" if indexed else "fresh"
    for number in range(200):
        warehouse.put(f"doc-{number:03}", {name: number})
    with pytest.raises(ValidationError, match="more than 100 groups") as caught:
        run(warehouse, aggregate_documents, QUERY, Plan((Group("g", name),), COUNT))
    assert caught.value.code == "aggregation_too_large"


def test_facets(warehouse: Warehouse) -> None:
    warehouse.put("more", {"kind": "k1", "tags": [], "other": None})
    found = run(warehouse, facets, QUERY, ["kind", "other", "tags", "nothing"], 2)
    assert found.values == {
        "kind": [("k0", 67), ("k1", 68)][::-1],
        "other": [(0, 40), (1, 40)],
        "tags": [("t", 200), ("t0", 100)],
        "nothing": [],
    }
    assert found.explain.rows_read == 201
    query = Query(NAMESPACE_ROW, (1,), parse_filter({"kind": "k2"}))
    assert run(warehouse, facets, query, ["tags"], None).values == {"tags": [("t", 66), ("t0", 33), ("t1", 33)]}
