"""The write happened but its answer did not arrive whole: the worker reads what is stored."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx2
import pytest

from headwater.app import create_app
from headwater.catalog.tables.collections import Collection
from headwater.runtime import Runtime
from headwater.store.commands.documents import DeleteDocument

pytestmark = pytest.mark.anyio

PATH = "/v1/collections/things/documents"


class ForgetfulStore:
    """A store whose process died between the commit and the answer: of the outcome only the small part is kept."""

    def __init__(self, store: Any) -> None:
        self.store = store
        self.query = store.query
        self.close = store.close
        #: Delete the document before the worker can read it.
        self.deletes = False

    async def execute(self, command: Any) -> Any:
        outcome = await self.store.execute(command)
        if isinstance(outcome, dict) and "document" in outcome:
            del outcome["document"]
            if self.deletes:
                await self.store.execute(
                    DeleteDocument(
                        namespace_row=command.namespace_row,
                        collection_row=outcome["collection_row"],
                        document_id=outcome["document_id"],
                    )
                )
        return outcome


@pytest.fixture
def store(runtime: Runtime) -> ForgetfulStore:
    return ForgetfulStore(runtime.store)


@pytest.fixture
async def forgetful(
    api: httpx2.AsyncClient, runtime: Runtime, store: ForgetfulStore
) -> AsyncIterator[httpx2.AsyncClient]:
    app = create_app(replace(runtime, store=store))
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://headwater", headers=api.headers) as client:
        yield client


async def test_the_answer_is_read_from_the_record(
    api: httpx2.AsyncClient, forgetful: httpx2.AsyncClient, things: Collection
) -> None:
    body = {"a": 1, "features": [{"feature_extractor_id": "f", "vectors": {"e": [1, 2]}}]}
    created = await forgetful.post(f"{PATH}?return_vectors=true", json=body)
    assert created.status_code == 200, created.text
    assert created.json()["f_e"] == [1.0, 2.0]
    patched = await forgetful.patch(f"{PATH}/{created.json()['document_id']}", json={"a": 2})
    read = await api.get(f"{PATH}/{created.json()['document_id']}")
    assert patched.content == read.content
    assert patched.headers["etag"] == read.headers["etag"] != created.headers["etag"]


async def test_a_document_that_is_gone_again_is_no_reason_to_repeat(
    forgetful: httpx2.AsyncClient, things: Collection, store: ForgetfulStore
) -> None:
    store.deletes = True
    answer = await forgetful.post(PATH, json={"a": 1})
    assert answer.status_code == 500
    assert answer.json()["error"]["details"]["retryable"] is False
