"""Queries that want too much or mean nothing: refused with the place and the reason, never a defect."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest

from headwater.resources.documents.schemas_read import DocumentList


def nested(depth: int) -> dict[str, Any]:
    node: dict[str, Any] = {"a": 1}
    for _ in range(depth):
        node = {"AND": [node]}
    return node


def where(operator: str, value: Any, path: str = "a") -> dict[str, Any]:
    return {"filters": {"field": path, "operator": operator, "value": value}}


REFUSED: dict[str, Any] = {
    "unknown operator": where("like", "x"),
    "number for a list": where("in", 3),
    "text for a boolean": where("exists", "yes"),
    "object for a number": where("gt", {}),
    "10,000 conditions": {"filters": {"OR": [{"a": number} for number in range(10_000)]}},
    "nesting of 25": {"filters": nested(25)},
    "pattern that does not compile": where("regex", "(["),
    "pattern of a megabyte": where("regex", "a" * 1_000_000),
    "look-around": where("regex", "(?=a)b"),
    "list of 100,000": where("in", list(range(100_000))),
    "limit": {"limit": 10**9},
    "dynamic value": where("eq", {"type": "dynamic", "field": "inputs.x"}),
    "group by a path of 100,000 steps": {"group_by": "a." * 100_000 + "a"},
    "integer beyond 64 bits": where("eq", 2**70),
}
ANSWERED: dict[str, Any] = {
    "exponential pattern": where("regex", "(a+)+$"),
    "name with a NUL": where("eq", "x", "a\0b"),
    "name from right to left": where("eq", "x", "\u202eשם"),
    "prototype": where("eq", "x", "__proto__.constructor"),
    "quotes": where("eq", "' OR 1=1 --", 'a"]; DROP TABLE documents; --'),
    "select of a deep path": {"select": [".".join("a" * 400)]},
    "nothing in a list": where("in", []),
}


@pytest.fixture
async def path(client: httpx2.AsyncClient, collection: dict[str, Any]) -> str:
    path = f"/v1/collections/{collection['collection_id']}/documents"
    made = await client.post(path, json={"a": "a" * 5000 + "b"})
    assert made.status_code == 200
    return path


@pytest.mark.anyio
@pytest.mark.parametrize("case", REFUSED)
async def test_what_wants_too_much_is_refused(client: httpx2.AsyncClient, path: str, case: str) -> None:
    answer = await client.post(f"{path}/list", json=REFUSED[case])
    assert answer.status_code == 422, answer.text[:300]
    assert answer.json()["error"]["details"]["validation_errors"][0]["location"][0] in ("body", "query")


@pytest.mark.anyio
@pytest.mark.parametrize("case", ANSWERED)
async def test_what_is_only_strange_is_answered(client: httpx2.AsyncClient, path: str, case: str) -> None:
    answer = await client.post(f"{path}/list", json=ANSWERED[case])
    assert answer.status_code == 200, answer.text[:300]


@pytest.mark.anyio
@pytest.mark.parametrize("text", ["{", "[]", "1", '{"a": NaN}', '{"a": 1, "a": 2}', json.dumps(nested(30))])
async def test_a_filter_in_the_url_that_is_none_is_refused(client: httpx2.AsyncClient, path: str, text: str) -> None:
    for place in (path, f"{path}/count"):
        answer = await client.get(place, params={"filters": text})
        assert answer.status_code in (400, 422), (text, answer.text[:300])


@pytest.mark.anyio
async def test_parts_of_files_are_described(client: httpx2.AsyncClient, path: str) -> None:
    """What ``select`` keeps of a file fits the description of a list."""
    blob = {"field": "photo", "url": "https://example.com/a.png", "type": "image"}
    await client.post(path, json={"document_id": "with", "document_blobs": [blob]})
    body = {"filters": {"document_id": "with"}, "select": ["document_blobs.type"]}
    listed = (await client.post(f"{path}/list", json=body)).json()
    assert listed["results"][0]["document_blobs"] == [{"type": "image"}]
    DocumentList.model_validate(listed)
