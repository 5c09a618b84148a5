"""What is exported comes back equal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headwater.jobs.lane import Lane
from headwater.runtime import Runtime

from .conftest import DOCUMENTS, export, rows

pytestmark = pytest.mark.anyio
COMPLETE = {"include_vectors": True, "include_lineage": True}


async def new_namespace(client: httpx2.AsyncClient, name: str, collection_id: str = "things") -> dict[str, str]:
    """Headers of a fresh namespace with a collection ``things``."""
    made = await client.post("/v1/namespaces", json={"namespace_name": name})
    headers = {"X-Namespace": made.json()["namespace_id"]}
    body = {"collection_name": "things", "source": {"type": "none"}}
    assert (await client.post("/v1/collections", json=body, headers=headers)).status_code == 200
    return headers


async def everything(client: httpx2.AsyncClient, headers: dict[str, str] | None = None) -> list[dict[str, Any]]:
    """All documents as reads show them, in the order of their creation, without what names their place."""
    answer = await client.get(
        "/v1/collections/things/documents", params={"limit": 1000, "return_vectors": "true"}, headers=headers
    )
    assert answer.status_code == 200, answer.text
    place: dict[str, str] = {}
    for document in answer.json()["results"]:
        internal = document["_internal"]
        place |= {internal["collection_id"]: "COLLECTION", internal["namespace_id"]: "NAMESPACE"}
    text = answer.text
    for value, name in place.items():
        text = text.replace(value, name)
    return list(json.loads(text)["results"])


async def carried(client: httpx2.AsyncClient, target: dict[str, str]) -> dict[str, Any]:
    """The collection's complete rows, imported into another namespace."""
    source = await rows(client, (await export(client, "things", **COMPLETE))["download_url"])
    body = {"export": {"rows": source}, "mapping": {}}
    answer = await client.post("/v1/collections/things/import", json=body, headers=target)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_documents_of_every_kind_come_back(client: httpx2.AsyncClient, filled: dict[str, Any]) -> None:
    target = await new_namespace(client, "target")
    report = await carried(client, target)
    assert (report["imported"], report["errors"]) == (len(DOCUMENTS), [])
    assert await everything(client, target) == await everything(client)
    indexes = [
        (await client.get("/v1/collections/things", headers=headers)).json()["vector_indexes"]
        for headers in ({}, target)
    ]
    assert indexes[0] == indexes[1]


async def test_import_by_the_lane_from_a_link(client: httpx2.AsyncClient, filled: dict[str, Any], lane: Lane) -> None:
    target = await new_namespace(client, "target")
    answer = await export(client, "things", **COMPLETE)
    for source in ({"download_url": answer["download_url"]}, {"s3_path": answer["s3_path"]}, answer):
        done = await client.post(
            "/v1/collections/things/import", json={"export": source, "mapping": {}}, headers=target
        )
        assert done.status_code == 200, done.text
        assert (done.json()["imported"], done.json()["errors"], done.json()["warnings"]) == (4, [], [])
        assert await everything(client, target) == await everything(client)


async def test_importing_again_changes_nothing(
    client: httpx2.AsyncClient, filled: dict[str, Any], runtime: Runtime
) -> None:
    target = await new_namespace(client, "target")
    await carried(client, target)
    before = runtime.reader.connection.execute("SELECT document_row, sequence FROM documents").fetchall()
    assert (await carried(client, target))["imported"] == 4
    assert runtime.reader.connection.execute("SELECT document_row, sequence FROM documents").fetchall() == before


async def test_changed_document_is_restored(client: httpx2.AsyncClient, filled: dict[str, Any]) -> None:
    before = await everything(client)
    source = await rows(client, (await export(client, "things", **COMPLETE))["download_url"])
    path = "/v1/collections/things/documents/rich"
    await client.patch(path, json={"features": [], "metadata": {"a": 1}, "root_object_id": "moved"})
    await client.delete("/v1/collections/things/documents/plain")
    assert await everything(client) != before
    answer = await client.post("/v1/collections/things/import", json={"export": {"rows": source}, "mapping": {}})
    assert answer.json()["errors"] == []
    after = await everything(client)
    assert sorted(after, key=str) == sorted(before, key=str)


async def test_acl_comes_back(client: httpx2.AsyncClient, collection: dict[str, Any]) -> None:
    acl = {"read": ["bob"], "write": [], "public": False}
    upsert = {"collection_id": "things", "documents": [{"document_id": "a", "vectors": {}, "acl": acl}]}
    namespace = client.headers["X-Namespace"]
    answer = await client.post(f"/v1/namespaces/{namespace}/documents/upsert", json=upsert)
    assert answer.status_code == 200, answer.text
    target = await new_namespace(client, "target")
    assert (await carried(client, target))["errors"] == []
    [document] = await everything(client, target)
    assert document["_internal"]["_acl"] == acl
    assert [document] == await everything(client)


async def test_euclidean_indexes_keep_their_distance(client: httpx2.AsyncClient) -> None:
    configs = [{"name": "place", "dimension": 2, "metric": "euclidean"}]
    made = await client.post("/v1/namespaces", json={"namespace_name": "maps", "vector_configs": configs})
    client.headers["X-Namespace"] = made.json()["namespace_id"]
    await client.post("/v1/collections", json={"collection_name": "things", "source": {"type": "none"}})
    # A vector of length zero is fine where distances are Euclidean.
    body = {"document_id": "origin", "vectors": {"place": [0.0, 0.0]}}
    assert (await client.post("/v1/collections/things/documents", json=body)).status_code == 200
    target = await new_namespace(client, "target")
    assert (await carried(client, target))["errors"] == []
    assert await everything(client, target) == await everything(client)


scalars = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
)
texts = st.text(st.characters(codec="utf-8"), max_size=12)
values = st.recursive(
    scalars | texts, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=8
)
numbers = st.floats(-1e3, 1e3, width=32).filter(lambda value: abs(value) > 1e-3)
dense = st.lists(numbers, min_size=3, max_size=3)
sparse = st.dictionaries(st.integers(0, 2**32 - 1), numbers, min_size=1, max_size=4).map(
    lambda pairs: {"indices": list(pairs), "values": list(pairs.values())}
)
multi = st.lists(st.lists(numbers, min_size=2, max_size=2), min_size=1, max_size=3)
vectors = st.fixed_dictionaries({}, optional={"d": dense, "s": sparse, "m": multi, "ключ": dense})
features = st.lists(
    st.fixed_dictionaries(
        {"feature_extractor_id": st.sampled_from(["f_v1", "g_v1"])},
        optional={"payload": st.dictionaries(texts, values, max_size=3), "vectors": vectors, "extra": values},
    ),
    max_size=2,
    unique_by=lambda feature: feature["feature_extractor_id"],
)
lineage = st.fixed_dictionaries(
    {},
    optional={
        "root_object_id": texts,
        "source_object_id": texts,
        "lineage_path": texts,
        "source_document_id": st.sampled_from(["doc-0", "doc-1", "elsewhere"]),
        "lineage_chain": st.lists(
            st.fixed_dictionaries(
                {"collection_id": texts, "feature_extractor_id": texts}, optional={"document_id": texts}
            ),
            max_size=2,
        ),
    },
)
system = st.fixed_dictionaries(
    {},
    optional={
        "metadata": st.dictionaries(texts, values, max_size=3),
        "content_hash": texts,
        "modality": st.sampled_from(["image", "text"]),
        "internal_metadata": st.dictionaries(texts, values, max_size=2),
        "features": features,
    },
)
own = st.dictionaries(
    texts | st.sampled_from(["source_content_hash", "document_created_at", "brand.x"]), values, max_size=4
)
documents = st.lists(st.tuples(own, system, lineage), min_size=1, max_size=5)


@given(documents)
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
async def test_any_document_comes_back(
    client: httpx2.AsyncClient, collection: dict[str, Any], parts: list[tuple[dict[str, Any], ...]]
) -> None:
    here, there = [await new_namespace(client, uuid4().hex) for _ in range(2)]
    for number, (own, system, lineage) in enumerate(parts):
        body = {**own, **system, **lineage, "document_id": f"doc-{number}"}
        # What does not make a document (a cycle, a vector of two kinds) is no matter of exports.
        await client.post("/v1/collections/things/documents", json=body, headers=here)
    with moved_to(client, here):
        report = await carried(client, there)
    assert report["errors"] == []
    assert await everything(client, there) == await everything(client, here)


@contextmanager
def moved_to(client: httpx2.AsyncClient, headers: dict[str, str]) -> Iterator[None]:
    before = client.headers["X-Namespace"]
    client.headers.update(headers)
    yield
    client.headers["X-Namespace"] = before
