"""What the health routes answer."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict


class HealthServices(BaseModel):
    """Which parts work. A part that this deployment does not have is fine."""

    cache: bool = True
    metadata: bool = True
    vector_store: bool = True
    object_storage: bool = True
    task_queue: bool = True
    inference: bool = True
    analytics: bool | None = None


class HealthErrors(BaseModel):
    cache: str | None = None
    metadata: str | None = None
    vector_store: str | None = None
    object_storage: str | None = None
    task_queue: str | None = None
    inference: str | None = None
    analytics: str | None = None


class HealthResponse(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "status": "OK",
                "data": {
                    "cache": True,
                    "metadata": True,
                    "vector_store": True,
                    "object_storage": True,
                    "task_queue": True,
                    "inference": True,
                    "analytics": None,
                },
                "errors": None,
                "meta": {"version": "0.1.0"},
            }
        }
    )

    status: Literal["OK", "DEGRADED"]
    data: HealthServices
    errors: HealthErrors | None = None
    meta: dict[str, Any] | None = None
