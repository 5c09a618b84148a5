"""One call of one model: which is meant, and what it answers."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import orjson

from headwater.context import Context
from headwater.errors import BadRequestError, NotEnabledError, ValidationError
from headwater.models.interface import DEFAULT_TEXT_MODEL, Embedding, ModelInfo, Models
from headwater.resources.inference.schemas import RawInferenceRequest
from headwater.store.collections.feature_uris import parse_feature_uri

_HOSTED = frozenset({"openai", "google", "gemini", "anthropic"})
_TEXT_EXTRACTOR = "text_extractor_v1"


async def execute_raw_inference(ctx: Context, request: RawInferenceRequest) -> dict[str, Any]:
    models = ctx.runtime.models
    started = time.perf_counter()
    model = _model_of(models, request)
    if model.task == "rerank":
        answer = {"data": {"scores": await _scores(models, model, request)}, "tokens_used": None}
    else:
        texts = request.inputs.all_texts()
        found = await models.embed(model.name, texts, request.parameters.task)
        answer = _embedded(found, single=request.inputs.texts is None)
    latency = (time.perf_counter() - started) * 1000
    return answer | {"provider": "local", "model": model.name, "latency_ms": round(latency, 2), "cached": False}


def _model_of(models: Models, request: RawInferenceRequest) -> ModelInfo:
    named = _name_of(request)
    found = models.find(named)
    if found is None and (uri := parse_feature_uri(named)) is not None:
        # The text extractor's output has names that are not its model's.
        default = DEFAULT_TEXT_MODEL if uri.extractor_id == _TEXT_EXTRACTOR else ""
        found = models.find(uri.output or default) or models.find(default)
    if found is None:
        names = ", ".join(info.name for info in models.list())
        raise BadRequestError(f"no model {named[:200]!r} is part of this deployment; there are: {names}")
    return found


def _name_of(request: RawInferenceRequest) -> str:
    """What the request calls the model. The provider of hosted ones is refused: nothing here calls other services."""
    if named := request.inference_name or request.feature_uri:
        return named
    if request.provider in _HOSTED:
        raise NotEnabledError(
            f"Models of {request.provider} are not part of this deployment; name one of its own as inference_name",
            details={"feature": f"{request.provider}_models"},
        )
    if request.provider not in (None, "local"):
        raise BadRequestError(f"unknown provider {request.provider[:100]!r}; the models of this deployment are `local`")
    if request.model is None:
        raise BadRequestError("name a model: inference_name, feature_uri, or provider `local` with model")
    return request.model


async def _scores(models: Models, model: ModelInfo, request: RawInferenceRequest) -> list[float]:
    if request.inputs.query is None:
        message = f"{model.name} compares texts with a query; send it as inputs.query"
        raise ValidationError.at(["body", "inputs", "query"], message, "missing")
    return list(await models.rerank(model.name, request.inputs.query, request.inputs.all_texts()))


def _embedded(found: Sequence[Embedding], *, single: bool) -> dict[str, Any]:
    vectors = np.array([np.frombuffer(one.vector, "<f4") for one in found])
    data: dict[str, Any] = {"dimensions": vectors.shape[1]}
    # Each number is written as the shortest that is equal as float32.
    numbers = orjson.dumps(vectors[0] if single else vectors, option=orjson.OPT_SERIALIZE_NUMPY)
    data["embedding" if single else "embeddings"] = orjson.Fragment(numbers)
    if truncated := [position for position, one in enumerate(found) if one.truncated]:
        data["truncated"] = truncated
    tokens = sum(one.tokens for one in found)
    return {"data": data, "tokens_used": {"input_tokens": tokens, "total_tokens": tokens}}
