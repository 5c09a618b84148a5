"""Random documents, filters, orders and groups: the same answer as looking at each document, whatever is indexed."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from headwater.query import parse_filter, sort_rank
from headwater.query.operators import OPERATORS
from headwater.store.documents.records import DocumentRow
from headwater.store.find import (
    Budget,
    Order,
    Partition,
    Position,
    Query,
    candidates,
    count,
    fields_of,
    find_groups,
    find_page,
    walk,
)
from headwater.store.find.grouping import group_values
from tests.find.warehouse import NAMESPACE_ROW, Warehouse, plenty

PATHS = ["a", "b", "a.x", "tags", "metadata.m", "m", "day", "document_id", "missing"]

scalars = st.sampled_from(
    [None, True, False, 0, 1, 1.0, 2, -1.5, "", "a", "A", "ab", "b", "1", "2026-01-05", "2026-01-05T10:00:00+01:00"]
)
values = st.one_of(
    scalars,
    st.lists(scalars, max_size=3),
    st.fixed_dictionaries({}, optional={"x": scalars}),
    st.just([{"x": 1}, {"x": "a"}]),
)
bodies = st.fixed_dictionaries(
    {},
    optional={
        "a": values,
        "b": values,
        "tags": st.lists(scalars, max_size=4),
        "day": st.sampled_from(["2026-01-05", "2026-01-04T23:00:00Z", "soon", 5]),
        "metadata": st.fixed_dictionaries({}, optional={"m": values}),
    },
)


def _conditions() -> st.SearchStrategy[dict[str, Any]]:
    path = st.sampled_from(PATHS)
    one = st.builds(
        lambda field, operator, value, sensitive: {
            "field": field,
            "operator": operator,
            "value": value,
            "case_sensitive": sensitive,
        },
        path,
        st.sampled_from(["eq", "ne"]),
        scalars | st.lists(scalars, max_size=2),
        st.booleans(),
    )
    ordered = st.builds(
        lambda field, operator, value: {"field": field, "operator": operator, "value": value},
        path,
        st.sampled_from(["gt", "gte", "lt", "lte"]),
        st.sampled_from([0, 1, 1.5, "a", "b", "2026-01-05", "2026-01-05T09:00:00Z", ""]),
    )
    many = st.builds(
        lambda field, operator, value: {"field": field, "operator": operator, "value": value},
        path,
        st.sampled_from(["in", "nin"]),
        st.lists(scalars, max_size=4),
    )
    flags = st.builds(
        lambda field, operator, value: {"field": field, "operator": operator, "value": value},
        path,
        st.sampled_from(["exists", "is_null"]),
        st.booleans(),
    )
    texts = st.builds(
        lambda field, operator, value, sensitive: {
            "field": field,
            "operator": operator,
            "value": value,
            "case_sensitive": sensitive,
        },
        path,
        st.sampled_from(["starts_with", "ends_with", "contains", "text", "regex", "phrase"]),
        st.sampled_from(["", "a", "A", "b", "1", "d1"]),
        st.booleans(),
    )
    return one | ordered | many | flags | texts


filters = st.recursive(
    _conditions(),
    lambda inner: st.builds(
        lambda kind, parts: {kind: parts}, st.sampled_from(["AND", "OR", "NOT"]), st.lists(inner, max_size=3)
    ),
    max_leaves=5,
)
orders = st.builds(Order, st.none() | st.sampled_from(PATHS), st.booleans())


@contextmanager
def warehouse() -> Iterator[Warehouse]:
    with tempfile.TemporaryDirectory() as folder:
        made = Warehouse(Path(folder))
        try:
            yield made
        finally:
            made.close()


def fill_by_steps(house: Warehouse, data: st.DataObject) -> None:
    """Documents, changes, deletions and paths in a random order; at the end some paths may still be being filled."""
    number = 0
    for step in data.draw(st.lists(st.sampled_from("ppppppcdifx"), min_size=4, max_size=30), label="steps"):
        if step == "p":
            number += 1
            house.put(f"d{number * 7 % 11}-{number}", data.draw(bodies), data.draw(st.sampled_from([1, 1, 2])))
        elif step == "c" and house.documents:
            house.put(data.draw(st.sampled_from(sorted(house.documents))), data.draw(bodies))
        elif step == "d" and house.documents:
            house.delete(data.draw(st.sampled_from(sorted(house.documents))))
        elif step == "i":
            house.index(data.draw(st.lists(st.sampled_from(PATHS), max_size=4)), data.draw(st.sampled_from([1, 2])))
        elif step == "f":
            house.fill(data.draw(st.integers(1, 5)), data.draw(st.sampled_from([1, 2])))
        elif step == "x":
            house.drop(data.draw(st.lists(st.sampled_from(PATHS), max_size=2)))
    if data.draw(st.booleans(), label="finish filling"):
        house.fill_all()


def draw_query(data: st.DataObject) -> Query:
    return Query(
        NAMESPACE_ROW,
        data.draw(st.sampled_from([(1,), (1, 2)])),
        parse_filter(data.draw(st.none() | filters, label="filter")),
        search=data.draw(st.sampled_from([None, None, "a", "D1"])),
        partition=data.draw(st.sampled_from([None, None, Partition(1, 3)])),
    )


def in_order(documents: list[DocumentRow], order: Order) -> list[str]:
    """The plain meaning of an order: stable sorts, last what has no value."""
    if order.path is None:
        by_id = sorted(documents, key=lambda document: document.document_id)
        return [d.document_id for d in sorted(by_id, key=lambda d: d.created_at, reverse=order.descending)]
    path = order.path
    ranked = sorted(
        ((sort_rank(fields_of(d).values_at(path), order.descending), d.document_id) for d in documents),
        key=lambda pair: pair[1],
    )
    valued = [pair for pair in ranked if pair[0] is not None]
    valued.sort(key=lambda pair: pair[0] or (0, 0), reverse=order.descending)
    return [name for _, name in valued] + [name for rank, name in ranked if rank is None]


def pages(house: Warehouse, query: Query, order: Order, limit: int) -> list[str]:
    found: list[str] = []
    after: Position | None = None
    while True:
        page = find_page(house.connection, query, order, budget=plenty(), after=after, limit=limit)
        found += [document.document_id for document in page.documents]
        if not page.has_more:
            return found
        assert page.last is not None
        after = page.last


@given(data=st.data())
@hypothesis_settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_answer_is_that_of_looking_at_each_document(data: st.DataObject) -> None:
    with warehouse() as house:
        fill_by_steps(house, data)
        for _ in range(6):
            # So few documents would always be collected; large sets are looked for in other ways.
            with mock.patch.object(candidates, "_DIRECT", data.draw(st.sampled_from([-1, 4096]))):
                check(house, draw_query(data), data.draw(orders), data)


def check(house: Warehouse, query: Query, order: Order, data: st.DataObject) -> None:
    expected = house.matching(query)
    names = [document.document_id for document in expected]
    assert count(house.connection, query, budget=plenty()).total == len(names)
    assert [d.document_id for batch in walk(house.connection, query, budget=plenty(), batch=2) for d in batch] == names
    sorted_names = in_order(expected, order)
    assert pages(house, query, order, data.draw(st.integers(1, 5))) == sorted_names
    offset = data.draw(st.integers(0, 4))
    page = find_page(house.connection, query, order, budget=plenty(), offset=offset, limit=3)
    assert [document.document_id for document in page.documents] == sorted_names[offset : offset + 3]
    check_groups(house, query, expected, data.draw(st.sampled_from(PATHS)))


def check_groups(house: Warehouse, query: Query, expected: list[DocumentRow], path: str) -> None:
    groups: dict[Any, list[str]] = {}
    for document in expected:
        for rank in group_values(fields_of(document).values_at(path)):
            groups.setdefault(rank, []).append(document.document_id)
    ranks = sorted(groups, key=lambda rank: (rank[0], 0 if rank[1] is None else rank[1]))
    found = []
    after = None
    while True:
        page = find_groups(house.connection, query, path, budget=plenty(), after=after, limit=2, documents_per_group=2)
        assert page.total_groups == len(ranks)
        found += page.groups
        if not page.has_more:
            break
        after = page.last
    assert [group.value for group in found] == [rank[1] for rank in ranks]
    assert [type(group.value) for group in found] == [type(rank[1]) for rank in ranks]
    assert [group.count for group in found] == [len(groups[rank]) for rank in ranks]
    assert [[d.document_id for d in group.documents] for group in found] == [groups[rank][:2] for rank in ranks]


def test_every_operator_takes_part() -> None:
    drawn = {"eq", "ne", "gt", "gte", "lt", "lte", "in", "nin", "exists", "is_null", "starts_with", "ends_with"}
    drawn |= {"contains", "text", "regex", "phrase"}
    assert set(OPERATORS) - drawn == {"words", "geo_radius", "geo_bounding_box", "geo_polygon"}


def test_long_strings_and_long_arrays_are_found_all_the_same() -> None:
    with warehouse() as house:
        house.index(["text", "many"])
        long = "x" * 300
        house.put("one", {"text": long + "1", "many": list(range(1500))})
        house.put("two", {"text": long + "2", "many": [5000]})
        house.put("three", {"text": "y", "many": 700})
        for condition in (
            {"text": long + "2"},
            {"text": {"gt": long + "1"}},
            {"many": 1200},
            {"many": 700},
            {"many": {"gte": 1400}},
            {"NOT": [{"many": 1200}]},
            {"field": "text", "operator": "starts_with", "value": "XX"},
        ):
            query = Query(NAMESPACE_ROW, (1,), parse_filter(condition))
            names = [document.document_id for document in house.matching(query)]
            assert names, condition
            assert pages(house, query, Order(), 1) == names
            assert count(house.connection, query, budget=plenty()).total == len(names)
        everything = Query(NAMESPACE_ROW, (1,))
        assert pages(house, everything, Order("text"), 1) == ["one", "two", "three"]
        assert pages(house, everything, Order("many", descending=True), 1) == ["two", "one", "three"]
        assert len(find_groups(house.connection, everything, "text", budget=plenty()).groups) == 3


def test_a_query_stops_at_its_bounds() -> None:
    from headwater.errors import QueryTimeoutError
    from headwater.store.find import BudgetExceededError

    with warehouse() as house:
        for number in range(200):
            house.put(f"d{number}", {"a": number})
        query = Query(NAMESPACE_ROW, (1,), parse_filter({"a": {"gt": 500}}))
        with pytest.raises(BudgetExceededError):
            count(house.connection, query, budget=Budget(rows=100))
        with pytest.raises(QueryTimeoutError):
            count(house.connection, query, budget=Budget(seconds=0))


def test_the_principal_sees_what_the_acl_allows() -> None:
    with warehouse() as house:
        house.put("none", {})
        for name, acl in (
            ("own", {"owner": "p", "read": [], "write": []}),
            ("read", {"owner": "q", "read": ["x", "p"], "write": []}),
            ("write", {"read": [], "write": ["p"]}),
            ("public", {"owner": "q", "public": True}),
            ("other", {"owner": "q", "public": False}),
        ):
            house.put(name, {}, _acl=acl)
        query = Query(NAMESPACE_ROW, (1,), principal="p")
        assert sorted(pages(house, query, Order(), 2)) == ["own", "public", "read", "write"]
