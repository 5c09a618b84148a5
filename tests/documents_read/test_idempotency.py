"""Idempotency keys: whose they are, what they fit, and how long they are kept."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from headwater.errors import ValidationError
from headwater.store.commands.housekeeping import ForgetIdempotencyKeys
from headwater.store.documents.idempotency import check_key, fingerprint
from headwater.store.forgetting_job import forget_idempotency_keys
from headwater.tenancy.bootstrap import new_organization

pytestmark = pytest.mark.anyio

DOCUMENT = {"brand": "Acme", "features": []}
HEADERS = {"Idempotency-Key": "k1"}


@pytest.fixture
async def other_headers(runtime: Any, app: Any) -> dict[str, str]:
    """The headers of another organization with a namespace and a collection of the same names."""
    command, secret = new_organization(runtime.secret, "Other", email="other@example.com")
    await runtime.store.execute(command)
    headers = {"Authorization": f"Bearer {secret}"}
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://headwater", headers=headers) as client:
        made = await client.post("/v1/namespaces", json={"namespace_name": "test"})
        headers["X-Namespace"] = made.json()["namespace_id"]
        body = {"collection_name": "things", "source": {"type": "none"}}
        made = await client.post("/v1/collections", json=body, headers=headers)
        assert made.status_code == 200, made.text
    return headers


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/collections/things/documents", DOCUMENT),
        ("/v1/namespaces/test/documents/upsert", {"documents": [{"document_id": "d", "vectors": {"v": [1.0]}}]}),
    ],
)
async def test_another_organization_may_use_the_same_key(
    client: httpx2.AsyncClient,
    collection: dict[str, Any],
    other_headers: dict[str, str],
    path: str,
    body: dict[str, Any],
) -> None:
    ours = await client.post(path, json=body, headers=HEADERS)
    theirs = await client.post(path, json=body, headers={**other_headers, **HEADERS})
    assert (ours.status_code, theirs.status_code) == (200, 200), theirs.text
    changed = await client.post(path, json={**body, "x": 1}, headers={**other_headers, **HEADERS})
    assert changed.status_code in (409, 422), changed.text
    again = await client.post(path, json=body, headers=HEADERS)
    assert again.content == ours.content
    counts = [
        (await client.get("/v1/collections/things/documents/count", headers=headers)).json()["count"]
        for headers in ({}, other_headers)
    ]
    assert counts in ([1, 1], [0, 0])


async def test_an_answer_is_replayed_after_the_document_is_gone(
    client: httpx2.AsyncClient, collection: dict[str, Any]
) -> None:
    first = await client.post("/v1/collections/things/documents", json=DOCUMENT, headers=HEADERS)
    document_id = first.json()["document_id"]
    assert (await client.delete(f"/v1/collections/things/documents/{document_id}")).status_code == 200
    again = await client.post("/v1/collections/things/documents", json=DOCUMENT, headers=HEADERS)
    assert again.content == first.content


async def test_old_keys_are_forgotten_and_young_ones_kept(
    client: httpx2.AsyncClient, collection: dict[str, Any], runtime: Any
) -> None:
    for number in range(5):
        await client.post("/v1/collections/things/documents", json=DOCUMENT, headers={"Idempotency-Key": f"k{number}"})
    kept = await runtime.store.execute(ForgetIdempotencyKeys(age_milliseconds=3_600_000))
    assert kept == {"forgotten": 0}
    sliced = await runtime.store.execute(ForgetIdempotencyKeys(age_milliseconds=-1, limit=2))
    assert sliced == {"forgotten": 2}
    assert await forget_idempotency_keys(runtime.store, -1) == {"forgotten": 3}
    jobs = runtime.reader.connection.execute("SELECT count(*) FROM jobs WHERE kind = 'idempotency.forget'").get
    assert jobs == 1, "one an hour"


@pytest.mark.parametrize("key", ["", "x" * 256, "a\nb", "  "])
def test_keys_that_are_refused(key: str) -> None:
    with pytest.raises(ValidationError):
        check_key(key, ["header", "Idempotency-Key"])


def test_a_fingerprint_is_of_the_value_not_of_the_text() -> None:
    assert fingerprint({"a": 1, "b": [1.5]}) == fingerprint({"b": [1.5], "a": 1})
    assert fingerprint({"a": 1}) != fingerprint({"a": "1"})
    assert fingerprint({"a": 1}) != fingerprint({"a": True})
