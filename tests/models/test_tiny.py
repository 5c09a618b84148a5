"""Models in an operator's folder: what they compute, and what is wrong with those that do not."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headwater.errors import NotEnabledError, NotFoundError
from headwater.models.local import LocalModels
from headwater.models.registry import Registry
from tests.models.tiny import WORDS, write_model

pytestmark = pytest.mark.anyio


def vector(embedding: Any) -> np.ndarray:
    return np.frombuffer(embedding.vector, dtype="<f4")


@pytest.fixture
async def models(tmp_path: Path):
    write_model(tmp_path / "words_v1")
    write_model(tmp_path / "BAAI__pairs_v1", task="rerank")
    models = LocalModels(Registry(tmp_path), lanes=2)
    yield models
    await models.close()


async def test_mean_of_the_words_is_of_unit_length(models: LocalModels) -> None:
    (found,) = await models.embed("words_v1", ["river boat"])
    expected = np.array([1, 0, 0, 1, 0, 0]) / math.sqrt(2)
    np.testing.assert_allclose(vector(found), expected, rtol=1e-6)
    assert (found.tokens, found.truncated) == (2, False)


async def test_each_text_of_a_large_request_gets_its_own_vector(models: LocalModels) -> None:
    texts = [" ".join([WORDS[number % 6]] * (1 + number % 7)) for number in range(100)]
    found = await models.embed("words_v1", texts)
    assert [int(vector(one).argmax()) for one in found] == [number % 6 for number in range(100)]


async def test_no_text_is_no_vector(models: LocalModels) -> None:
    assert list(await models.embed("words_v1", [])) == []


async def test_pairs_are_scored_by_what_they_share(models: LocalModels) -> None:
    texts = ["mill", "river boat", "a boat", "river boat lake"]
    scores = await models.rerank("BAAI__pairs_v1", "river boat lake", texts)
    np.testing.assert_allclose(scores, [0.5, 1 / (1 + math.exp(-2)), 1 / (1 + math.exp(-1)), 1 / (1 + math.exp(-3))])


async def test_scores_without_activation_are_what_the_model_answers(tmp_path: Path) -> None:
    write_model(tmp_path / "pairs", task="rerank", activation="none")
    models = LocalModels(Registry(tmp_path), lanes=1)
    assert await models.rerank("pairs", "river boat", ["boat boat river"]) == [3.0]
    await models.close()


async def test_text_beyond_what_the_model_reads_is_cut_and_said(tmp_path: Path) -> None:
    write_model(tmp_path / "short", max_tokens=3)
    models = LocalModels(Registry(tmp_path), lanes=1)
    whole, cut = await models.embed("short", ["river river river", "river river river boat"])
    assert (whole.truncated, cut.truncated, cut.tokens) == (False, True, 3)
    assert whole.vector == cut.vector
    await models.close()


async def test_prefixes_tell_queries_from_documents(tmp_path: Path) -> None:
    write_model(tmp_path / "asymmetric", query_prefix="lake ", document_prefix="mill ")
    models = LocalModels(Registry(tmp_path), lanes=1)
    (query,) = await models.embed("asymmetric", ["lake"])
    (document,) = await models.embed("asymmetric", ["mill"], "document")
    assert [int(vector(found).argmax()) for found in (query, document)] == [1, 5]
    await models.close()


@pytest.mark.parametrize("pooling", ["cls", "mean"])
async def test_pooling_takes_the_first_token_or_all(tmp_path: Path, pooling: str) -> None:
    write_model(tmp_path / "pooled", pooling=pooling)
    models = LocalModels(Registry(tmp_path), lanes=1)
    (found,) = await models.embed("pooled", ["fish boat boat"])
    assert int(vector(found).argmax()) == (4 if pooling == "cls" else 3)
    await models.close()


@pytest.mark.parametrize("name", ["baai/pairs-v1", "BAAI__pairs_v1", "baai__pairs_v1"])
async def test_a_name_may_be_spelled_as_feature_uris_do(models: LocalModels, name: str) -> None:
    found = models.find(name)
    assert found is not None and found.name == "BAAI__pairs_v1"
    assert await models.rerank(name, "river", ["river"])


async def test_an_unknown_name_lists_what_there_is(models: LocalModels) -> None:
    with pytest.raises(NotFoundError, match="no model 'other' for the task 'embed'; there are: words_v1, all_minilm"):
        await models.embed("other", ["river"])
    with pytest.raises(NotFoundError, match="for the task 'rerank'; there are: BAAI__pairs_v1"):
        await models.rerank("words_v1", "river", ["boat"])


def rewrite(folder: Path, **manifest: Any) -> None:
    (folder / "model.json").write_text(json.dumps(manifest))


BROKEN = {
    "no manifest": (lambda folder: (folder / "model.json").unlink(), "model.json cannot be used: No such file"),
    "no weights": (lambda folder: (folder / "model.onnx").unlink(), r"has no .*model\.onnx; put it there"),
    "no tokenizer": (lambda folder: (folder / "tokenizer.json").unlink(), r"has no .*tokenizer\.json"),
    "no task": (lambda folder: rewrite(folder, dimensions=6), "missing required field `task`"),
    "misspelled": (lambda folder: rewrite(folder, task="embed", dimension=6), "unknown field `dimension`"),
    "no dimensions": (lambda folder: rewrite(folder, task="embed"), "`dimensions`, the width of its vectors"),
    "other dimensions": (
        lambda folder: rewrite(folder, task="embed", dimensions=7),
        "its vectors have 6 dimensions, and its model.json says 7",
    ),
    "wrong pooling": (
        lambda folder: rewrite(folder, task="embed", dimensions=6, pooling="none"),
        "its output has 3 axes, and the pooling 'none' needs 2",
    ),
    "damaged weights": (lambda folder: (folder / "model.onnx").write_bytes(b"no model"), "cannot be used: "),
    "damaged tokenizer": (lambda folder: (folder / "tokenizer.json").write_text("{"), "cannot be used: "),
}


@pytest.mark.parametrize("case", BROKEN)
async def test_a_broken_folder_says_what_is_wrong_with_it(tmp_path: Path, case: str) -> None:
    damage, message = BROKEN[case]
    damage(write_model(tmp_path / "broken"))
    models = LocalModels(Registry(tmp_path), lanes=1)
    with pytest.raises(NotEnabledError, match=message) as error:
        await models.embed("broken", ["river"])
    assert error.value.details == {"feature": "models", "model": "broken"}
    await models.close()


async def test_a_reranker_that_answers_a_vector_is_refused(tmp_path: Path) -> None:
    rewrite(write_model(tmp_path / "odd"), task="rerank")
    models = LocalModels(Registry(tmp_path), lanes=1)
    with pytest.raises(NotEnabledError, match="numbers for a pair, and re-ranking needs one"):
        await models.rerank("odd", "river", ["boat"])
    await models.close()


def test_a_directory_that_is_gone_has_no_models(tmp_path: Path) -> None:
    assert [info.name for info in Registry(tmp_path / "gone").list()] == ["all_minilm_l6_v2_v1"]
