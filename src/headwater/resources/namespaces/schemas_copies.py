"""Bodies and answers of clones and promotions."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, StrictStr, model_validator

from headwater.http.models import ClosedModel
from headwater.resources.namespaces.schemas import NamespaceName, NamespaceResponse, VectorConfig


class ClonedResources(ClosedModel):
    """What to copy. Retrievers come with the collections that they look into, never without; there are no taxonomies in
    this deployment, so nothing of those is left out."""

    collections: StrictBool = True
    retrievers: StrictBool = True
    taxonomies: StrictBool = False


class CloneNamespaceRequest(ClosedModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"namespace_name": "production-copy"}]})

    namespace_name: NamespaceName
    include_resources: ClonedResources = ClonedResources()
    description: StrictStr | None = None
    source_organization_id: StrictStr | None = Field(None, description="Your own organization, or nothing.")
    mode: Literal["copy", "branch"] = Field("copy", description="`branch` is not part of this deployment.")
    ttl_seconds: Annotated[StrictInt, Field(ge=60)] | None = None


class CloneNamespaceResponse(BaseModel):
    namespace: NamespaceResponse
    source_namespace_id: str
    status: Literal["cloning", "ready", "failed"]
    task_id: str | None = None
    cloned_resources: dict[str, int] | None = None
    primary_retriever_id: str | None = None


class VectorMapping(ClosedModel):
    existing_index: Annotated[StrictStr, Field(min_length=1)]
    inference_service: Annotated[StrictStr, Field(min_length=1)]


class AddedVector(VectorConfig):
    inference_service: StrictStr | None = None


class PromoteRequest(ClosedModel):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"add_vectors": [{"name": "title", "dimension": 384, "metric": "cosine"}]}]}
    )

    vector_mappings: list[VectorMapping] | None = None
    add_vectors: list[AddedVector] | None = Field(None, max_length=128)

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        for names in (
            [mapping.existing_index for mapping in self.vector_mappings or ()],
            [vector.name for vector in self.add_vectors or ()],
        ):
            for name in names:
                if names.count(name) > 1:
                    raise ValueError(f"{name!r} occurs twice; each index may occur once")
        return self


class PromoteResponse(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "namespace_id": "ns_4t8w2e6r1y",
                    "previous_mode": "standalone",
                    "mode": "managed",
                    "status": "active",
                    "vector_configs": [{"name": "title", "dimension": 384, "metric": "cosine"}],
                    "vector_inference_map": {},
                }
            ]
        }
    )

    namespace_id: str
    previous_mode: str
    mode: str
    status: str
    vector_configs: list[dict[str, Any]]
    vector_inference_map: dict[str, str]


class PromoteValidation(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "namespace_id": "ns_4t8w2e6r1y",
                    "current_mode": "standalone",
                    "valid": True,
                    "vector_configs": [{"name": "title", "dimension": 384, "metric": "cosine"}],
                    "suggestions": [],
                    "errors": [],
                    "required_user_action": "none",
                }
            ]
        }
    )

    namespace_id: str
    current_mode: str
    valid: bool
    vector_configs: list[dict[str, Any]]
    suggestions: list[dict[str, Any]]
    errors: list[dict[str, Any]]
    required_user_action: str
