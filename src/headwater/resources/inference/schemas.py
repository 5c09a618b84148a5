"""Body and answer of the inference route."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictStr, model_validator

from headwater.http.models import LenientModel

MAX_TEXTS = 256
_EXAMPLE: dict[str, Any] = {
    "inference_name": "all_minilm_l6_v2_v1",
    "inputs": {"texts": ["read a JSON file", "boil the potatoes"]},
}


class InferenceInputs(LenientModel):
    """A model that embeds takes `text` or `texts`; one that re-ranks takes `query` and `texts`."""

    text: StrictStr | None = None
    texts: Annotated[list[StrictStr], Field(min_length=1, max_length=MAX_TEXTS)] | None = None
    query: StrictStr | None = Field(default=None, description="What a re-ranker compares the texts with.")

    @model_validator(mode="after")
    def _has_text(self) -> Self:
        if (self.text is None) == (self.texts is None):
            raise ValueError("send text, a string, or texts, a list of strings: no model here reads other inputs")
        return self

    def all_texts(self) -> list[str]:
        return self.texts if self.texts is not None else [self.text or ""]


class InferenceParameters(LenientModel):
    task: Literal["query", "document"] = Field(
        default="query", description="Which of its two kinds of text an asymmetric model takes the inputs for."
    )


class RawInferenceRequest(LenientModel):
    """The model is named by `inference_name`, `feature_uri`, or `provider` (`local`) with `model`."""

    model_config = ConfigDict(json_schema_extra={"example": _EXAMPLE})

    provider: StrictStr | None = Field(default=None, description="`local`: this deployment calls no other service.")
    model: StrictStr | None = None
    inference_name: StrictStr | None = Field(default=None, description="The name of a model of this deployment.")
    feature_uri: StrictStr | None = Field(
        default=None, description="The feature whose model is meant, such as `mixpeek://text_extractor@v1/embedding`."
    )
    inputs: InferenceInputs
    parameters: InferenceParameters = InferenceParameters()
    enable_semantic_cache: StrictBool = Field(default=False, description="Ignored: it is about chat models.")
    cache_delta: Annotated[float, Field(ge=0, le=1)] | None = Field(default=None, description="Ignored.")


class RawInferenceResponse(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "data": {"embeddings": [[0.021, -0.043], [0.087, 0.012]], "dimensions": 384},
                "provider": "local",
                "model": "all_minilm_l6_v2_v1",
                "tokens_used": {"input_tokens": 12, "total_tokens": 12},
                "latency_ms": 9.4,
                "cached": False,
            }
        }
    )

    data: dict[str, Any] = Field(
        description="`embedding` of a text or `embeddings` of texts, with their `dimensions`; `scores` of a re-ranker."
        " `truncated` has the positions of texts that are longer than the model reads, if there are any."
    )
    provider: str
    model: str
    tokens_used: dict[str, int] | None = None
    latency_ms: float
    cached: bool = False
