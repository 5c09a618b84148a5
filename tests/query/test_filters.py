"""The filter grammar and its operators, over plain objects."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.errors import ValidationError
from headwater.query import PlainFields, compile_filter, parse_filter
from headwater.query.operators import OPERATORS

OBJECT: dict[str, Any] = {
    "name": "Articles",
    "count": 5,
    "ratio": 1.0,
    "enabled": True,
    "note": None,
    "tags": ["News", "EU"],
    "metadata": {"team": "search", "versions": [1, 3]},
    "apps": [{"id": "tax_1", "on": True}, {"id": "tax_2"}],
    "created_at": "2026-01-05T09:30:00.000Z",
    "text": "The dog ran; lazy dogs run, and running is fun",
    "place": {"lat": 52.5200, "lon": 13.4050},
    "places": [[2.35, 48.85], {"lat": 0, "lon": 179.5}],
}


def found(filters: Any, item: Any = OBJECT) -> bool:
    return compile_filter(parse_filter(filters))(PlainFields(item))


def condition(field: str, operator: str, value: Any = None, **more: Any) -> dict[str, Any]:
    return {"field": field, "operator": operator, "value": value, **more}


@pytest.mark.parametrize(
    "filters",
    [
        None,
        {},
        {"AND": []},
        {"AND": None, "OR": None, "NOT": None},
        {"name": "Articles"},
        {"count": [4, 5]},
        {"count": {"gte": 5, "lt": 6}},
        {"count": 5.0, "ratio": 1},
        {"payload.name": "Articles"},
        {"apps.id": "tax_2"},
        {"metadata.versions": 3},
        {"note": None},
        {"field": "name", "value": "Articles"},
        {"case_sensitive": False, "field": "name", "value": "Articles"},
        {"AND": [{"case_sensitive": False, "field": "name", "value": "Articles"}], "case_sensitive": False},
        {"OR": [{"name": "x"}, {"enabled": True}]},
        {"NOT": {"name": "x"}},
        {"NOT": [{"name": "x"}, {"count": 6}]},
        condition("missing", "ne", 1),
        condition("tags", "nin", ["x"]),
        condition("name", "contains", "ARTI"),
        condition("tags", "contains", "news"),
        condition("tags", "contains", "News", case_sensitive=True),
        condition("name", "starts_with", "art"),
        condition("name", "ends_with", "LES"),
        condition("name", "text", "icl"),
        condition("metadata.team", "phrase", "Search"),
        condition("note", "exists", True),
        {"field": "note", "operator": "exists"},
        condition("missing", "exists", False),
        condition("note", "is_null", True),
        condition("missing", "is_null", True),
        condition("name", "is_null", False),
        condition("created_at", "gt", "2026-01-05"),
        condition("created_at", "lte", "2026-01-05T10:30:00+01:00"),
        condition("name", "gt", "Apples"),
        condition("tags", "eq", ["News", "EU"]),
        condition("name", "regex", "^art"),
        condition("name", "regex", "ART", case_sensitive=False),
        condition("text", "words", "running dog"),
        condition("text", "phrase", "lazy dogs"),
        condition("place", "geo_radius", {"center": {"lat": 52.52, "lon": 13.40}, "radius": 5000}),
        condition("places", "geo_radius", {"center": {"lat": 48.8, "lon": 2.3}, "radius": 20_000}),
        condition(
            "place",
            "geo_bounding_box",
            {"top_left": {"lat": 53, "lon": 13}, "bottom_right": {"lat": 52, "lon": 14}},
        ),
        condition(
            "place",
            "geo_polygon",
            {"exterior": {"points": [{"lat": 52, "lon": 13}, {"lat": 53, "lon": 13.5}, {"lat": 52, "lon": 14}]}},
        ),
        condition("name", "not_in", ["x"]),
        {"must": [{"key": "name", "value": "Articles"}], "must_not": [{"key": "count", "range": {"gt": 5}}]},
        {"should": [{"key": "name", "match": {"any": ["x", "Articles"]}}]},
    ],
)
def test_these_match(filters: Any) -> None:
    assert found(filters)


@pytest.mark.parametrize(
    "filters",
    [
        {"OR": []},
        {"name": "articles"},
        {"count": "5"},
        {"enabled": 1},
        {"count": True},
        {"missing": None},
        {"NOT": [{"name": "x"}, {"count": 5}]},
        {"AND": [{"name": "Articles"}], "count": 6},
        condition("name", "ne", "Articles"),
        condition("tags", "contains", "New"),
        condition("tags", "contains", "news", case_sensitive=True),
        {"case_sensitive": True, "AND": [condition("name", "contains", "ARTI")]},
        condition("count", "gt", "4"),
        condition("name", "lt", 9),
        condition("name", "gt", "2026-01-05"),
        condition("created_at", "lt", "2026-01-05T10:30:00+01:00"),
        condition("name", "regex", "ART", case_sensitive=True),
        condition("text", "words", "dog cat"),
        condition("text", "phrase", "dogs lazy"),
        condition("place", "geo_radius", {"center": {"lat": 48.8, "lon": 2.3}, "radius": 5000}),
        condition("name", "geo_radius", {"center": {"lat": 48.8, "lon": 2.3}, "radius": 5000}),
        condition("name", "exists", False),
        condition("metadata.team.deeper", "exists", True),
        {"must_not": [{"key": "name", "value": "Articles"}]},
    ],
)
def test_these_do_not_match(filters: Any) -> None:
    assert not found(filters)


@pytest.mark.parametrize(
    ("filters", "location"),
    [
        ([], []),
        ("x", []),
        ({"AND": {"a": 1}}, ["AND"]),
        ({"AND": ["x"]}, ["AND", 0]),
        ({"case_sensitive": "no"}, ["case_sensitive"]),
        (condition("a", "like", 1), []),
        ({"field": "a", "operator": ["eq"]}, []),
        (condition("a", "regex", "("), ["value"]),
        (condition("a", "regex", "(?=a)b"), ["value"]),
        (condition("a", "regex", "a" * 1001), ["value"]),
        (condition("a", "geo_radius", {"center": {"lat": 91, "lon": 0}, "radius": 1}), ["value"]),
        (condition("a", "geo_radius", {"center": {"lat": 1, "lon": 0}}), ["value"]),
        (condition("a", "geo_polygon", {"exterior": {"points": []}}), ["value"]),
        (condition("a", "in", [1] * 10_001), ["value"]),
        (condition("a", "eq", 2**63), ["value"]),
        (condition("searchable_at", "exists", True), []),
        (condition("a" * 1001, "exists", True), []),
        (condition("a", "in", 1), ["value"]),
        (condition("a", "exists", "yes"), ["value"]),
        (condition("a", "starts_with", 1), ["value"]),
        (condition("a", "gt", [1]), ["value"]),
        (condition("a", "eq", {"type": "dynamic", "field": "inputs.x"}), ["value"]),
        (condition("a", "eq", 1, values=2), []),
        ({"a": {"between": [1, 2]}}, ["a"]),
        ({"a": {}}, ["a"]),
        ({"or": [{"a": 1}, {"b": 1}]}, ["or"]),
        ({"NOT": [{"$and": [{"a": 1}]}]}, ["NOT", 0, "$and"]),
        ({"not": {"a": 1}}, ["not"]),
        ({"NOT": [{"filed": "a", "operator": "eq", "value": 1}]}, ["NOT", 0]),
        ({"must": [{"key": "a", "match": {"except": [1]}}]}, ["must", 0]),
        ({"must": [{"is_empty": {"key": "a"}}]}, ["must", 0]),
        ({"must": "a"}, ["must"]),
        ({"OR": [{"a": 1}] * 1001}, ["OR", 1000, "a"]),
    ],
)
def test_these_are_refused_at_their_place(filters: Any, location: list[Any]) -> None:
    with pytest.raises(ValidationError) as refused:
        parse_filter(filters)
    assert refused.value.details is not None
    assert refused.value.details["validation_errors"][0]["location"] == ["body", "filters", *location]


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        ({"price": {"gtee": 5}}, "'price' takes a value, a list of values, or a range of gt, gte, lt, lte, not 'gtee'"),
        ({"field": "a", "op": "eq", "value": 1}, "unknown key 'op' in a condition; it takes field, operator, value"),
        ({"or": [{"a": 1}]}, "groups are written AND, OR and NOT, not 'or'"),
    ],
)
def test_what_is_mistyped_is_named(filters: Any, message: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(message)):
        parse_filter(filters)


def test_fields_may_have_the_names_of_groups_and_operators() -> None:
    assert found({"or": ["x", "y"], "operator": "eq"}, {"or": "y", "operator": "eq"})


def nested(depth: int) -> dict[str, Any]:
    node: dict[str, Any] = {"a": 1}
    for _ in range(depth - 1):
        node = {"AND": [node]}
    return node


def test_ten_deep_and_no_deeper() -> None:
    parse_filter(nested(10))
    with pytest.raises(ValidationError):
        parse_filter(nested(11))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
keys = st.sampled_from(
    ["AND", "OR", "NOT", "field", "operator", "value", "case_sensitive", "must", "should", "must_not", "key", "a"]
)
conditions = st.fixed_dictionaries(
    {"field": st.just("a"), "operator": json_values | st.sampled_from([*OPERATORS]), "value": json_values}
)
nodes = st.recursive(
    json_values | conditions,
    lambda inner: st.dictionaries(keys, inner, max_size=4) | st.lists(inner, max_size=3),
    max_leaves=10,
)


@given(filters=nodes, item=st.dictionaries(st.sampled_from(["a", "b", "field"]), json_values))
def test_any_json_is_a_filter_or_a_validation_error(filters: Any, item: dict[str, Any]) -> None:
    try:
        assert isinstance(found(filters, item), bool)
    except ValidationError:
        return
