"""Documents of hits: as a list shows them, and only those that still are what was found."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx2
import pytest

from headwater.context import Context
from headwater.errors import BadRequestError
from headwater.query import parse_filter
from headwater.retrieval.hits import Hit
from headwater.retrieval.hydrate import Hydration, hydrate
from headwater.store.documents.render import RenderOptions
from headwater.store.find import room

from .conftest import Put

pytestmark = pytest.mark.anyio


def hits_of(context: Context, *document_ids: str) -> list[Hit]:
    rows = context.runtime.reader.connection.execute(
        "SELECT d.document_id, d.collection_row, d.document_row, c.collection_id, v.sequence FROM documents d"
        " JOIN collections c USING (collection_row) LEFT JOIN vectors v USING (document_row)"
    )
    found = {row[0]: Hit(*row[1:4], row[0], score=0.5, sequence=row[4]) for row in rows}
    return [found[document_id] for document_id in document_ids]


async def test_document_is_shown_as_in_a_list(context: Context, put: Put, client: httpx2.AsyncClient) -> None:
    await put("a", [1.0, 0.0], brand="Acme", metadata={"n": 1})
    await put("b", brand="Other")
    listed = (await client.get("/v1/collections/things/documents")).json()["results"]
    hits = await hydrate(context, hits_of(context, "b", "a"))
    shown = [hit.shown() for hit in hits]
    assert [document.pop("score") for document in shown] == [0.5, 0.5]
    assert shown == sorted(listed, key=lambda document: document["document_id"], reverse=True)


async def test_vectors_on_request(context: Context, put: Put) -> None:
    await put("a", [1.0, 0.0])
    [hit] = await hydrate(context, hits_of(context, "a"), Hydration(options=RenderOptions(vectors=True)))
    assert hit.shown()["text_extractor_v1_embedding"] == [1.0, 0.0]


async def test_gone_changed_and_foreign_documents_are_left_out(
    context: Context, put: Put, client: httpx2.AsyncClient
) -> None:
    for name in ("gone", "vector changed", "field changed", "filtered"):
        await put(name, [1.0, 0.0], brand="Acme")
    hits = hits_of(context, "gone", "vector changed", "field changed", "filtered")
    of_collection = "/v1/collections/things/documents"
    vectors = {"features": [{"feature_extractor_id": "text_extractor_v1", "vectors": {"embedding": [0.0, 1.0]}}]}
    assert (await client.delete(f"{of_collection}/gone")).status_code == 200
    assert (await client.patch(f"{of_collection}/vector changed", json=vectors)).status_code == 200
    assert (await client.patch(f"{of_collection}/field changed", json={"size": 1})).status_code == 200
    assert (await client.patch(f"{of_collection}/filtered", json={"brand": "Other"})).status_code == 200
    filters = parse_filter({"brand": "Acme"})
    assert [hit.document_id for hit in await hydrate(context, hits, Hydration(filters))] == ["field changed"]
    other = (await client.post("/v1/namespaces", json={"namespace_name": "elsewhere"})).json()
    elsewhere = context.runtime.catalogue.namespace(context.organization.organization_id, other["namespace_id"])
    assert await hydrate(replace(context, namespace=elsewhere), hits_of(context, "filtered")) == []


async def test_hidden_documents_are_left_out(context: Context, put: Put) -> None:
    await put("a", [1.0, 0.0])
    end_user = replace(context, key=replace(context.key, body={**context.key.body, "principal_id": "nina"}))
    assert await hydrate(end_user, hits_of(context, "a")) == []


async def test_rows_with_documents_are_taken_as_they_are(context: Context, put: Put) -> None:
    made: dict[str, Any] = {"group_key": "x", "count": 2}
    await put("a", [1.0, 0.0])
    [group, loaded] = await hydrate(context, [Hit(0, 0, "", "", score=0.1, document=made), *hits_of(context, "a")])
    assert group.shown() == {**made, "score": 0.1}
    assert loaded.document is not None


async def test_many_bytes_of_documents_are_read_and_more_are_refused(
    context: Context, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b"):
        await put(name, [1.0, 0.0], text="x" * 200_000)
    assert [hit.document_id for hit in await hydrate(context, hits_of(context, "a", "b"))] == ["a", "b"]
    monkeypatch.setattr(room, "MAX_BYTES", 300_000)
    with pytest.raises(BadRequestError) as refused:
        await hydrate(context, hits_of(context, "a", "b"))
    assert refused.value.code == "documents_too_large"
    assert len(await hydrate(context, hits_of(context, "b"))) == 1
