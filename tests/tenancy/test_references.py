"""Ids deep inside of bodies: in stages and queries, in blobs, in cursors. Those of another organization name nothing,
and a key that is confined to a collection does not get out of it by them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from .test_tenant_isolation import CANARY, MINTED, Side, sides, twin

__all__ = ["sides"]
pytestmark = pytest.mark.anyio

Body = dict[str, Any]
ALL: Body = {"stage_id": "attribute_filter", "parameters": {"conditions": {"AND": []}}}
EXECUTE = "/v1/retrievers/execute"
SEARCH = "/v1/documents/search"
OPERATIONS = ["read_data", "write_data", "delete_data"]
OBJECTS = "/v1/buckets/{bucket}/objects"


def stages(stage_id: str, **parameters: Any) -> Body:
    return {"stages": [ALL, {"stage_id": stage_id, "parameters": parameters}]}


def joined(**parameters: Any) -> Body:
    return stages("document_enrich", source_field="brand", output_field="found", **parameters)


def by_document(collection: str, document: str) -> Body:
    reference = {"collection_id": collection, "document_id": document}
    return {"query": {"input_mode": "document", "document_ref": reference}, "feature_uri": "embedding"}


def blob(**content: Any) -> Body:
    return {"blobs": [{"property": "content", "type": "text", **content}]}


#: What has a collection's id in it.
OF_COLLECTIONS: dict[str, tuple[str, Callable[[str], Body]]] = {
    "searched": (SEARCH, lambda name: {"filters": {"brand": "x"}, "collection_identifiers": [name]}),
    "searched by one search": (SEARCH, lambda name: {"searches": [by_vector() | {"collection_ids": [name]}]}),
    "in the URI of a feature": (SEARCH, lambda name: by_vector(f"namespace://{name}/embedding")),
    "of a document to search by": (SEARCH, lambda name: by_document(name, "doc")),
    "of an ad hoc execution": (EXECUTE, lambda name: {"stages": [ALL], "collection_identifiers": [name]}),
    "of a stage": (EXECUTE, lambda name: stages("feature_search", collection_ids=[name], searches=[by_vector()])),
    "of a join": (EXECUTE, lambda name: joined(target_collection_id=name)),
    "of a join by a template": (
        EXECUTE,
        lambda name: joined(target_collection_id="{{INPUT.name}}") | {"inputs": {"name": name}},
    ),
    "of a join by stages": (
        EXECUTE,
        lambda name: joined(retriever_config={"stages": [ALL], "collection_identifiers": [name]}),
    ),
    "of a join by stages over it": (
        EXECUTE,
        lambda name: joined(retriever_config={"stages": [ALL]}, target_collection_id=name),
    ),
    "of a new retriever": (
        "/v1/retrievers",
        lambda name: {"retriever_name": "new", "stages": [ALL], "collection_identifiers": [name]},
    ),
}


def by_vector(feature_uri: str = "embedding") -> Body:
    return {"feature_uri": feature_uri, "query": [0.4, 0.1, 0.9]}


#: What has another id in it, by the kind of the id.
OTHERS: dict[str, tuple[str, str, Callable[[str], Body]]] = {
    "retriever of a join": ("retriever", EXECUTE, lambda name: joined(retriever_id=name)),
    "document to search by": ("document", SEARCH, lambda name: by_document("own", name)),
    "upload of a blob": ("upload", OBJECTS, lambda name: blob(upload_id=name)),
    "file of a blob": ("file", OBJECTS, lambda name: blob(data={"url": name})),
    "upload to confirm": (
        "upload",
        "/v1/buckets/{bucket}/uploads/confirm/batch",
        lambda name: {"confirmations": [{"upload_id": name}]},
    ),
    "object to hide": ("object", OBJECTS + "/bulk-soft-delete", lambda name: {"object_ids": [name], "reason": "gone"}),
    "scroll": (
        "scroll",
        EXECUTE,
        lambda name: {"stages": [ALL], "pagination": {"method": "scroll", "scroll_id": name}},
    ),
}


async def sent(side: Side, path: str, body: Body, *hidden: str, **headers: str) -> tuple[int, str]:
    whole = side.headers | {"X-Namespace": side.value("namespace")[0]} | headers
    answer = await side.client.post(path.format(bucket=side.value("bucket")[0]), json=body, headers=whole)
    text = answer.text
    for value in hidden:
        text = text.replace(value, "<given>")
    return answer.status_code, MINTED.sub("<minted>", text)


@pytest.fixture
async def files(sides: tuple[Side, Side]) -> tuple[Side, Side]:
    """Both sides with a file, and with a scroll that has a second page."""
    for side in sides:
        inside = side.headers | {"X-Namespace": side.value("namespace")[0]}
        objects = OBJECTS.format(bucket=side.value("bucket")[0])
        content = {"property": "content", "type": "text", "data": CANARY}
        schema = {"bucket_schema": {"properties": {"content": {"type": "text"}}}}
        bucket = f"/v1/buckets/{side.value('bucket')[0]}"
        assert (await side.client.patch(bucket, json=schema, headers=inside)).status_code == 200
        made = (await side.client.post(objects, json={"blobs": [content]}, headers=inside)).json()
        documents = f"/v1/collections/{side.value('collection')[0]}/documents"
        assert (await side.client.post(documents, json={"brand": "second"}, headers=inside)).status_code == 200
        scroll = {"stages": [ALL], "pagination": {"method": "scroll", "limit": 1}}
        page = (await side.client.post(EXECUTE, json=scroll, headers=inside)).json()["pagination"]
        side.values |= {"file": [made["blobs"][0]["properties"]["url"]], "scroll": [page["scroll_id"]]}
    return sides


@pytest.mark.parametrize("case", OF_COLLECTIONS)
async def test_a_collection_of_another_organization_names_nothing(sides: tuple[Side, Side], case: str) -> None:
    own, other = sides
    path, body = OF_COLLECTIONS[case]
    for theirs in other.value("collection"):
        nobody = twin(theirs)
        got = await sent(own, path, body(theirs), theirs)
        assert got == await sent(own, path, body(nobody), nobody)
        assert (got[0], CANARY in got[1]) == (404, False)


@pytest.mark.parametrize("case", OTHERS)
async def test_nothing_of_another_organization_is_named(files: tuple[Side, Side], case: str) -> None:
    own, other = files
    kind, path, body = OTHERS[case]
    theirs = other.value(kind)[0]
    # The bucket and the folder in a file's reference are no ids.
    place, slash, last = theirs.rpartition("/")
    nobody = place + slash + twin(last)
    collection = own.value("collection")[0]
    asked = [with_own(body(name), collection) for name in (theirs, nobody)]
    got, expected = await sent(own, path, asked[0], theirs), await sent(own, path, asked[1], nobody)
    assert got == expected
    assert got[0] < 500 and CANARY not in got[1]
    if kind not in ("object", "upload"):
        assert got[0] == 404, got
    # One's own is found in the same place.
    if kind not in ("upload", "document"):
        found = await sent(own, path, with_own(body(own.value(kind)[0]), collection))
        assert found[0] == 200, found


def with_own(body: Body, collection: str) -> Body:
    reference = (body.get("query") or {}).get("document_ref")
    if reference is not None:
        reference["collection_id"] = collection
    return body


async def test_links_are_not_made_for_files_of_others(files: tuple[Side, Side]) -> None:
    """A document may say that it comes from any file; only one of its own namespace gets a link."""
    own, other = files
    inside = own.headers | {"X-Namespace": own.value("namespace")[0]}
    documents = f"/v1/collections/{own.value('collection')[0]}/documents"
    for side, linked in ((own, True), (other, False)):
        url = side.value("file")[0]
        body = {"cover": url, "source_blobs": [{"blob_id": "b", "field": "f", "type": "text", "url": url}]}
        made = (await own.client.post(documents, json=body, headers=inside)).json()
        one = f"{documents}/{made['document_id']}?return_presigned_urls=true"
        query = {"filters": {"document_id": made["document_id"]}, "return_presigned_urls": True}
        answers = [
            await own.client.get(one, headers=inside),
            await own.client.post(f"{documents}/list?return_presigned_urls=true", json=query, headers=inside),
            await own.client.post(SEARCH, json=query, headers=inside),
        ]
        for answer in answers:
            assert answer.status_code == 200, answer.text
            assert ("/v1/_storage/" in answer.text) is linked, answer.text


async def confined(side: Side, **scope: Any) -> dict[str, str]:
    """A header with a key of every permission that is confined to that."""
    body = {"name": "confined", "permissions": ["admin"], "scopes": [{"operations": OPERATIONS, **scope}]}
    path = "/v1/organizations/users/admin@localhost.local/api-keys"
    made = await side.client.post(path, json=body, headers=side.headers)
    assert made.status_code == 200, made.text
    return {"Authorization": f"Bearer {made.json()['key']}"}


@pytest.fixture
async def shelf(sides: tuple[Side, Side]) -> tuple[Side, dict[str, str]]:
    """One's own side with another collection ``shelf``, and a key that reaches no more than that."""
    own, _ = sides
    inside = own.headers | {"X-Namespace": own.value("namespace")[0]}
    body = {"collection_name": "shelf", "source": {"type": "none"}}
    assert (await own.client.post("/v1/collections", json=body, headers=inside)).status_code == 200
    feature = {"feature_extractor_id": "text_extractor_v1", "vectors": {"embedding": [0.4, 0.1, 0.9]}}
    child = {"brand": "own", "features": [feature], "source_document_id": own.value("document")[0]}
    made = await own.client.post("/v1/collections/shelf/documents", json=child, headers=inside)
    assert made.status_code == 200, made.text
    return own, await confined(own, resource_type="collection", resource_id="shelf")


@pytest.mark.parametrize("case", [case for case in OF_COLLECTIONS if "new retriever" not in case])
async def test_a_confined_key_does_not_get_out_of_its_collection(shelf: tuple[Side, dict[str, str]], case: str) -> None:
    own, key = shelf
    path, body = OF_COLLECTIONS[case]
    outside, mine = own.value("collection")[0], "shelf"
    status, text = await sent(own, path, body(outside), **key)
    assert (status, "scope_required" in text) == (403, True)
    status, text = await sent(own, path, body(mine), **key)
    assert status == (404 if "document" in case else 200), text


async def test_relatives_outside_of_a_confined_key_are_not_shown(shelf: tuple[Side, dict[str, str]]) -> None:
    own, key = shelf
    for path, body in ((SEARCH, {"filters": {"brand": "own"}}), (EXECUTE, {"stages": [ALL]})):
        status, text = await sent(own, path, body | {"expand": ["parent", "ancestors"]}, **key)
        assert (status, '"parent":null' in text) == (200, True), text
        status, text = await sent(own, path, body | {"expand": ["parent"]})
        assert (status, '"parent":{' in text) == (200, True), text


async def test_retrievers_over_everything_keep_to_a_confined_key(shelf: tuple[Side, dict[str, str]]) -> None:
    own, key = shelf
    retriever = own.value("retriever")[0]
    status, text = await sent(own, EXECUTE, joined(retriever_id=retriever), **key)
    assert status == 200 and own.value("collection")[0] not in text
    for path in (f"/v1/retrievers/{retriever}/executions/list", "/v1/retrievers/executions/list"):
        assert (await sent(own, path, {}, **key))[0] == 403


async def test_a_key_of_a_bucket_reaches_nothing_else(sides: tuple[Side, Side]) -> None:
    own, _ = sides
    key = await confined(own, resource_type="bucket", resource_id=own.value("bucket")[0])
    assert (await sent(own, OBJECTS, {"title": "x"}, **key))[0] == 200
    for path, body in ((SEARCH, {"filters": {"brand": "own"}}), (EXECUTE, {"stages": [ALL]}), ("/v1/buckets/list", {})):
        assert (await sent(own, path, body, **key))[0] == 403, path
    inside: httpx2.Headers | dict[str, str] = own.headers | {"X-Namespace": own.value("namespace")[0]}
    body = {"bucket_name": "another", "bucket_schema": {"properties": {}}}
    assert (await own.client.post("/v1/buckets", json=body, headers=inside)).status_code == 200
    assert (await sent(own, "/v1/buckets/another/objects", {"title": "x"}, **key))[0] == 403
