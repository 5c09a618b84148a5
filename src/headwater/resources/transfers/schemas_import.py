"""Bodies and answers of imports: of our own exports, and of rows from elsewhere through a mapping."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, StrictStr

from headwater.http.models import ClosedModel, LenientModel
from headwater.store.transfer.mapping import FieldType, Role, TargetKind

_MAPPING: Any = {
    "fields": [
        {"source_field": "asset.title", "target": {"kind": "metadata", "path": "metadata.title"}},
        {"source_field": "asset.id", "target": {"kind": "identity", "role": "root_object_id"}},
        {"source_field": "embedding", "target": {"kind": "vector", "index": "clip_v1_image", "dim": 512}},
    ],
    "source_type": "bucket",
}
Dims = dict[StrictStr, Annotated[StrictInt, Field(ge=1)]]


class MappingTarget(ClosedModel):
    """What a field becomes. `metadata` wants a `path`, `vector` an `index`, `identity` a `role`, `parent` a
    `chain_position`; `ignore` leaves it out."""

    kind: TargetKind
    path: StrictStr | None = None
    index: StrictStr | None = None
    dim: StrictInt | None = None
    dtype: StrictStr | None = None
    role: Role | None = None
    chain_position: StrictInt | None = None
    expected_type: FieldType | None = None


class FieldMapping(ClosedModel):
    source_field: Annotated[StrictStr, Field(min_length=1)]
    target: MappingTarget


class ImportMapping(ClosedModel):
    """Without `fields`, rows are taken for documents as they are."""

    fields: list[FieldMapping] | None = Field(None, max_length=2000)
    source_type: StrictStr | None = Field(None, pattern="^(bucket|collection)$")
    chain_template: dict[str, Any] | None = None


class VectorJoin(ClosedModel):
    """The array whose rows hold the elements' vectors."""

    array: StrictStr
    key: StrictStr
    index: StrictStr
    vector_field: StrictStr = "vector_b64"


class ExplodeSpec(ClosedModel):
    explode_axis: Annotated[StrictStr, Field(min_length=1)]
    vector_join: VectorJoin | None = None


class ImportRequest(ClosedModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"export": {"rows": [{"document_id": "a", "brand": "Acme"}]}, "mapping": {}},
                {"export": {"s3_path": "exports/exp_4t8w2e6r1y5p9k3m7q0a/documents.jsonl"}, "mapping": {}},
                {"export": {"asset": {"id": "obj_1", "title": "Launch"}}, "mapping": _MAPPING, "dry_run": True},
            ]
        }
    )

    export: dict[str, Any] | None = Field(
        None,
        description="`download_url` or `s3_path` of an export of this server; or `rows`, with `first_row` as the number"
        " of the first; or one object of any other form.",
    )
    mapping: ImportMapping
    explode: ExplodeSpec | None = None
    dry_run: StrictBool = Field(False, description="Find out what would be refused, and store nothing.")
    seed_ledger: StrictBool = Field(False, description="Not part of this deployment.")


class ImportRowError(BaseModel):
    row: int = Field(description="The row, from 0; -1 when it is the whole.")
    error: str


class ImportResponse(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "imported": 2,
                    "reconstructed": 2,
                    "skipped": 1,
                    "dry_run": False,
                    "errors": [{"row": 1, "error": "metadata: metadata must be an object, not a string"}],
                    "warnings": [],
                }
            ]
        }
    )

    imported: int = Field(description="Documents that are stored now; 0 in a dry run.")
    reconstructed: int = Field(description="Rows that make a document.")
    skipped: int = Field(description="Rows that do not.")
    dry_run: bool
    errors: list[ImportRowError]
    warnings: list[str]


class InferenceRequest(LenientModel):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"sample_rows": [{"title": "Launch", "price": 12.5}], "sample_size": 100}]}
    )

    sample_rows: list[dict[str, Any]] | None = None
    source_schema: dict[str, Any] | None = Field(None, description="Advisory; the rows decide.")
    sample_size: StrictInt = Field(100, ge=1, le=1000)
    known_index_dims: Dims | None = None


class InferenceResponse(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "fields": [
                        {
                            "path": "price",
                            "type": "float",
                            "cardinality": "high",
                            "sample": 12.5,
                            "dim": None,
                            "dtype": None,
                            "suggested_target": {"kind": "metadata", "path": "metadata.price"},
                        }
                    ],
                    "warnings": [],
                }
            ]
        }
    )

    fields: list[dict[str, Any]]
    warnings: list[str]


class SourceField(LenientModel):
    path: StrictStr
    type: FieldType


class ValidationRequest(LenientModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"source_fields": [{"path": "asset.title", "type": "string"}], "mapping": _MAPPING}]
        }
    )

    source_fields: list[SourceField] | None = None
    mapping: ImportMapping
    known_index_dims: Dims | None = None


class ValidationResponse(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"ok": False, "errors": [{"field": "price", "error": "needs the name of a vector index"}]}]
        }
    )

    ok: bool
    errors: list[dict[str, Any]]
