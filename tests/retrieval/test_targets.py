"""Every spelling of a feature leads to the index that it means, and to no other."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import pytest

from headwater.context import Context
from headwater.errors import NotFoundError, ValidationError
from headwater.retrieval.search.targets import targets_of

from .conftest import Put

pytestmark = pytest.mark.anyio
AT: list[str | int] = ["body", "feature_uri"]


def names(context: Context, reference: str, *collections: str) -> list[tuple[str, str]]:
    found = [context.runtime.catalogue.collection(context.scope.namespace_row, name) for name in collections]
    targets = targets_of(context, [one for one in found if one is not None], reference, AT)
    return [(target.collection.collection_name, target.name) for target in targets]


@pytest.mark.parametrize(
    "spelling",
    [
        "mixpeek://text_extractor@v1/minilm_l6_v2_v1",
        "mixpeek://text_extractor@v1/sentence-transformers__minilm-l6-v2",
        "mixpeek://text_extractor@v1/text_extractor_v1_minilm_l6_v2_v1",
        "mixpeek://text_extractor@v1/embedding",
        "mixpeek://text_extractor@v1/text_embedding",
        "mixpeek://text_extractor@v1",
        "mixpeek://other_extractor@v7/minilm_l6_v2_v1",
        "text_extractor_v1_minilm_l6_v2_v1",
        "minilm_l6_v2_v1",
        "embedding",
        "namespace://things/minilm_l6_v2_v1",
        "test://things/text_extractor_v1_minilm_l6_v2_v1",
    ],
)
async def test_spellings_of_one_index(context: Context, put: Put, spelling: str) -> None:
    await put("a", {"minilm_l6_v2_v1": [1.0, 0.0], "terms": {"indices": [1], "values": [1.0]}})
    assert names(context, spelling, "things") == [("things", "text_extractor_v1_minilm_l6_v2_v1")]


async def test_more_exact_spelling_wins(context: Context, put: Put) -> None:
    await put("a", {"first": [1.0], "embedding": [1.0, 0.0]})
    assert names(context, "mixpeek://text_extractor@v1/embedding", "things") == [
        ("things", "text_extractor_v1_embedding")
    ]
    assert names(context, "mixpeek://text_extractor@v1/text_embedding", "things") == [
        ("things", "text_extractor_v1_first")
    ]


async def test_collections_without_the_index_are_left_out(
    context: Context, put: Put, make: Callable[..., Awaitable[Any]]
) -> None:
    await make("others")
    await make("empty")
    await put("a", [1.0], output="left")
    await put("b", [1.0], "others", output="right")
    assert names(context, "right", "things", "others", "empty") == [("others", "text_extractor_v1_right")]
    assert names(context, "mixpeek://text_extractor@v1/embedding", "things", "others", "empty") == [
        ("things", "text_extractor_v1_left"),
        ("others", "text_extractor_v1_right"),
    ]


async def test_unknown_feature_lists_what_there_is(context: Context, put: Put) -> None:
    await put("a", [1.0])
    with pytest.raises(ValidationError, match=r"mixpeek://text_extractor@v1/embedding") as refused:
        names(context, "mixpeek://text_extractor@v1/other", "things")
    assert refused.value.details is not None
    assert refused.value.details["available"] == ["mixpeek://text_extractor@v1/embedding"]
    with pytest.raises(ValidationError, match="no feature URI of this namespace"):
        names(context, "s3://things/embedding", "things")
    with pytest.raises(NotFoundError):
        names(context, "namespace://elsewhere/embedding", "things")


async def test_no_vectors_at_all(context: Context, client: httpx2.AsyncClient, collection: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="no document has brought a vector yet"):
        names(context, "embedding", "things")
