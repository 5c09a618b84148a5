"""Making collections in a line."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import pytest

Make = Callable[..., Awaitable[dict[str, Any]]]


@pytest.fixture
def make(client: httpx2.AsyncClient) -> Make:
    """``await make("articles", description=…)``: a hand-filled collection, unless ``source`` says otherwise."""

    async def create(name: str, **body: Any) -> dict[str, Any]:
        made = await client.post("/v1/collections", json={"collection_name": name, "source": {"type": "none"}, **body})
        assert made.status_code == 200, made.text
        return dict(made.json())

    return create
