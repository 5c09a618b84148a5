"""``update_data`` on a stored document, as a table and against a plain model."""

from __future__ import annotations

import copy
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.errors import ValidationError
from headwater.store.documents.merge import Stored
from headwater.store.documents.projection import payloads_of, project
from headwater.store.documents.update_data import apply_update, parse_update


def updated(
    own: dict[str, Any], update: dict[str, Any], *, payload: dict[str, Any] | None = None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The stored root and ``_internal`` afterwards."""
    features = [] if payload is None else [{"feature_extractor_id": "f_v1", "payload": copy.deepcopy(payload)}]
    own = copy.deepcopy(own)
    internal = {"metadata": {"ingestion_status": "COMPLETED"}, "features": features}
    shown, _ = project(own, payloads_of(features))
    stored = Stored(shown, own, internal)
    apply_update(stored, parse_update(update, {"f_v1_e"}, ["body"]))
    return stored.own, stored.internal


@pytest.mark.parametrize(
    ("own", "update", "expected"),
    [
        ({"a": {"x": 1, "y": 2}}, {"a": {"x": 3}}, {"a": {"x": 3}}),
        ({"a": {"x": 1, "y": 2}}, {"a.x": 3}, {"a": {"x": 3, "y": 2}}),
        ({"metadata": {"a": 1, "b": 2}}, {"metadata": {"b": 3}}, {"metadata": {"b": 3}}),
        ({"metadata": {"a": 1, "b": 2}}, {"metadata.b": 3}, {"metadata": {"a": 1, "b": 3}}),
        ({}, {"metadata.b.c": 3}, {"metadata": {"b": {"c": 3}}}),
        ({"a": 1}, {"a": None}, {"a": None}),
        ({"metadata": {"a": 1, "b": 2}}, {"metadata.a": None}, {"metadata": {"a": None, "b": 2}}),
        ({"metadata": {"a": 1}}, {"metadata": None}, {"metadata": None}),
        ({"metadata": None}, {"metadata.a": 1}, {"metadata": {"a": 1}}),
        ({"a": {"x": None}}, {"a.x.y": 1}, {"a": {"x": {"y": 1}}}),
        # A key without dots is one of the root, even where metadata showed the name.
        ({"metadata": {"brand": "A"}}, {"brand": "B"}, {"metadata": {"brand": "A"}, "brand": "B"}),
        # A leaf has its neighbours where the document shows them.
        ({"metadata": {"size": {"s": 1, "m": 2}}}, {"size.s": 3}, {"metadata": {"size": {"s": 3, "m": 2}}}),
        ({"a.b": 1, "a": {"b": 1}}, {"a.b": 2}, {"a.b": 2, "a": {"b": 1}}),
        ({"a": 1}, {"a.": 2, ".a": 3, "a..b": 4}, {"a": 1, "a.": 2, ".a": 3, "a..b": 4}),
        ({}, {"metadata": {"a": 1}, "metadata.b": 2}, {"metadata": {"a": 1, "b": 2}}),
        ({}, {}, {}),
    ],
)
def test_semantics(own: dict[str, Any], update: dict[str, Any], expected: dict[str, Any]) -> None:
    assert updated(own, update)[0] == expected


def test_a_root_key_hides_the_payload_and_leaves_it_alone() -> None:
    own, internal = updated({}, {"text": "new"}, payload={"text": "old"})
    assert own == {"text": "new"}
    assert internal["features"][0]["payload"] == {"text": "old"}


def test_system_names_change_what_they_change_in_a_patch() -> None:
    blobs = [{"url": "https://a/b"}]
    update = {"content_hash": "h", "source_blobs": blobs, "internal_metadata": {"run": 7}, "internal_metadata.x.y": 1}
    own, internal = updated({"a": 1}, update)
    assert own == {"a": 1}
    assert (internal["content_hash"], internal["source_blobs"]) == ("h", blobs)
    assert internal["metadata"] == {"ingestion_status": "COMPLETED", "run": 7, "x": {"y": 1}}


@pytest.mark.parametrize(
    "key",
    [
        "vectors",
        "features",
        "features.0",
        "f_v1_e",
        "f_v1_e.x",
        "document_id",
        "collection_id",
        "_internal",
        "_internal.metadata",
        "_schema_violations",
        "searchable_at",
        "_vectors",
        "lineage_chain.x",
        "source_blobs.url",
    ],
)
def test_what_cannot_be_changed_is_refused_by_name(key: str) -> None:
    with pytest.raises(ValidationError, match=key.partition(".")[0]) as refused:
        parse_update({"fine": 1, key: 1}, {"f_v1_e"}, ["body", "update_data"])
    [item] = (refused.value.details or {})["validation_errors"]
    assert item["location"] == ["body", "update_data", key]


@pytest.mark.parametrize(
    ("update", "place"),
    [
        ({"metadata": "text"}, "metadata"),
        ({"source_type": "x"}, "source_type"),
        ({"root_object_id": 7}, "root_object_id"),
        ({"document_blobs": [{}]}, "document_blobs"),
        ({"internal_metadata": 1}, "internal_metadata"),
    ],
)
def test_malformed_system_fields_are_refused(update: dict[str, Any], place: str) -> None:
    with pytest.raises(ValidationError) as refused:
        parse_update(update, (), ["body"])
    [item] = (refused.value.details or {})["validation_errors"]
    assert item["location"][:2] == ["body", place]


@pytest.mark.parametrize("value", ["text", 1, True, ["list"]])
def test_a_path_through_what_is_no_object_is_refused(value: Any) -> None:
    with pytest.raises(ValidationError, match="not an object"):
        updated({"a": {"b": value}}, {"a.b.c": 1})


def model(root: dict[str, Any], update: dict[str, Any]) -> dict[str, Any] | None:
    """The rules in a dozen lines of plain Python; None where a path leads through no object."""
    root = copy.deepcopy(root)
    for key, value in update.items():
        *steps, leaf = key.split(".")
        place = root
        for step in steps:
            if place.get(step) is None:
                place[step] = {}
            place = place[step]
            if not isinstance(place, dict):
                return None
        place[leaf] = copy.deepcopy(value)
    return root


names = st.sampled_from(["a", "b", "c"])
values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text("xy", max_size=2),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(names, inner, max_size=3),
    max_leaves=6,
)
keys = st.lists(names, min_size=1, max_size=3).map(".".join)


@given(st.dictionaries(names, values, max_size=3), st.dictionaries(keys, values, max_size=4))
def test_equals_the_plain_model(root: dict[str, Any], update: dict[str, Any]) -> None:
    expected = model(root, update)
    if expected is None:
        with pytest.raises(ValidationError):
            updated(root, update)
    else:
        assert updated(root, update)[0] == expected


@given(st.dictionaries(names, values, max_size=3), st.dictionaries(keys, values, max_size=4))
def test_metadata_leaves_equal_the_plain_model(metadata: dict[str, Any], update: dict[str, Any]) -> None:
    expected = model(metadata, update)
    sent = {f"metadata.{key}": value for key, value in update.items()}
    if expected is None:
        with pytest.raises(ValidationError):
            updated({"metadata": metadata}, sent)
    else:
        assert updated({"metadata": metadata}, sent)[0] == {"metadata": expected}


def test_an_update_is_empty_only_when_it_asks_for_nothing() -> None:
    assert parse_update({}, (), []).empty
    assert not parse_update({"a": None}, (), []).empty
    assert not parse_update({"content_hash": "x"}, (), []).empty
    packed = msgspec.msgpack.encode(parse_update({}, (), []))
    assert msgspec.msgpack.decode(packed, type=type(parse_update({}, (), []))).empty
