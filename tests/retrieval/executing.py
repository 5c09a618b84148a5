"""Stages to try pipelines with, and how they are run."""

from __future__ import annotations

from typing import Any

import httpx2

ALL: dict[str, Any] = {"stage_name": "all", "stage_id": "attribute_filter", "parameters": {"conditions": {"AND": []}}}


def where(**parameters: Any) -> dict[str, Any]:
    return {"stage_name": "where", "stage_id": "attribute_filter", "parameters": parameters}


def limit(count: Any, **stage: Any) -> dict[str, Any]:
    return {"stage_name": "limit", "stage_id": "limit", "parameters": {"limit": count}, **stage}


class Execute:
    """``await run([stages], inputs=…)``: an ad hoc execution over the collection."""

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self.client = client

    async def raw(self, stages: list[dict[str, Any]], **body: Any) -> httpx2.Response:
        body = {"collection_identifiers": ["things"], "stages": stages, **body}
        return await self.client.post("/v1/retrievers/execute", json=body)

    async def __call__(self, stages: list[dict[str, Any]], **body: Any) -> dict[str, Any]:
        answer = await self.raw(stages, **body)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


def ids(answer: dict[str, Any]) -> list[str]:
    assert answer["documents"] == answer["results"]
    return [document["document_id"] for document in answer["documents"]]
