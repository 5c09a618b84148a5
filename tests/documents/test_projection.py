"""Properties of the projection: what is stored can always be told from what is shown, and echoes change nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.catalog.database import open_writer
from headwater.catalog.tables.collections import Collection
from headwater.catalog.tables.namespaces import load_namespace
from headwater.store.documents import write
from headwater.store.documents.content import changes_of, content_of, parse
from headwater.store.documents.merge import Stored, apply_changes, decode_stored
from headwater.store.documents.projection import (
    RESERVED,
    payloads_of,
    project,
    same_json,
    stored_root,
    supplied,
    without_echoes,
)
from headwater.store.documents.records import DocumentRow
from headwater.store.documents.render import render_document
from headwater.store.transaction import Transaction

#: Few names, so that root, metadata and payloads meet; some of them reserved, odd or dotted.
NAMES = st.sampled_from(["a", "b", "c", "", "a.b", "ü", "document_id", "_internal", "features", "searchable_at"])
SCALARS = st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from([0.0, 1.0, 2.5]) | st.text(max_size=3)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=2), max_leaves=4
)
MAPS = st.dictionaries(NAMES, VALUES, max_size=4)
PLAIN_MAPS = st.dictionaries(NAMES.filter(lambda name: name not in RESERVED), VALUES, max_size=4)
FEATURES = st.lists(
    st.fixed_dictionaries({"feature_extractor_id": st.just("f_v1")}, optional={"payload": MAPS}), max_size=2
)


@st.composite
def bodies(draw: Any) -> dict[str, Any]:
    body: dict[str, Any] = draw(PLAIN_MAPS)
    if draw(st.booleans()):
        body["metadata"] = draw(MAPS)
    if draw(st.booleans()):
        body["features"] = draw(FEATURES)
    return body


def parsed(body: dict[str, Any]) -> Any:
    return parse(body, indexes=[], max_width=8)


def row_of(body: dict[str, Any]) -> DocumentRow:
    """The columns that a create makes of the body, without a database."""
    content = content_of(parsed(body))
    features = [msgspec.json.decode(feature.fragment) for feature in content.features]
    return DocumentRow(
        document_row=1,
        namespace_row=1,
        collection_row=1,
        document_id="doc_1",
        sequence=1,
        created_at=0,
        updated_at=0,
        body=content.body,
        derived=content.derived,
        internal=msgspec.json.encode({"features": features}),
        blobs=None,
        lineage_sent=None,
        root_object_id=None,
        parent_document_id=None,
        collection_id="col_1",
    )


def fetched(row: DocumentRow) -> dict[str, Any]:
    document: dict[str, Any] = msgspec.json.decode(render_document(row))
    return document


def user_fields(document: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in RESERVED or name == "metadata"}


def strict(value: Any) -> bytes:
    """Text that differs where 1, 1.0 and true do."""
    return msgspec.json.encode(value, order="deterministic")


@given(bodies())
def test_root_comes_first_then_metadata_then_payloads(body: dict[str, Any]) -> None:
    shown = fetched(row_of(body))
    for name, value in body.items():
        if name not in RESERVED:
            assert same_json(shown[name], value)
    sources = [body.get("metadata"), *payloads_of(body.get("features", []))]
    for name in {name for source in sources if source for name in source} - RESERVED:
        first = next(source[name] for source in [body, *sources] if source and name in source)
        assert same_json(shown[name], first)
    assert shown["document_id"] == "doc_1"
    assert shown["searchable_at"] == "1970-01-01T00:00:00.000Z"


@given(bodies())
def test_the_stored_document_can_be_told_from_the_projection(body: dict[str, Any]) -> None:
    stored = decode_stored(row_of(body))
    own = {name: value for name, value in body.items() if name not in RESERVED or name == "metadata"}
    kept = without_echoes(own, payloads_of(body.get("features", [])))
    assert strict(stored.own) == strict(kept)
    members, derived = project(kept, payloads_of(stored.features))
    assert strict(stored_root(members, derived)) == strict(kept)
    assert not set(derived) & (RESERVED | kept.keys())


@given(bodies())
def test_a_fetched_document_posted_back_shows_the_same(body: dict[str, Any]) -> None:
    first = fetched(row_of(body))
    again = fetched(row_of({**first, "features": body.get("features")}))
    assert strict(user_fields(again)) == strict(user_fields(first))
    copy = fetched(row_of(first))
    assert strict(user_fields(copy)) == strict(user_fields(first))


@given(bodies())
def test_a_fetched_document_put_back_changes_nothing(body: dict[str, Any]) -> None:
    row = row_of(body)
    stored = decode_stored(row)
    apply_changes(stored, changes_of(parsed(fetched(row)), repeats=True))
    assert strict([stored.own, stored.internal]) == strict([decode_stored(row).own, decode_stored(row).internal])


def shown_after(stored: Stored) -> dict[str, Any]:
    return project(stored.own, payloads_of(stored.features))[0]


@given(bodies(), st.dictionaries(st.sampled_from(["a", "b", "c", "", "ü", "new"]), SCALARS, max_size=3))
def test_a_patched_root_key_reads_back_and_its_neighbours_stay(body: dict[str, Any], patch: dict[str, Any]) -> None:
    row = row_of(body)
    stored = decode_stored(row)
    apply_changes(stored, changes_of(parsed(patch), repeats=False))
    before, after = fetched(row), shown_after(stored)
    for name, value in patch.items():
        if value is not None:
            assert strict(after[name]) == strict(value)
    for name in user_fields(before).keys() - patch.keys() - {"metadata"}:
        assert strict(after[name]) == strict(before[name])
    # A key that was shown already makes no second place for itself.
    assert stored.own.keys() - decode_stored(row).own.keys() <= patch.keys() - before.keys()


@given(bodies(), MAPS)
def test_patched_metadata_is_a_merge(body: dict[str, Any], patch: dict[str, Any]) -> None:
    stored = decode_stored(row_of(body))
    expected = {**stored.own.get("metadata", {}), **patch}
    apply_changes(stored, changes_of(parsed({"metadata": patch}), repeats=False))
    removed = {name for name, value in patch.items() if value is None}
    assert strict(stored.own["metadata"]) == strict(
        {name: value for name, value in expected.items() if name not in removed}
    )


@given(VALUES, VALUES)
def test_same_json_tells_true_from_one_but_not_one_from_one(one: Any, other: Any) -> None:
    assert same_json(one, one)
    assert same_json(one, other) == same_json(other, one)
    if strict(one) == strict(other):
        assert same_json(one, other)


def test_same_json_by_example() -> None:
    assert same_json({"a": [1, 2.0]}, {"a": [1.0, 2]})
    assert not same_json([True], [1])
    assert not same_json(0, False)
    assert not same_json({"a": 1}, {"a": 1, "b": 2})
    assert not same_json([1], [1, 1])
    assert not same_json("1", 1)


def test_supplied_prefers_metadata_and_skips_reserved_names() -> None:
    found = supplied({"a": 1, "vectors": 2}, [None, {"a": 2, "b": 3}, {"b": 4, "c": 5, "_internal": 6}])
    assert found == {"a": 1, "b": 3, "c": 5}


@settings(max_examples=50, deadline=None)
@given(bodies(), bodies().filter(lambda patch: "a.b" not in patch))
def test_what_the_writer_stores_is_what_the_merge_says(tmp_path_factory: Any, body: Any, patch: Any) -> None:
    """The handlers' path through the database ends where the pure functions end."""
    directory: Path = tmp_path_factory.mktemp("writer")
    connection = open_writer(directory, synchronous="OFF")
    try:
        connection.execute("BEGIN")
        connection.execute("INSERT INTO organizations VALUES ('org_a', 'A', '{}', 0, 0)")
        connection.execute("INSERT INTO namespaces VALUES (1, 'org_a', 'ns_a', 'a', 'active', '{}', 0, 0, NULL)")
        connection.execute("INSERT INTO collections VALUES (1, 1, 'col_a', 'a', 'active', '{}', 0, 0)")
        tx = Transaction(connection, now=1_700_000_000_000, sequence=0)
        namespace = load_namespace(connection, 1)
        assert namespace is not None
        collection: Collection = tx.collection(1)
        document, _ = write.create(tx, namespace, collection, "doc_1", content_of(parsed(body)))
        stored = decode_stored(document)
        changes = changes_of(parsed(patch), repeats=False)
        apply_changes(stored, changes)
        write.change(tx, namespace, collection, document, changes)
        assert strict(msgspec.json.decode(document.body)) == strict(shown_after(stored))
    finally:
        connection.close()
