"""Random documents and filters: what is compiled agrees with the plain model."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.query import Fields, compile_filter, parse_filter
from headwater.query.fields import body_decoder
from headwater.query.filters import paths_of
from tests.query import model

NAMES = ["a", "b", "metadata", "modality", "status", "created_at", "lineage_path"]
PATHS = [*NAMES, "a.b", "a.a.b", "b.a", "payload.a", "metadata.a", "metadata.status", "object_id", "absent"]
TEXTS = ["", "a", "A", "Ab", "abc", "İ", "ß", "1", "true"]
DATES = ["2026-01-05", "2026-01-05T09:30:00Z", "2026-01-05T10:30:00+01:00", "2026-01-05T09:30:00.5", "2026-13-05"]

scalars = st.sampled_from([None, True, False, 0, 1, 1.0, -2, 2.5, *TEXTS, *DATES])
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "status"]), inner, max_size=2)
    ),
    max_leaves=6,
)
bodies = st.fixed_dictionaries(
    {},
    optional={name: values for name in NAMES if name != "metadata"}
    | {"metadata": st.dictionaries(st.sampled_from(["a", "status", "b"]), values, max_size=3)},
)
internals = st.fixed_dictionaries(
    {"created_at": st.sampled_from(DATES[:4]), "metadata": st.dictionaries(st.sampled_from(["a", "status"]), values)},
    optional={
        "modality": st.sampled_from(TEXTS),
        "lineage": st.fixed_dictionaries({"root_object_id": st.sampled_from(TEXTS), "path": st.sampled_from(TEXTS)}),
    },
)

orderable = st.sampled_from([0, 1, 1.5, *TEXTS, *DATES])
ranges = st.tuples(st.sampled_from(["gt", "gte", "lt", "lte"]), orderable)
operations = st.one_of(
    st.tuples(st.sampled_from(["eq", "ne"]), scalars | st.lists(scalars, max_size=2)),
    ranges,
    st.tuples(st.sampled_from(["in", "nin"]), st.lists(scalars, max_size=3)),
    st.tuples(st.just("contains"), st.sampled_from([True, 1, 2.5, *TEXTS])),
    st.tuples(st.sampled_from(["starts_with", "ends_with", "text"]), st.sampled_from([t for t in TEXTS if t])),
    st.tuples(st.sampled_from(["exists", "is_null"]), st.booleans()),
)


def _condition(path: str, operation: tuple[str, Any], sensitive: bool | None) -> dict[str, Any]:
    operator, value = operation
    extra = {} if sensitive is None else {"case_sensitive": sensitive}
    return {"field": path, "operator": operator, "value": value, **extra}


paths = st.sampled_from(PATHS)
conditions = st.one_of(
    st.builds(_condition, paths, operations, st.sampled_from([None, True, False])),
    st.builds(lambda path, value: {path: value}, paths, scalars | st.lists(scalars, min_size=1, max_size=2)),
    st.builds(lambda path, given: {path: {given[0]: given[1]}}, paths, ranges),
)
filters = st.recursive(
    conditions,
    lambda inner: st.fixed_dictionaries(
        {},
        optional={
            "AND": st.lists(inner, max_size=2),
            "OR": st.lists(inner, max_size=3),
            "NOT": st.lists(inner, max_size=2) | inner,
            "case_sensitive": st.booleans(),
        },
    ),
    max_leaves=4,
)


def assert_agrees(body: dict[str, Any], internal: dict[str, Any], wanted: dict[str, Any]) -> None:
    body = body.get("metadata", {}) | body  # as it is stored: metadata shows at the root where nothing else does
    expected = model.holds(body | {"_internal": internal}, wanted)
    parsed = parse_filter(wanted)
    predicate = compile_filter(parsed)
    for decode in (msgspec.json.decode, body_decoder(tuple(paths_of(parsed)))):
        found = Fields("d", "c", msgspec.json.encode(body), msgspec.json.encode(internal), b"[]", decode)
        assert predicate(found) is expected


@settings(max_examples=1500, derandomize=True)
@given(bodies, internals, filters)
def test_filters_mean_what_the_model_says(body: Any, internal: Any, wanted: Any) -> None:
    assert_agrees(body, internal, wanted)


@pytest.mark.long
@settings(max_examples=100_000)
@given(bodies, internals, filters)
def test_filters_mean_what_the_model_says_for_long(body: Any, internal: Any, wanted: Any) -> None:
    assert_agrees(body, internal, wanted)
