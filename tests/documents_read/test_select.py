"""``select`` against a plain model of it, and the rules one by one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.resources.documents.select import Selection, places_of

DOCUMENT: dict[str, Any] = {
    "document_id": "doc_1",
    "collection_id": "col_1",
    "brand": "Acme",
    "metadata": {"status": "draft", "price": 12.5},
    "blobs": [{"type": "image", "size": 3}, {"size": 4}, "loose", [{"type": "deep"}]],
    "a.b": 1,
    "document_blobs": [],
    "searchable_at": "2026-01-05T09:30:00.000Z",
    "_vectors": ["embedding"],
    "embedding": [0.5],
    "_internal": {
        "created_at": "2026-01-05T09:30:00.000Z",
        "metadata": {"origin": "scan"},
        "lineage": {"path": "bkt/col", "root_object_id": "obj_1"},
    },
}
ALWAYS = ("document_id", "collection_id", "_vectors", "vector_hydration_incomplete")


def selected(*paths: str, document: dict[str, Any] = DOCUMENT, vectors: tuple[str, ...] = ()) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Selection.of(paths).cut(json.dumps(document).encode(), vectors))
    return {name: value for name, value in found.items() if name not in ALWAYS}


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["brand"], {"brand": "Acme"}),
        (["metadata"], {"metadata": DOCUMENT["metadata"]}),
        (["metadata.status"], {"metadata": {"status": "draft"}}),
        (["metadata.status", "metadata"], {"metadata": DOCUMENT["metadata"]}),
        (["metadata", "metadata.status"], {"metadata": DOCUMENT["metadata"]}),
        (["blobs.type"], {"blobs": [{"type": "image"}, [{"type": "deep"}]]}),
        (["a.b"], {"a.b": 1}),
        (["created_at"], {"_internal": {"created_at": "2026-01-05T09:30:00.000Z"}}),
        (["object_id"], {"_internal": {"lineage": {"root_object_id": "obj_1"}}}),
        (["lineage_path"], {"_internal": {"lineage": {"path": "bkt/col"}}}),
        (["origin"], {"_internal": {"metadata": {"origin": "scan"}}}),
        (["metadata.origin"], {"_internal": {"metadata": {"origin": "scan"}}}),
        (["payload.brand"], {"brand": "Acme"}),
        (["_internal"], {"_internal": DOCUMENT["_internal"]}),
        (["_internal.metadata"], {"_internal": {"metadata": {"origin": "scan"}}}),
        (["searchable_at"], {"searchable_at": DOCUMENT["searchable_at"]}),
        (["nothing", "metadata.nothing", "brand.deeper", "..", "_internal.nothing"], {}),
    ],
)
def test_paths_lead_where_filters_look(paths: list[str], expected: dict[str, Any]) -> None:
    assert selected(*paths) == expected


def test_ids_and_returned_vectors_stay() -> None:
    cut = json.loads(Selection.of(["brand"]).cut(json.dumps(DOCUMENT).encode(), ["embedding"]))
    assert cut == {
        "document_id": "doc_1",
        "collection_id": "col_1",
        "brand": "Acme",
        "_vectors": ["embedding"],
        "embedding": [0.5],
    }


def test_a_field_outranks_the_alias_of_the_same_name() -> None:
    assert selected("created_at", document=DOCUMENT | {"created_at": "mine"}) == {"created_at": "mine"}


def test_values_keep_their_spelling() -> None:
    document = b'{"document_id":"d","collection_id":"c","big":[1,2],"price":1.50}'
    assert Selection.of(["price"]).cut(document) == b'{"document_id":"d","collection_id":"c","price":1.50}'


names = st.sampled_from(["a", "b", "c", "metadata", "created_at", "_internal", ""])
values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text("ab.", max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=12,
)
paths = st.lists(st.lists(names, min_size=1, max_size=4).map(".".join), min_size=1, max_size=5)


def leads(value: Any, steps: tuple[str, ...]) -> bool:
    if not steps:
        return True
    if isinstance(value, list):
        return any(leads(element, steps) for element in value)
    return isinstance(value, dict) and steps[0] in value and leads(value[steps[0]], steps[1:])


def keep(value: Any, chosen: list[tuple[str, ...]]) -> Any:
    """What of the value the step sequences lead to, ``...`` when nothing."""
    if () in chosen:
        return value
    if isinstance(value, list):
        kept = [found for element in value if (found := keep(element, chosen)) is not ...]
    elif isinstance(value, dict):
        below = {name: [steps[1:] for steps in chosen if steps[0] == name] for name in value}
        kept = {n: found for n, v in value.items() if below[n] and (found := keep(v, below[n])) is not ...}
    else:
        return ...
    return kept or ...


@given(st.dictionaries(names, values, max_size=5), paths)
def test_select_is_the_model(document: dict[str, Any], wanted: list[str]) -> None:
    document = {"document_id": "d", **document, "_internal": {"created_at": "now", "metadata": document}}
    chosen = [next((steps for steps in places_of(path) if leads(document, steps)), None) for path in wanted]
    model = keep(document, [("document_id",), *(steps for steps in chosen if steps is not None)])
    assert json.loads(Selection.of(wanted).cut(json.dumps(document).encode())) == model
