"""``POST /v1/inference``: which model is meant, what it answers, and what it refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx2
import pytest
from mixpeek.api.inference_api import InferenceApi
from mixpeek.exceptions import BadRequestException
from mixpeek.models import RawInferenceRequest

from headwater.settings import Settings
from tests.conftest import Server, generated_client
from tests.models.tiny import write_model

pytestmark = pytest.mark.anyio
MINILM = "all_minilm_l6_v2_v1"


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    write_model(tmp_path / "models" / "words_v1", query_prefix="lake ", max_tokens=4)
    write_model(tmp_path / "models" / "BAAI__pairs_v1", task="rerank")
    return settings.model_copy(update={"models_dir": tmp_path / "models"})


async def infer(client: httpx2.AsyncClient, inputs: dict[str, Any], **selector: Any) -> Any:
    answer = await client.post("/v1/inference", json={"inputs": inputs, **selector})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_one_text_has_one_embedding(client: httpx2.AsyncClient) -> None:
    found = await infer(client, {"text": "lake"}, inference_name="words_v1")
    assert found["data"] == {"embedding": [0.0, 1.0, 0.0, 0.0, 0.0, 0.0], "dimensions": 6}
    assert (found["provider"], found["model"], found["cached"]) == ("local", "words_v1", False)
    assert found["tokens_used"] == {"input_tokens": 2, "total_tokens": 2}
    assert found["latency_ms"] > 0


async def test_a_document_has_no_prefix_of_a_query(client: httpx2.AsyncClient) -> None:
    inputs, parameters = {"text": "mill"}, {"task": "document", "temperature": 1}
    found = await infer(client, inputs, inference_name="words_v1", parameters=parameters)
    assert found["data"]["embedding"] == [0.0, 0.0, 0.0, 0.0, 0.0, 1.0]


async def test_texts_that_are_cut_are_named(client: httpx2.AsyncClient) -> None:
    found = await infer(client, {"texts": ["mill", "mill mill mill mill"]}, inference_name="words_v1")
    assert len(found["data"]["embeddings"]) == 2
    assert found["data"]["truncated"] == [1]


async def test_a_reranker_scores_texts_against_the_query(client: httpx2.AsyncClient) -> None:
    inputs = {"query": "river boat", "texts": ["mill", "boat on a river"]}
    found = await infer(client, inputs, provider="local", model="baai/pairs-v1")
    assert found["data"] == {"scores": [0.5, pytest.approx(0.8808, abs=1e-4)]}
    assert found["model"] == "BAAI__pairs_v1" and found["tokens_used"] is None


@pytest.mark.parametrize(
    "uri",
    [f"mixpeek://text_extractor@v1/{MINILM}", "mixpeek://text_extractor@v1/embedding", "mixpeek://text_extractor@v1"],
)
async def test_the_text_extractor_is_the_default_model(client: httpx2.AsyncClient, uri: str) -> None:
    found = await infer(client, {"text": "read a JSON file"}, feature_uri=uri)
    assert (found["model"], found["data"]["dimensions"]) == (MINILM, 384)


async def test_a_feature_whose_output_is_a_model_is_that_model(client: httpx2.AsyncClient) -> None:
    found = await infer(client, {"text": "lake"}, feature_uri="mixpeek://custom_extractor@v2/words_v1")
    assert found["model"] == "words_v1"


REFUSED = {
    "no selector": ({}, {"text": "lake"}, 400, "name a model: inference_name, feature_uri, or provider"),
    "unknown model": ({"inference_name": "other"}, {"text": "a"}, 400, "no model 'other' is part of this deployment"),
    "unknown feature": ({"feature_uri": "mixpeek://x@v1/y"}, {"text": "a"}, 400, "there are: BAAI__pairs_v1, words_v1"),
    "unknown provider": ({"provider": "acme", "model": "m"}, {"text": "a"}, 400, "unknown provider 'acme'"),
    "hosted provider": ({"provider": "openai", "model": "gpt"}, {"text": "a"}, 403, "Models of openai are not part of"),
    "chat": ({"inference_name": "words_v1"}, {"prompts": ["hello"]}, 422, "send text, a string, or texts"),
    "both": ({"inference_name": "words_v1"}, {"text": "a", "texts": ["b"]}, 422, "send text, a string, or texts"),
    "too many": ({"inference_name": "words_v1"}, {"texts": ["a"] * 257}, 422, "256"),
    "no query": ({"inference_name": "BAAI__pairs_v1"}, {"texts": ["a"]}, 422, "send it as inputs.query"),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_what_cannot_be_answered_says_why(client: httpx2.AsyncClient, case: str) -> None:
    selector, inputs, status, message = REFUSED[case]
    answer = await client.post("/v1/inference", json={"inputs": inputs, **selector})
    assert answer.status_code == status, answer.text
    assert message in answer.json()["error"]["message"]


async def test_a_broken_model_names_its_fault(client: httpx2.AsyncClient, tmp_path: Path) -> None:
    (tmp_path / "models" / "words_v1" / "tokenizer.json").write_text("{")
    answer = await client.post("/v1/inference", json={"inputs": {"text": "a"}, "inference_name": "words_v1"})
    assert answer.status_code == 403
    assert answer.json()["error"]["type"] == "NotEnabledError"
    assert "the model words_v1 in" in answer.json()["error"]["message"]


async def test_a_giant_text_is_cut_before_it_costs_anything(client: httpx2.AsyncClient) -> None:
    found = await infer(client, {"text": "warehouse " * 1_000_000}, inference_name=MINILM)
    assert found["data"]["truncated"] == [0]
    assert found["tokens_used"]["input_tokens"] == 256


def test_generated_client_embeds_on_a_live_server(shared_server: Server) -> None:
    with generated_client(shared_server) as api:
        request = RawInferenceRequest(inference_name=MINILM, inputs={"texts": ["river", "lake"]})
        found = InferenceApi(api).execute_raw_inference(request)
        assert (found.provider, found.model, len(found.data["embeddings"])) == ("local", MINILM, 2)
        with pytest.raises(BadRequestException):
            InferenceApi(api).execute_raw_inference(RawInferenceRequest(inputs={"text": "river"}))
