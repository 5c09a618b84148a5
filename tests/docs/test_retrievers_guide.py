"""The requests of the guide about retrievers, sent as they stand."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import httpx2
import pytest

GUIDE = (Path(__file__).parents[2] / "docs" / "guides" / "retrievers.md").read_text()
REQUESTS = re.findall(r"```http\n(\w+) (\S+)\n(.*?)```", GUIDE, flags=re.DOTALL)

pytestmark = pytest.mark.anyio


@pytest.fixture
async def answers(client: httpx2.AsyncClient) -> list[Any]:
    """The answers to the requests of the page, in their order."""
    client.headers["X-Namespace"] = "garden"
    found = []
    for method, path, body in REQUESTS:
        answer = await client.request(method, path, json=json.loads(body))
        assert answer.status_code == 200, (path, answer.text)
        found.append(answer.json())
    return found


async def test_guide_about_retrievers(answers: list[Any]) -> None:
    _, _, _, made, executed, narrowed, ad_hoc, batch = answers

    def ids(answer: Any) -> list[str]:
        return [document["document_id"] for document in answer["documents"]]

    assert made["retriever_name"] == "plants-like"
    assert ids(executed) == ["fern", "moss"]
    assert [one["template"] for one in executed["interpretation"]["relaxations"]] == ["{{INPUT.shade}}"]
    assert executed["optimization_summary"]["rules_applied"] == ["push_down_filters"]
    assert ids(narrowed) == ["moss"]
    assert ids(ad_hoc) == ["moss", "fern"]
    assert [ids(result) for result in batch["results"]] == [["fern"], ["rose"]]
