"""The extractors of this deployment, as the public catalogue shows them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from headwater.errors import NotFoundError
from headwater.models.interface import DEFAULT_TEXT_MODEL, ModelInfo
from headwater.store.commands.collections import PASSTHROUGH_EXTRACTOR

_PASSTHROUGH: dict[str, Any] = {
    **PASSTHROUGH_EXTRACTOR,
    "description": "Takes fields as they are and computes nothing: for documents that bring their own vectors",
    "icon": "arrow-right",
    "category": "utility",
    "source": "builtin",
    "type_mode": "multimodal",
    "expected_input_types": None,
    "inference_type": None,
    "input_schema": {"type": "object", "properties": {}},
    "output_schema": {"type": "object", "properties": {}},
    "parameter_schema": {"type": "object", "properties": {}},
    "supported_input_types": ["text", "image", "audio", "video", "pdf", "excel", "string"],
    "max_inputs": {},
    "default_parameters": {},
    "costs": None,
    "required_vector_indexes": [],
    "required_payload_indexes": [],
    "position_fields": [],
    "capabilities": ["batch"],
    "example_usage": {"feature_extractor": {"feature_extractor_name": "passthrough_extractor", "version": "v1"}},
}
_TEXT: dict[str, Any] = {
    "feature_extractor_name": "text_extractor",
    "version": "v1",
    "feature_extractor_id": "text_extractor_v1",
    "description": "Embeds the text of searches. It makes no documents here yet: they bring their vectors, which"
    " POST /v1/inference computes",
    "icon": "text",
    "category": "text",
    "source": "builtin",
    "type_mode": "type_specific",
    "expected_input_types": {"text": "text"},
    "inference_type": "embedding",
    "input_schema": {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]},
    "output_schema": {
        "type": "object",
        "properties": {"text_extractor_v1_embedding": {"type": "array", "items": {"type": "number"}}},
    },
    "parameter_schema": {
        "type": "object",
        "properties": {"embedding_model": {"type": "string", "default": DEFAULT_TEXT_MODEL}},
    },
    "supported_input_types": ["text", "string"],
    "max_inputs": {"text": 1},
    "default_parameters": {"embedding_model": DEFAULT_TEXT_MODEL},
    "costs": None,
    "required_vector_indexes": [
        {
            "feature_uri": f"mixpeek://text_extractor@v1/{DEFAULT_TEXT_MODEL}",
            "name": "embedding",
            "description": "English text by meaning, as all-MiniLM-L6-v2 reads it",
            "type": "single",
            "index": {
                "name": "text_extractor_v1_embedding",
                "description": "English text by meaning, as all-MiniLM-L6-v2 reads it",
                "type": "dense",
                "dimensions": 384,
                "distance": "cosine",
                "datatype": "float32",
                "inference_name": DEFAULT_TEXT_MODEL,
                "purpose": "text",
            },
        }
    ],
    "required_payload_indexes": [],
    "position_fields": [],
    "capabilities": ["realtime"],
    "example_usage": {"feature_extractor": {"feature_extractor_name": "text_extractor", "version": "v1"}},
}
EXTRACTORS: dict[str, dict[str, Any]] = {entry["feature_extractor_id"]: entry for entry in (_PASSTHROUGH, _TEXT)}


def list_extractors() -> list[dict[str, Any]]:
    return list(EXTRACTORS.values())


def get_extractor(feature_extractor_id: str) -> dict[str, Any]:
    found = EXTRACTORS.get(feature_extractor_id)
    if found is None:
        raise NotFoundError.of("feature_extractor", feature_extractor_id)
    return found


def extractor_warnings(feature_extractor_id: str) -> list[str]:
    """What whoever makes a collection with that extractor has to know of it."""
    by_hand = "documents and their vectors must be brought by hand"
    if feature_extractor_id == _TEXT["feature_extractor_id"]:
        return [f"{feature_extractor_id} embeds searches, but makes no documents yet; {by_hand}"]
    if feature_extractor_id not in EXTRACTORS:
        return [f"{feature_extractor_id} is not part of this deployment; {by_hand}"]
    return []


def feature_menu(models: Sequence[ModelInfo]) -> dict[str, Any]:
    """What can be searched by, for each kind of file: text by the models that embed it. Those of the operator are the
    custom features. Other kinds follow when something computes vectors of them."""
    features = [_feature(model) for model in models if model.task == "embed"]
    own = [feature for feature in features if feature["model"] == DEFAULT_TEXT_MODEL]
    return {
        "modalities": [{"modality": "text", "features": own}],
        "custom_features": [feature for feature in features if feature not in own],
        "full_res_multiplier": 1.0,
    }


def _feature(model: ModelInfo) -> dict[str, Any]:
    return {
        "feature_uri": f"mixpeek://text_extractor@v1/{model.name}",
        "model": model.name,
        "dimensions": model.dimensions,
        "available": model.available,
        "hint": model.hint,
    }
