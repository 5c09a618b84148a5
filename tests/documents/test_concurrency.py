"""Many clients at one document: no update is lost, and of those that name one version exactly one wins."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2
import pytest

from headwater.catalog.tables.collections import Collection
from headwater.runtime import Runtime

pytestmark = pytest.mark.anyio

PATH = "/v1/collections/things/documents"
CLIENTS = 16


async def at_once(*requests: Any) -> list[httpx2.Response]:
    return list(await asyncio.gather(*requests))


async def test_patches_of_different_fields_are_all_kept(api: httpx2.AsyncClient, things: Collection) -> None:
    url = f"{PATH}/{(await api.post(PATH, json={'metadata': {}})).json()['document_id']}"
    rounds = 5
    for number in range(rounds):
        answers = await at_once(
            *(api.patch(url, json={f"root{n}": number, f"metadata.leaf{n}": number}) for n in range(CLIENTS))
        )
        assert [answer.status_code for answer in answers] == [200] * CLIENTS
        # Each answer is a version of its own, and shows what its request asked for.
        assert len({answer.headers["etag"] for answer in answers}) == CLIENTS
        for n, answer in enumerate(answers):
            assert answer.json()[f"root{n}"] == answer.json()["metadata"][f"leaf{n}"] == number
    document = (await api.get(url)).json()
    for n in range(CLIENTS):
        assert document[f"root{n}"] == document["metadata"][f"leaf{n}"] == rounds - 1


async def test_of_patches_on_one_version_exactly_one_wins(api: httpx2.AsyncClient, things: Collection) -> None:
    created = await api.post(PATH, json={"winner": None})
    url, etag = f"{PATH}/{created.json()['document_id']}", created.headers["etag"]
    for _ in range(10):
        answers = await at_once(
            *(api.patch(url, json={"winner": n}, headers={"If-Match": etag}) for n in range(CLIENTS))
        )
        statuses = sorted(answer.status_code for answer in answers)
        assert statuses == [200] + [412] * (CLIENTS - 1)
        [won] = [n for n, answer in enumerate(answers) if answer.status_code == 200]
        read = await api.get(url)
        assert read.json()["winner"] == won
        etag = read.headers["etag"]


async def test_of_creates_with_one_id_exactly_one_wins(api: httpx2.AsyncClient, things: Collection) -> None:
    answers = await at_once(*(api.post(PATH, json={"document_id": "d", "n": n}) for n in range(CLIENTS)))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * (CLIENTS - 1)
    [won] = [n for n, answer in enumerate(answers) if answer.status_code == 200]
    assert (await api.get(f"{PATH}/d")).json()["n"] == won


async def test_one_idempotency_key_at_once_makes_one_document(
    api: httpx2.AsyncClient, things: Collection, runtime: Runtime
) -> None:
    headers = {"Idempotency-Key": "k"}
    answers = await at_once(*(api.post(PATH, json={"n": 1}, headers=headers) for _ in range(50)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert runtime.reader.connection.execute("SELECT count(*) FROM documents").get == 1


async def test_new_vector_names_at_once_become_one_index_each(
    api: httpx2.AsyncClient, things: Collection, runtime: Runtime
) -> None:
    """One name used with two widths at the same time: the first decides, the others are told."""

    def body(width: int) -> dict[str, Any]:
        return {"features": [{"feature_extractor_id": "f", "vectors": {"e": [1] * width}}]}

    answers = await at_once(*(api.post(PATH, json=body(2 + n % 2)) for n in range(CLIENTS)))
    assert sorted(answer.status_code for answer in answers) == [200] * 8 + [422] * 8
    found = runtime.catalogue.collection(things.namespace_row, "things")
    assert found is not None
    assert [index["name"] for index in found.body["vectors"]] == ["f_e"]
    widths = {2 + n % 2 for n, answer in enumerate(answers) if answer.status_code == 200}
    assert widths == {found.body["vectors"][0]["dimensions"]}
