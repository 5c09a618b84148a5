"""``/v1/features/search`` and ``/v1/documents/search``: bodies, pages, envelopes, and who may search what."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from .conftest import Put

pytestmark = pytest.mark.anyio
ROUTES = ["/v1/features/search", "/v1/documents/search"]
KEYS = "/v1/organizations/users/admin@localhost.local/api-keys"


@pytest.fixture
async def stored(put: Put) -> None:
    for number in range(6):
        await put(f"d{number}", [1.0, number / 10], number=number, kind="even" if number % 2 == 0 else "odd")


async def search(client: httpx2.AsyncClient, body: dict[str, Any], route: str = ROUTES[0]) -> dict[str, Any]:
    answer = await client.post(route, json=body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def names(answer: dict[str, Any]) -> list[str]:
    return [document["document_id"] for document in answer["documents"]]


NEAREST: dict[str, Any] = {"query": {"input_mode": "vector", "vector": [1.0, 0.0]}, "feature_uri": "embedding"}


@pytest.mark.parametrize("route", ROUTES)
async def test_envelope(stored: None, client: httpx2.AsyncClient, route: str) -> None:
    answer = await search(client, NEAREST | {"top_k": 2}, route)
    assert names(answer) == ["d0", "d1"]
    assert answer["results"] == answer["documents"]
    assert answer["documents"][0]["score"] == pytest.approx(1.0)
    assert answer["documents"][0]["number"] == 0
    assert (answer["retriever_id"], answer["status"], answer["error"]) == ("", "completed", None)
    assert answer["pagination"]["method"] == "cursor"
    assert answer["pagination"]["limit"] == 2
    [stage] = answer["stage_statistics"]["stages"].values()
    assert stage["output_count"] == 2
    assert answer["warnings"] == []


async def test_what_a_body_may_say(stored: None, client: httpx2.AsyncClient) -> None:
    answer = await search(
        client,
        {
            "collection_ids": ["things"],
            "searches": [NEAREST | {"lexical": False}, NEAREST | {"query": [0.0, 1.0]}],
            "filters": {"kind": "odd"},
            "facets": ["kind"],
            "final_top_k": 2,
            "fusion": "weighted",
            "explain": True,
            "return_vectors": True,
            "unheard_of": 1,
        },
    )
    assert names(answer) == ["d5", "d3"]
    assert answer["facets"] == [{"key": "kind", "values": [{"value": "odd", "count": 3}]}]
    assert answer["documents"][0]["text_extractor_v1_embedding"] == [1.0, 0.5]
    assert len(answer["documents"][0]["_explain"]["searches"]) == 2
    assert answer["warnings"] == ["unknown key 'unheard_of' was ignored"]


async def test_filters_alone(stored: None, client: httpx2.AsyncClient) -> None:
    answer = await search(client, {"filters": {"kind": "odd"}, "page_size": 2})
    assert names(answer) == ["d1", "d3"]
    assert "score" not in answer["documents"][0]
    refused = await client.post(ROUTES[0], json={})
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "searches_missing")


async def test_pages_follow_each_other(stored: None, client: httpx2.AsyncClient) -> None:
    first = await search(client, NEAREST | {"page_size": 2})
    assert (names(first), first["pagination"]["has_next"]) == (["d0", "d1"], True)
    seen = names(first)
    cursor = first["pagination"]["cursor"]
    while cursor is not None:
        page = await search(client, NEAREST | {"pagination": {"method": "cursor", "limit": 2, "cursor": cursor}})
        seen += names(page)
        cursor = page["pagination"]["cursor"]
    assert seen == [f"d{number}" for number in range(6)]
    third = {"method": "offset", "page_size": 2, "page_number": 3}
    assert names(await search(client, NEAREST | {"pagination": third})) == ["d4", "d5"]
    scroll = await client.post(ROUTES[0], json=NEAREST | {"pagination": {"method": "scroll"}})
    assert (scroll.status_code, scroll.json()["error"]["type"]) == (403, "NotEnabledError")


async def test_text_that_looks_like_a_template_is_none(stored: None, client: httpx2.AsyncClient) -> None:
    answer = await search(client, NEAREST | {"filters": {"kind": "{{INPUT.kind}}"}})
    assert names(answer) == []


async def test_lineage_of_each_hit(put: Put, client: httpx2.AsyncClient) -> None:
    await put("video", None, title="A video")
    await put("scene", [1.0, 0.0], source_document_id="video", root_object_id="obj_1")
    answer = await search(client, NEAREST | {"expand": ["ancestors", "root_object"], "rollup": "root_object"})
    [scene] = answer["documents"]
    assert [one["document_id"] for one in scene["_expanded"]["ancestors"]] == ["video"]
    assert scene["_expanded"]["root_object"] is None
    assert scene["rollup"] == {"root_object_id": "obj_1", "matches": 1}


async def test_links_to_files_on_request(put: Put, client: httpx2.AsyncClient) -> None:
    url = "https://example.com/a.png"
    await put("a", [1.0, 0.0], document_blobs=[{"url": url, "type": "image", "field": "picture"}])
    for asked in (False, True):
        [document] = (await search(client, NEAREST | {"return_presigned_urls": asked}))["documents"]
        assert document["document_blobs"][0].get("presigned_url") == (url if asked else None)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (NEAREST | {"query": {"input_mode": "vector", "vector": [1.0]}}, 422, "vector_dimension_mismatch"),
        (NEAREST | {"feature_uri": "elsewhere"}, 422, "feature_uri_unknown"),
        (NEAREST | {"collection_identifiers": ["nowhere"]}, 404, "collection_not_found"),
        (NEAREST | {"top_k": 0}, 422, None),
        (NEAREST | {"top_k": 100_000}, 422, None),
        (NEAREST | {"filters": {"AND": 5}}, 422, None),
        (NEAREST | {"fusion": "magic"}, 422, None),
        (NEAREST | {"searches": [NEAREST] * 11}, 422, None),
        ({"query": {"input_mode": "image", "image": "aGk="}, "feature_uri": "embedding"}, 403, None),
        ({"query": {"input_mode": "text", "text": ""}, "feature_uri": "embedding"}, 400, "query_empty"),
        ({"query": "words", "lexical": True}, 422, "text_index_missing"),
    ],
)
async def test_bodies_that_are_refused(
    stored: None, client: httpx2.AsyncClient, body: dict[str, Any], status: int, code: str | None
) -> None:
    answer = await client.post(ROUTES[0], json=body)
    assert (answer.status_code, answer.json()["error"].get("code")) == (status, code), answer.text


@pytest.fixture
async def as_key(client: httpx2.AsyncClient) -> Any:
    async def headers(**body: Any) -> dict[str, str]:
        made = await client.post(KEYS, json={"name": f"key {len(body)} {body}"[:60], "permissions": ["admin"], **body})
        assert made.status_code == 200, made.text
        return {"Authorization": f"Bearer {made.json()['key']}"}

    return headers


async def test_end_users_find_and_count_what_they_may_read(
    stored: None, client: httpx2.AsyncClient, as_key: Any
) -> None:
    shared = await client.patch("/v1/collections/things/documents/d3/acl", json={"read": ["rita"]})
    assert shared.status_code == 200, shared.text
    rita, nina = await as_key(principal_id="rita"), await as_key(principal_id="nina")
    for body in (NEAREST, NEAREST | {"searches": [NEAREST, NEAREST]}, {"filters": {"number": {"gte": 0}}}):
        asked = body | {"facets": ["kind"], "explain": True}
        answer = (await client.post(ROUTES[0], json=asked, headers=rita)).json()
        assert names(answer) == ["d3"]
        assert answer["facets"][0]["values"] == [{"value": "odd", "count": 1}]
        assert "looked_at" not in str(answer)
        hidden = (await client.post(ROUTES[0], json=asked, headers=nina)).json()
        assert (hidden["documents"], hidden["facets"][0]["values"]) == ([], [])
        groups = NEAREST | {"group_by": {"field": "kind"}}
        [group] = (await client.post(ROUTES[0], json=groups, headers=rita)).json()["documents"]
        assert (group["group_key"], group["count"]) == ("odd", 1)


async def test_keys_search_only_where_their_scopes_reach(
    stored: None, put: Put, make: Any, client: httpx2.AsyncClient, as_key: Any
) -> None:
    await make("others")
    await put("elsewhere", [1.0, 0.0], "others")
    scope = {"resource_type": "collection", "resource_id": "others", "operations": ["read_data"]}
    confined = await as_key(scopes=[scope])
    answer = await client.post(ROUTES[0], json=NEAREST, headers=confined)
    assert answer.status_code == 200, answer.text
    assert names(answer.json()) == ["elsewhere"]
    named = await client.post(ROUTES[0], json=NEAREST | {"collection_ids": ["things"]}, headers=confined)
    assert named.status_code == 403
