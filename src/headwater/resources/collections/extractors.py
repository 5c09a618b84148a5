"""The extractors of this deployment, as the public catalogue shows them."""

from __future__ import annotations

from typing import Any

from headwater.errors import NotFoundError
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
EXTRACTORS: dict[str, dict[str, Any]] = {_PASSTHROUGH["feature_extractor_id"]: _PASSTHROUGH}


def list_extractors() -> list[dict[str, Any]]:
    return list(EXTRACTORS.values())


def get_extractor(feature_extractor_id: str) -> dict[str, Any]:
    found = EXTRACTORS.get(feature_extractor_id)
    if found is None:
        raise NotFoundError.of("feature_extractor", feature_extractor_id)
    return found


def feature_menu() -> dict[str, Any]:
    """What can be searched by, for each kind of file: nothing until an extractor computes vectors."""
    return {"modalities": [], "custom_features": [], "full_res_multiplier": 1.0}
