"""Lists: pages, cursors, walks under concurrent writers, and what is refused."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from headwater.store.commands.namespaces import CreateNamespace

pytestmark = pytest.mark.anyio

Client = httpx2.AsyncClient


async def fill(client: Client, count: int, prefix: str = "doc_", collection: str = "things") -> list[str]:
    names = [f"{prefix}{number:03d}" for number in range(count)]
    for name in names:
        made = await client.post(f"/v1/collections/{collection}/documents", json={"document_id": name, "n": name})
        assert made.status_code == 200, made.text
    return names


async def page(client: Client, collection: str = "things", **body: Any) -> dict[str, Any]:
    answer = await client.post(f"/v1/collections/{collection}/documents/list", json=body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def ids_of(answer: dict[str, Any]) -> list[str]:
    return [document["document_id"] for document in answer["results"]]


async def test_empty_body_lists_the_first_ten(client: Client, collection: dict[str, Any]) -> None:
    names = await fill(client, 12)
    answer = await client.post(
        "/v1/collections/things/documents/list", content=b"", headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 200, answer.text
    listed = answer.json()
    assert ids_of(listed) == names[:10]
    assert listed["pagination"] == {
        "total": None,
        "page": 1,
        "page_size": 10,
        "total_pages": None,
        "next_page": f"/v1/collections/{collection['collection_id']}/documents?limit=10&offset=10",
        "previous_page": None,
        "next_cursor": listed["pagination"]["next_cursor"],
    }
    assert listed["groups"] is None
    assert listed["group_by_field"] is None
    assert listed["warnings"] is None
    assert listed["stats"]["avg_blobs_per_document"] == 0.0


async def test_a_listed_document_is_the_document_that_get_shows(client: Client, collection: dict[str, Any]) -> None:
    await fill(client, 1)
    one = await client.get("/v1/collections/things/documents/doc_000")
    assert (await page(client))["results"] == [one.json()]


async def test_total_is_counted_on_request_only(client: Client, collection: dict[str, Any]) -> None:
    empty = await page(client, include_total=True)
    assert (empty["pagination"]["total"], empty["pagination"]["total_pages"]) == (0, 0)
    await fill(client, 3)
    counted = await page(client, include_total=True, limit=2)
    assert counted["pagination"]["total"] == counted["total_documents"] == counted["stats"]["total_documents"] == 3
    assert counted["pagination"]["total_pages"] == 2
    assert (await page(client))["total_documents"] is None


async def test_pages_and_cursors_show_the_same(client: Client, collection: dict[str, Any]) -> None:
    names = await fill(client, 7)
    by_page = [ids_of(await page(client, limit=3, page=number)) for number in (1, 2, 3)]
    walked, cursor = [], None
    while True:
        answer = await page(client, limit=3, **({"cursor": cursor} if cursor else {}))
        walked.append(ids_of(answer))
        cursor = answer["pagination"]["next_cursor"]
        if cursor is None:
            break
        assert answer["pagination"]["previous_page"] is None
    assert by_page == walked == [names[:3], names[3:6], names[6:]]
    last = await page(client, limit=3, offset=6)
    assert last["pagination"]["next_page"] is None
    assert last["pagination"]["previous_page"].endswith("?limit=3&offset=3")


async def test_links_lead_to_the_neighbours(client: Client, collection: dict[str, Any]) -> None:
    names = await fill(client, 5)
    first = await client.get("/v1/collections/things/documents", params={"limit": 2})
    second = await client.get(first.json()["pagination"]["next_page"])
    assert ids_of(second.json()) == names[2:4]
    back = await client.get(second.json()["pagination"]["previous_page"])
    assert ids_of(back.json()) == names[:2]


async def test_a_cursor_survives_the_deletion_of_its_document(client: Client, collection: dict[str, Any]) -> None:
    names = await fill(client, 4)
    cursor = (await page(client, limit=2))["pagination"]["next_cursor"]
    assert (await client.delete(f"/v1/collections/things/documents/{names[1]}")).status_code == 200
    assert ids_of(await page(client, limit=2, cursor=cursor)) == names[2:]


async def test_defaults_that_generated_clients_send_are_no_request(client: Client, collection: dict[str, Any]) -> None:
    await fill(client, 2)
    body = {
        "return_presigned_urls": False,
        "return_vectors": False,
        "limit": 10,
        "offset": 0,
        "filters": {"AND": [], "case_sensitive": False},
        "search": None,
        "select": [],
    }
    assert len((await page(client, **body))["results"]) == 2


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("filters={broken", 422),
        ("filters=[1]", 422),
        ("filters={}", 200),
        ('filters={"a":{"near":1}}', 422),
        ("sort=a:upwards", 422),
        ('sort={"field":"a","order":"asc"}', 422),
        ('group_by={"fields":"a"}', 422),
        ('partition={"index":4,"count":4}', 422),
        ("partition=4", 422),
        ("explain=perhaps", 422),
        ("limit=0", 422),
        ("limit=1001", 422),
        ("offset=10001", 422),
        ("page=0", 422),
        ("cursor=nonsense", 422),
    ],
)
async def test_query_strings_are_never_ignored(
    client: Client, collection: dict[str, Any], query: str, status: int
) -> None:
    answer = await client.get(f"/v1/collections/things/documents?{query}")
    assert answer.status_code == status, answer.text


async def test_unknown_keys_are_named_in_warnings(client: Client, collection: dict[str, Any]) -> None:
    assert (await page(client, note="no JSON body provided"))["warnings"] == ["unknown key 'note' was ignored"]


async def test_lists_show_vectors_and_blobs_on_request(client: Client, collection: dict[str, Any]) -> None:
    made = await client.post(
        "/v1/collections/things/documents",
        json={
            "document_id": "doc_v",
            "document_blobs": [{"field": "page", "url": "https://example.com/a.png"}],
            "features": [{"feature_extractor_id": "x_v1", "vectors": {"embedding": [0.5, 0.25]}}],
        },
    )
    assert made.status_code == 200, made.text
    plain = (await page(client))["results"][0]
    assert "x_v1_embedding" not in plain
    assert "presigned_url" not in plain["document_blobs"][0]
    shown = (await page(client, return_vectors=True, return_url=True))["results"][0]
    assert shown["x_v1_embedding"] == [0.5, 0.25]
    assert shown["_vectors"] == ["x_v1_embedding"]
    assert shown["document_blobs"][0]["presigned_url"] == "https://example.com/a.png"
    by_output = await client.get("/v1/collections/things/documents?return_vector_names=embedding")
    assert by_output.json()["results"][0]["x_v1_embedding"] == [0.5, 0.25]
    names_only = (await page(client, return_vector_names=True))["results"][0]
    assert names_only["_vectors"] == ["x_v1_embedding"]
    assert "x_v1_embedding" not in names_only


async def test_count_with_a_filter(client: Client, collection: dict[str, Any]) -> None:
    await fill(client, 3)
    count = "/v1/collections/things/documents/count"
    assert (await client.get(count, params={"filters": '{"n": ["doc_000", "doc_002"]}'})).json()["count"] == 2
    assert (await client.get(count, params={"filters": '{"OR": []}'})).json()["count"] == 0
    assert (await client.get(count, params={"filters": "{}"})).json()["count"] == 3
    broken = await client.get(count, params={"filters": "{brand"})
    assert (broken.status_code, broken.json()["error"]["type"]) == (422, "ValidationError")


async def test_count_is_not_read_as_an_id(client: Client, collection: dict[str, Any]) -> None:
    await fill(client, 3)
    answer = await client.get("/v1/collections/things/documents/count")
    assert answer.json() == {"collection_id": collection["collection_id"], "count": 3}
    assert (await client.get("/v1/collections/nothing/documents/count")).status_code == 404


async def test_batch_get_answers_in_the_order_of_the_ids(
    client: Client, collection: dict[str, Any], make_collection: Any
) -> None:
    await make_collection("others")
    await fill(client, 2)
    await fill(client, 1, "other_", "others")
    wanted = ["other_000", "nope", "doc_001", "other_000", "doc_000"]
    answer = await client.post("/v1/documents/batch-get", json={"document_ids": wanted})
    assert answer.status_code == 200, answer.text
    assert [document["document_id"] for document in answer.json()["documents"]] == ["other_000", "doc_001", "doc_000"]
    assert answer.json()["not_found"] == ["nope"]


@pytest.mark.parametrize("wanted", [[], ["x"] * 1001, [1], "doc_1", None])
async def test_batch_get_wants_1_to_1000_ids(client: Client, collection: dict[str, Any], wanted: Any) -> None:
    answer = await client.post("/v1/documents/batch-get", json={"document_ids": wanted})
    assert answer.status_code == 422


async def test_get_by_a_namespace_in_the_path(
    client: Client, collection: dict[str, Any], namespace: dict[str, Any]
) -> None:
    await fill(client, 1)
    expected = (await client.get("/v1/collections/things/documents/doc_000")).json()
    del client.headers["X-Namespace"]
    for identifier in (namespace["namespace_id"], namespace["namespace_name"]):
        answer = await client.get(f"/v1/namespaces/{identifier}/documents/doc_000")
        assert answer.json() == expected
    assert (await client.get("/v1/namespaces/ns_nope/documents/doc_000")).status_code == 404
    assert (await client.get(f"/v1/namespaces/{namespace['namespace_id']}/documents/nope")).status_code == 404


async def test_a_cursor_is_of_no_use_in_another_namespace(
    client: Client, collection: dict[str, Any], make_collection: Any, runtime: Any, organization_id: str
) -> None:
    other = await runtime.store.execute(
        CreateNamespace(organization_id=organization_id, namespace_id="ns_other", namespace_name="other", body={})
    )
    await make_collection("things", namespace_row=other["namespace_row"])
    await fill(client, 3)
    cursor = (await page(client, limit=1))["pagination"]["next_cursor"]
    client.headers["X-Namespace"] = "other"
    await fill(client, 3, "foreign_")
    answer = await client.post("/v1/collections/things/documents/list", json={"cursor": cursor})
    assert answer.status_code == 422
    assert "foreign" not in answer.text
