"""Which model of this deployment makes the vectors that an index holds."""

from __future__ import annotations

from typing import Any

from headwater.context import Context
from headwater.errors import ValidationError
from headwater.models.interface import DEFAULT_TEXT_MODEL
from headwater.retrieval.search.forms import Location
from headwater.retrieval.search.targets import Target

_TEXT_EXTRACTOR = "text_extractor_v1"


def model_of(context: Context, target: Target, location: Location) -> str:
    """The name of the model: what the output is called, else what the collection's extractor says, else the default
    text model for vectors of ``text_extractor@v1`` that are as wide as its own.

    ``ValidationError`` when none is known: a vector of another model would be compared with those of the index and
    mean nothing.
    """
    for name in _named(target):
        if name is not None and _embeds(context, name, target):
            return name
    raise ValidationError.at(
        location,
        f"no text model of this deployment makes the vectors of {target.uri}"
        f" ({target.kind} of {target.dimensions}); search it by a vector, or add its model to HEADWATER_MODELS_DIR",
        "text_model_unknown",
        code="text_model_unknown",
    )


def _named(target: Target) -> list[str | None]:
    extractor: dict[str, Any] = target.collection.body.get("feature_extractor") or {}
    parameters = extractor.get("parameters") or extractor.get("params") or {}
    default = DEFAULT_TEXT_MODEL if target.index.get("feature_extractor_id") == _TEXT_EXTRACTOR else None
    return [target.index.get("output"), parameters.get("embedding_model"), default]


def _embeds(context: Context, name: str, target: Target) -> bool:
    model = context.runtime.models.find(name)
    return model is not None and model.task == "embed" and target.dimensions in (None, model.dimensions)
