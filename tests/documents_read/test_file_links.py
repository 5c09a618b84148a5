"""Links to files: on every route that shows documents, to files of the namespace alone, in answers alone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import pytest

from headwater.blobs.keys import new_key
from headwater.blobs.links import BlobLink, read_link
from headwater.scope import NamespaceScope

Client = httpx2.AsyncClient
Shown = Callable[[Client, dict[str, Any]], Awaitable[dict[str, Any]]]
ONE = "/v1/collections/things/documents/doc_1"
SIGN = {"return_url": True}
SIGNED = {"params": {"return_url": "true"}}


def scope_of(organization_id: str, namespace: dict[str, Any]) -> NamespaceScope:
    return NamespaceScope(organization_id, namespace["namespace_row"], namespace["namespace_id"])


def link_of(runtime: Any, url: str) -> BlobLink:
    start, _, token = url.rpartition("/")
    assert start == "http://headwater/v1/_storage"
    link = read_link(runtime.secret, token)
    assert link is not None
    return link


@pytest.fixture
def reference(runtime: Any, organization_id: str, namespace: dict[str, Any]) -> str:
    """The reference of a file of the namespace."""
    return str(runtime.blobs.references.of(new_key(scope_of(organization_id, namespace))))


@pytest.fixture
async def document(client: Client, collection: dict[str, Any], reference: str) -> dict[str, Any]:
    body = {
        "document_id": "doc_1",
        "root_object_id": "obj_1",
        "preview": reference,
        "nested": {"preview": reference},
        "source_blobs": [{"property": "photo", "type": "image", "url": reference, "content_type": "image/png"}],
        "document_blobs": [{"field": "page", "url": "https://example.com/a.png"}],
    }
    made = await client.post("/v1/collections/things/documents", json=body)
    assert made.status_code == 200, made.text
    child = {"document_id": "doc_2", "source_document_id": "doc_1", "parent": "doc_1"}
    assert (await client.post("/v1/collections/things/documents", json=child)).status_code == 200
    return dict(made.json())


async def got(client: Client, _: dict[str, Any]) -> Any:
    return (await client.get(ONE, **SIGNED)).json()


async def got_of_namespace(client: Client, _: dict[str, Any]) -> Any:
    return (await client.get("/v1/documents/doc_1", params={"return_presigned_urls": "true"})).json()


async def got_under_namespace(client: Client, _: dict[str, Any]) -> Any:
    namespace = client.headers["X-Namespace"]
    return (await client.get(f"/v1/namespaces/{namespace}/documents/doc_1", **SIGNED)).json()


async def created(client: Client, document: dict[str, Any]) -> Any:
    body = {"document_id": "doc_3", "preview": document["preview"], "document_blobs": document["document_blobs"]}
    return (await client.post("/v1/collections/things/documents", json=body, **SIGNED)).json()


async def put(client: Client, _: dict[str, Any]) -> Any:
    return (await client.put(ONE, json={"n": 1}, **SIGNED)).json()


async def patched(client: Client, _: dict[str, Any]) -> Any:
    return (await client.patch(ONE, json={}, **SIGNED)).json()


async def listed(client: Client, _: dict[str, Any]) -> Any:
    answer = await client.post("/v1/collections/things/documents/list", json={"limit": 1, **SIGN})
    return answer.json()["results"][0]


async def listed_by_get(client: Client, _: dict[str, Any]) -> Any:
    return (await client.get("/v1/collections/things/documents", **SIGNED)).json()["results"][0]


async def selected(client: Client, _: dict[str, Any]) -> Any:
    body = {"limit": 1, "select": ["preview", "nested", "document_blobs"], **SIGN}
    return (await client.post("/v1/collections/things/documents/list", json=body)).json()["results"][0]


async def listed_of_namespace(client: Client, _: dict[str, Any]) -> Any:
    return (await client.post("/v1/documents/list", json={"limit": 1, **SIGN})).json()["results"][0]


async def listed_in_a_batch(client: Client, _: dict[str, Any]) -> Any:
    body = {"queries": [{"key": "a", "request": {"limit": 1, "return_presigned_urls": True}}]}
    return (await client.post("/v1/documents/list/batch", json=body)).json()["results"][0]["response"]["results"][0]


async def grouped(client: Client, _: dict[str, Any]) -> Any:
    answer = await client.post("/v1/collections/things/documents/list", json={"group_by": "preview", **SIGN})
    return answer.json()["groups"][0]["documents"][0]


async def batch_got(client: Client, _: dict[str, Any]) -> Any:
    # Here they are shown unless somebody says otherwise.
    return (await client.post("/v1/documents/batch-get", json={"document_ids": ["doc_1"]})).json()["documents"][0]


async def of_object(client: Client, _: dict[str, Any]) -> Any:
    return (await client.get("/v1/objects/obj_1/documents", **SIGNED)).json()["documents"][0]


async def ancestor(client: Client, _: dict[str, Any]) -> Any:
    return (await client.get("/v1/collections/things/documents/doc_2/ancestors", **SIGNED)).json()[0]


async def expanded(client: Client, _: dict[str, Any]) -> Any:
    parameters = {"return_url": "true", "expand": "parent"}
    answer = await client.get("/v1/collections/things/documents/doc_2", params=parameters)
    return answer.json()["_expanded"]["parent"]


EVERYWHERE = [
    got, got_of_namespace, got_under_namespace, created, put, patched, listed, listed_by_get, selected,
    listed_of_namespace, listed_in_a_batch, grouped, batch_got, of_object, ancestor, expanded,
]  # fmt: skip


@pytest.mark.parametrize("show", EVERYWHERE)
async def test_links_open_the_files_of_a_document(
    client: Client, runtime: Any, document: dict[str, Any], reference: str, show: Shown
) -> None:
    shown = await show(client, document)
    blob, plain = sorted(shown["document_blobs"], key=lambda blob: str(blob["field"]), reverse=True)
    assert blob["url"] == reference
    assert plain["presigned_url"] == plain["url"] == "https://example.com/a.png"
    assert link_of(runtime, blob["presigned_url"]).content_type == "image/png"
    for url in (blob["presigned_url"], shown["preview"]):
        link = link_of(runtime, url)
        assert (link.method, runtime.blobs.references.of(link.key)) == ("GET", reference)
    if "nested" in shown:
        assert shown["nested"] == {"preview": reference}
    # Nothing of it is stored.
    assert (await client.get(ONE)).json()["preview"] == reference


async def test_without_the_switch_there_are_no_links(client: Client, document: dict[str, Any], reference: str) -> None:
    shown = (await client.get(ONE, params={"return_url": "false"})).json()
    assert shown["preview"] == reference
    assert all("presigned_url" not in blob for blob in shown["document_blobs"])


async def test_files_of_another_namespace_are_just_texts(
    client: Client, runtime: Any, organization_id: str, namespace: dict[str, Any], collection: dict[str, Any]
) -> None:
    other = scope_of(organization_id, {**namespace, "namespace_row": namespace["namespace_row"] + 1})
    foreign = runtime.blobs.references.of(new_key(other))
    for text in (foreign, "s3://elsewhere/ns_a/blob_1", f"{foreign}/../x", "s3://local/no key at all"):
        body = {"preview": text, "document_blobs": [{"field": "page", "url": text}]}
        shown = (await client.post("/v1/collections/things/documents", json=body, **SIGNED)).json()
        assert shown["preview"] == text
        assert "presigned_url" not in shown["document_blobs"][0]


async def test_an_idempotent_replay_has_links_of_its_own(
    client: Client, runtime: Any, collection: dict[str, Any], reference: str
) -> None:
    headers = {"Idempotency-Key": "k"}
    for parameters in ({}, {"return_url": "true"}):
        answer = await client.post(
            "/v1/collections/things/documents", json={"preview": reference}, params=parameters, headers=headers
        )
    assert runtime.blobs.references.of(link_of(runtime, answer.json()["preview"]).key) == reference
