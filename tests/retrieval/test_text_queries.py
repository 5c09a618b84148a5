"""Searching by text: the model of an index is known by its name, its extractor or its width, or not at all."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from headwater.context import Context
from headwater.errors import ValidationError
from headwater.models.interface import DEFAULT_TEXT_MODEL

from .conftest import Put, Search, ids

pytestmark = pytest.mark.anyio
TEXTS = {"fern": "Ferns want shade and moist soil.", "tax": "Taxes are due in April.", "sea": "Ships sail the ocean."}


async def store(context: Context, put: Put, output: str, in_collection: str = "things") -> None:
    made = await context.runtime.models.embed(DEFAULT_TEXT_MODEL, list(TEXTS.values()), "document")
    for name, embedding in zip(TEXTS, made, strict=True):
        vector = np.frombuffer(embedding.vector, "<f4").tolist()
        await put(f"{in_collection} {name}", vector, in_collection, output=output)


def asking(query: Any, **more: Any) -> dict[str, Any]:
    return {"searches": [{"query": query, **more}], "final_top_k": 1}


@pytest.mark.parametrize(
    "query",
    [
        "how do I grow plants",
        {"input_mode": "text", "value": "how do I grow plants", "embedding_task": "retrieval_query"},
        {"text": "how do I grow plants"},
    ],
)
@pytest.mark.parametrize("output", ["embedding", DEFAULT_TEXT_MODEL])
async def test_text_finds_what_it_means(context: Context, put: Put, find: Search, query: Any, output: str) -> None:
    await store(context, put, output)
    assert ids(await find(asking(query))) == ["things fern"]


async def test_form_of_the_convenience_client(context: Context, put: Put, find: Search) -> None:
    await store(context, put, "embedding")
    found = await find(
        {"feature_extractor": {"type": "text"}, "query": "boats", "collection_ids": ["things"], "limit": 2}
    )
    assert ids(found)[0] == "things sea"
    assert len(found.hits) == 2


async def test_text_that_is_too_long_is_told(context: Context, put: Put, find: Search) -> None:
    await store(context, put, "embedding")
    [warning] = (await find(asking("boats on the ocean " * 200))).warnings
    assert "read only the first" in warning


async def test_vectors_of_an_unknown_model(put: Put, find: Search) -> None:
    await put("a", [1.0, 0.0])
    with pytest.raises(ValidationError, match=r"no text model .* search it by a vector") as refused:
        await find(asking("anything"))
    assert refused.value.code == "text_model_unknown"


async def test_collections_with_the_same_model(context: Context, put: Put, make: Any, find: Search) -> None:
    await make("others")
    await store(context, put, "embedding")
    await store(context, put, DEFAULT_TEXT_MODEL, "others")
    found = await find({"searches": [{"query": "boats", "feature_uri": "mixpeek://text_extractor@v1"}]})
    assert ids(found)[:2] == ["others sea", "things sea"]
