"""Collections with vectors, and a context to search them with."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from headwater.context import Context
from headwater.query import parse_filter
from headwater.retrieval.search.parameters import FeatureSearchParameters
from headwater.retrieval.stage import Run, StageCall, StageResult
from headwater.retrieval.stages.feature_search import FeatureSearch
from headwater.settings import Settings
from headwater.tenancy.access import authenticate, resolve_namespace

from .executing import Execute

Put = Callable[..., Awaitable[dict[str, Any]]]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Nothing here is about power cuts, and most tests store many documents one by one."""
    return Settings(data=tmp_path / "data", sqlite_cache_bytes=8 << 20, reserve_bytes=0, synchronous="OFF")


@pytest.fixture
async def context(runtime: Any, client: httpx2.AsyncClient) -> Context:
    """The administrator in the client's namespace."""
    key = authenticate(runtime, client.headers["Authorization"], None)
    return Context(runtime, "req_test", key, resolve_namespace(runtime, key, client.headers["X-Namespace"]))


@pytest.fixture
def put(client: httpx2.AsyncClient, collection: dict[str, Any]) -> Put:
    """``await put("a", [1, 0], brand="x")`` stores a document with the vector ``text_extractor_v1_embedding``."""

    async def store(
        document_id: str, vector: Any = None, in_collection: str = "things", output: str = "embedding", **body: Any
    ) -> dict[str, Any]:
        vectors = vector if isinstance(vector, dict) and "indices" not in vector else {output: vector}
        features = [{"feature_extractor_id": "text_extractor_v1", "vectors": vectors}] if vector is not None else []
        answer = await client.post(
            f"/v1/collections/{in_collection}/documents",
            json={"document_id": document_id, "features": features, **body},
        )
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    return store


@pytest.fixture
def make(client: httpx2.AsyncClient) -> Callable[..., Awaitable[dict[str, Any]]]:
    """``await make("others")`` makes another hand-filled collection."""

    async def create(name: str, **body: Any) -> dict[str, Any]:
        answer = await client.post(
            "/v1/collections", json={"collection_name": name, "source": {"type": "none"}, **body}
        )
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    return create


Search = Callable[..., Awaitable[StageResult]]


@pytest.fixture
def find(context: Context) -> Search:
    """``await find({"searches": […]}, filters={…})`` runs the stage."""

    async def run(
        parameters: dict[str, Any],
        *,
        filters: Any = None,
        wanted: int = 1,
        ctx: Context = context,
        inputs: dict[str, Any] | None = None,
        explain: bool = False,
    ) -> StageResult:
        whole = Run(
            context=ctx,
            execution_id="exec_test",
            collections=(),
            inputs=inputs or {},
            deadline=time.monotonic() + 30,
            render=lambda value, document=None: value,
            wanted=wanted,
            explain=explain,
        )
        asked = FeatureSearchParameters.model_validate(parameters)
        return await FeatureSearch().run(whole, StageCall("find", asked, parse_filter(filters)), [])

    return run


def ids(result: StageResult) -> list[str]:
    return [hit.document_id for hit in result.hits]


def by_vector(vector: Any, **search: Any) -> dict[str, Any]:
    """The parameters of one search by a vector."""
    return {"searches": [{"feature_uri": "embedding", "query": vector, **search}]}


@pytest.fixture
async def documents(client: httpx2.AsyncClient, collection: dict[str, Any]) -> None:
    for number in range(6):
        body = {"document_id": f"d{number}", "n": number, "brand": "Acme" if number % 2 else "Bolt"}
        made = await client.post("/v1/collections/things/documents", json=body)
        assert made.status_code == 200, made.text


@pytest.fixture
def run(client: httpx2.AsyncClient, documents: None) -> Execute:
    return Execute(client)
