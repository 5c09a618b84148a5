"""Bodies and answers of exports."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, StrictStr

from headwater.http.models import LenientModel

Format = Literal["json", "csv", "parquet", "webdataset"]


class ExportRequest(LenientModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"format": "json", "include_vectors": True, "include_lineage": True},
                {"format": "csv", "select_fields": ["brand", "metadata.price"], "filters": {"brand": "Acme"}},
            ]
        }
    )

    format: Format = Field("parquet", description="`json` is one object a line.")
    include_vectors: StrictBool = Field(False, description="Vectors too, in a file of their own.")
    include_lineage: StrictBool = Field(
        False, description="Add `lineage_chain`, `source_content_hash` and `document_created_at`."
    )
    select_fields: list[StrictStr] | None = Field(
        None, max_length=1000, description="Only these fields, by dotted path; `document_id` is always there."
    )
    filters: dict[str, Any] | None = Field(None, description="Only documents that match.")
    sample_size: StrictInt | None = Field(
        None, ge=1, le=1_000_000, description="At most so many documents, evenly spread, the same ones each time."
    )
    include_media: StrictBool = Field(False, description="Not part of this deployment.")
    samples_per_shard: StrictInt = Field(1000, ge=1, le=100_000, description="For webdataset only.")
    destination: dict[str, Any] | None = Field(None, description="Not part of this deployment.")


class ExportResponse(BaseModel):
    """Where to fetch what was exported."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "download_url": "http://127.0.0.1:8420/v1/_storage/3q2-7w",
                    "s3_path": "exports/exp_4t8w2e6r1y5p9k3m7q0a/documents.jsonl",
                    "format": "json",
                    "document_count": 1200,
                    "file_size_bytes": 5242880,
                    "exported_at": "2026-01-05T09:30:00.000Z",
                    "vectors_download_url": None,
                    "vectors_s3_path": None,
                }
            ]
        }
    )

    download_url: str = Field(description="Good for one hour, without a key.")
    s3_path: str = Field(description="The file's name in this server, for `import`.")
    format: Format
    document_count: int
    file_size_bytes: int
    exported_at: str
    vectors_download_url: str | None = None
    vectors_s3_path: str | None = None
