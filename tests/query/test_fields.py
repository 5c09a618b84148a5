"""Paths: what a document has at them, by whichever name."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.query import AllOf, AnyOf, Condition, Fields, Filter, Not, matches, parse_filter
from headwater.query.fields import body_decoder, internal_decoder

BODY: dict[str, Any] = {
    "brand": "Acme",
    "metadata": {"status": "draft", "brand": "Other"},
    "status": "draft",
    "shots": [{"tags": ["a", "b"]}, {"tags": ["c"]}, {"other": 1}],
    "camera.model": "X1",
    "empty": [],
    "source_type": "mine",
}
INTERNAL: dict[str, Any] = {
    "created_at": "2026-01-05T09:30:00.000Z",
    "modality": "text",
    "metadata": {"ingestion_status": "COMPLETED", "nested": {"deep": 1}},
    "lineage": {
        "root_object_id": "obj_1",
        "path": "bkt_1/col_1",
        "source_type": "bucket",
        "chain": [{"document_id": "d"}],
    },
    "features": [{"payload": {"text": "hi"}}],
}


def fields_of(body: dict[str, Any], paths: tuple[str, ...] | None = None) -> Fields:
    decoders = () if paths is None else (body_decoder(paths), internal_decoder(paths))
    blobs = msgspec.json.encode([{"url": "s3://x", "type": "video"}])
    return Fields("doc_1", "col_1", msgspec.json.encode(body), msgspec.json.encode(INTERNAL), blobs, *decoders)


@pytest.mark.parametrize("name", ['a"]; DROP TABLE', "a\\b", "a\0b", "a\nb", "\u202eשם"])
def test_members_may_have_any_name(name: str) -> None:
    assert fields_of({name: 1, "b": 2}, (name, "b")).values_at(name) == [1]


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("brand", ["Acme"]),
        ("metadata.brand", ["Other"]),
        ("payload.brand", ["Acme"]),
        ("document_id", ["doc_1"]),
        ("collection_id", ["col_1"]),
        ("shots.tags", [["a", "b"], ["c"]]),
        ("empty", [[]]),
        ("camera.model", ["X1"]),
        ("missing", []),
        ("brand.deeper", []),
        ("created_at", ["2026-01-05T09:30:00.000Z"]),
        ("_internal.created_at", ["2026-01-05T09:30:00.000Z"]),
        ("root_object_id", ["obj_1"]),
        ("object_id", ["obj_1"]),
        ("lineage_path", ["bkt_1/col_1"]),
        ("lineage_chain.document_id", ["d"]),
        ("source_type", ["mine"]),
        ("features.payload.text", ["hi"]),
        ("ingestion_status", ["COMPLETED"]),
        ("metadata.ingestion_status", ["COMPLETED"]),
        ("nested.deep", [1]),
        ("document_blobs.type", ["video"]),
        ("searchable_at", []),
        ("_internal", [INTERNAL]),
        ("payload._internal.modality", ["text"]),
        ("payload.payload.lineage_path", ["bkt_1/col_1"]),
        ("_internal.nothing", []),
    ],
)
def test_values_at_a_path(path: str, values: list[Any]) -> None:
    assert fields_of(BODY).values_at(path) == values
    assert fields_of(BODY, (path,)).values_at(path) == values


names = st.text(alphabet="ab.", min_size=1, max_size=3)
documents = st.recursive(
    st.integers(0, 3) | st.text(max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=12,
)


@given(body=st.dictionaries(names, documents, max_size=4), path=names.filter(lambda name: name.strip(".") != ""))
def test_decoding_only_what_a_path_needs_changes_nothing(body: dict[str, Any], path: str) -> None:
    assert fields_of(body, (path,)).values_at(path) == fields_of(body).values_at(path)


def test_a_filter_survives_the_way_to_another_process() -> None:
    parsed = parse_filter({"AND": [{"a": 1}, {"NOT": [{"b": {"gte": "2026-01-01"}}]}, {"OR": [{"c": [1, "x", None]}]}]})
    assert isinstance(parsed, AllOf)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(parsed), type=Filter) == parsed
    assert isinstance(parsed.parts[1], Not)
    assert isinstance(parsed.parts[2], AnyOf | Condition)


def test_user_fields_outrank_system_fields_of_the_same_name() -> None:
    assert matches(fields_of(BODY), parse_filter({"source_type": "mine", "modality": "text"}))
