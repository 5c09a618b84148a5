"""Searches for words: alone, under filters, and together with vectors."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from headwater.errors import BadRequestError, ValidationError

from .conftest import Put, Search, ids

pytestmark = pytest.mark.anyio
TITLES = {"fern": "Ferns in the shade", "both": "Ferns and mosses", "moss": "Mosses love shade", "sea": "Ships at sea"}


@pytest.fixture
async def stored(client: httpx2.AsyncClient, put: Put) -> None:
    namespace = f"/v1/namespaces/{client.headers['X-Namespace']}"
    declared = await client.patch(namespace, json={"payload_indexes": [{"field_name": "title", "type": "text"}]})
    assert declared.status_code == 200, declared.text
    for number, (name, title) in enumerate(TITLES.items()):
        vector = [1.0, float(number)] if name != "both" else None
        await put(name, vector, title=title, number=number)


def words(text: str, **more: Any) -> dict[str, Any]:
    return {"searches": [{"lexical": True, "query": text, **more}]}


async def test_words_are_found_by_their_stems(stored: None, find: Search) -> None:
    result = await find(words("moss shades"))
    assert ids(result)[0] == "moss"
    assert set(ids(result)) == {"moss", "both", "fern"}
    assert (await find(words("zebra"))).hits == []


async def test_filters_and_rollup(stored: None, find: Search) -> None:
    assert ids(await find(words("fern"), filters={"number": {"gte": 1}})) == ["both"]
    assert ids(await find(words("fern", min_score=100))) == []
    assert set(ids(await find(words("fern") | {"rollup": "root_object"}))) == {"fern", "both"}


async def test_hybrid(stored: None, find: Search) -> None:
    by_vector = {"feature_uri": "embedding", "query": [1.0, 2.0]}
    result = await find({"searches": [by_vector, *words("moss")["searches"]]})
    assert ids(result)[0] == "moss"
    scores = result.hits[0].added["feature_scores"]
    assert scores.keys() == {"mixpeek://text_extractor@v1/embedding", "lexical"}
    assert set(ids(result)) == set(TITLES)


async def test_lexical_searches_that_are_refused(stored: None, find: Search) -> None:
    with pytest.raises(ValidationError, match="looks for a text"):
        await find({"searches": [{"lexical": True, "query": [1.0, 0.0]}]})
    with pytest.raises(BadRequestError, match="is empty"):
        await find(words(" "))


async def test_no_text_index(put: Put, find: Search) -> None:
    await put("a", [1.0, 0.0], title="Ferns")
    with pytest.raises(ValidationError, match="payload_indexes"):
        await find(words("fern"))
