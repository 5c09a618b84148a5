"""What the tests of lists share: documents to find, and short ways to ask for them."""

from __future__ import annotations

from typing import Any

import httpx2

Client = httpx2.AsyncClient
LIST = "/v1/collections/things/documents/list"

#: Made in this order. ``price`` has all the types that an order knows, and some that it does not.
DOCUMENTS: list[dict[str, Any]] = [
    {"document_id": "a", "brand": "Acme", "price": 5, "metadata": {"category": "audio"}, "tags": ["x", "y"]},
    {"document_id": "b", "brand": "Acme", "price": 5.5, "metadata": {"category": "video"}, "tags": ["y"]},
    {"document_id": "c", "brand": "acme", "price": "5", "metadata": {"category": "audio"}, "tags": []},
    {"document_id": "d", "brand": "Bolt", "price": True, "metadata": {"category": "text", "page": 3}},
    {"document_id": "e", "brand": "Bolt", "price": None},
    {"document_id": "f", "brand": "Bolt", "price": {"amount": 5}, "parts": [{"size": 1}, {"size": 2, "deep": [7]}]},
    {"document_id": "g", "price": [9, 1], "features": [{"feature_extractor_id": "x_v1", "payload": {"text": "Hi"}}]},
    {"document_id": "h", "price": -1, "source_document_id": "a", "refers_to": ["b", "nowhere"]},
]


async def fill(client: Client, documents: list[dict[str, Any]] = DOCUMENTS, collection: str = "things") -> None:
    for document in documents:
        made = await client.post(f"/v1/collections/{collection}/documents", json=document)
        assert made.status_code == 200, made.text


async def post(client: Client, path: str = LIST, **body: Any) -> dict[str, Any]:
    answer = await client.post(path, json=body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def names(client: Client, path: str = LIST, **body: Any) -> str:
    """The ids of a page, as one text."""
    return "".join(document["document_id"] for document in (await post(client, path, **body))["results"])


async def refusal(client: Client, path: str = LIST, **body: Any) -> tuple[int, str | None]:
    answer = await client.post(path, json=body)
    error = answer.json()["error"]
    return answer.status_code, error.get("code") or error["details"]["validation_errors"][0]["type"]


async def walk(client: Client, path: str = LIST, **body: Any) -> list[dict[str, Any]]:
    """All documents or groups, page after page by cursor."""
    found: list[dict[str, Any]] = []
    while True:
        page = await post(client, path, **body)
        found += page["results"] if page["groups"] is None else page["groups"]
        body["cursor"] = page["pagination"]["next_cursor"]
        if body["cursor"] is None:
            return found
