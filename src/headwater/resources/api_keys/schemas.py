"""Bodies and answers of the API keys' routes."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from headwater.http.models import ClosedModel
from headwater.store.documents.acl import MAX_PRINCIPAL_LENGTH
from headwater.tenancy.permissions import Permission

ResourceType = Literal[
    "organization",
    "user",
    "api_key",
    "namespace",
    "collection",
    "document",
    "bucket",
    "retriever",
    "cluster",
    "taxonomy",
    "storage_connection",
    "alert",
    "annotation",
    "secret",
    "webhook",
]
Operation = Literal[
    "read_data",
    "write_data",
    "delete_data",
    "execute_retriever",
    "create_retriever",
    "delete_retriever",
    "execute_job",
    "cancel_job",
    "create_cluster",
    "delete_cluster",
    "modify_cluster",
    "modify_infrastructure",
    "manage_permissions",
]
KeyStatus = Literal["active", "revoked", "expired"]
Name = Annotated[str, Field(min_length=1, max_length=100, description="Unique among the user's active keys.")]
Permissions = Annotated[list[Permission], Field(min_length=1, max_length=16)]
Origin = Annotated[str, Field(max_length=300, pattern=r"^[a-z][a-z0-9+.-]*://[^/\s]+$")]
Origins = Annotated[list[Origin], Field(max_length=100)]

_EXAMPLE: dict[str, Any] = {
    "key_id": "key_4t8w2e6r1y0q7zk",
    "key_hash": "9c56cc51b374c3ba189210d5b6d4bf57790d351c96c47c02190ecf1e430635ab",
    "key_prefix": "sk_Xy3kQ9a...",
    "key_type": "standard",
    "internal_id": "org_9f3k2l8m1q7",
    "organization_id": "org_9f3k2l8m1q7",
    "user_id": "usr_1f0c9a7d3b2e54",
    "name": "ingest",
    "description": "",
    "permissions": ["read", "write"],
    "scopes": [{"resource_type": "namespace", "resource_id": "ns_customer_*"}],
    "status": "active",
    "created_at": "2026-01-05T09:30:00.000Z",
}


class ResourceScope(ClosedModel):
    """Confines a key to a resource: a request passes when any scope of the key covers it."""

    resource_type: ResourceType = Field(
        description="`organization` covers everything, `namespace` and `collection` what is inside them."
    )
    resource_id: str = Field(
        min_length=1, max_length=100, description="Id or name; `*` stands for any characters: `ns_customer_*`."
    )
    operations: list[Operation] | None = Field(
        None,
        max_length=64,
        description="Only these: `read_data`, `write_data`, `delete_data` are what read, write and delete need.",
    )


class ApiKeyCreate(ClosedModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "ingest",
                    "permissions": ["read", "write"],
                    "scopes": [{"resource_type": "namespace", "resource_id": "ns_customer_*"}],
                    "expires_at": "2027-01-31T00:00:00Z",
                }
            ]
        }
    )

    name: Name
    description: str = Field("", max_length=500)
    permissions: Permissions = Field(
        ["read", "write", "delete"], description="`admin` > `delete` > `write` > `read`: one grants those below."
    )
    scopes: list[ResourceScope] = Field([], max_length=256, description="Empty: the whole organization.")
    rate_limit_override: int | None = Field(None, ge=1, description="Kept and shown; nobody is slowed down by it.")
    expires_at: datetime | None = Field(None, description="When the key stops to work; null is never.")
    principal_id: str | None = Field(
        None,
        min_length=1,
        max_length=MAX_PRINCIPAL_LENGTH,
        description="The end user that the key stands for, for good: it works on the documents only that the user owns "
        "or shares, and on nothing else.",
    )
    allowed_origins: Origins | None = Field(
        None, description="Browser origins that may use the key: `https://docs.example.com`, `https://*.example.com`."
    )


class ApiKeyUpdate(ClosedModel):
    """What to change; what is absent stays."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"permissions": ["read"], "expires_at": None}, {"status": "revoked"}]}
    )

    name: Name | None = None
    description: str | None = Field(None, max_length=500)
    permissions: Permissions | None = Field(None, description="Replaces the permissions.")
    scopes: list[ResourceScope] | None = Field(None, max_length=256, description="Replaces them; `[]` is global.")
    rate_limit_override: int | None = Field(None, ge=1)
    expires_at: datetime | None = Field(None, description="`null` removes the expiry.")
    status: KeyStatus | None = Field(None, description="`revoked` and `expired` are for good.")
    allowed_origins: Origins | None = Field(None, description="Replaces the list; `[]` removes the restriction.")


class ApiKeyResponse(BaseModel):
    """A key. The secret is not stored, so it is not here."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    key_id: str
    key_hash: str = Field(description="Tells keys apart; the key does not follow from it.")
    key_prefix: str
    key_type: str
    subscription_id: str | None = None
    internal_id: str = Field(description="The organization's id.")
    organization_id: str
    user_id: str
    name: str
    description: str
    permissions: list[Permission]
    scopes: list[dict[str, Any]]
    rate_limit_override: int | None = None
    status: KeyStatus
    expires_at: str | None = None
    last_used_at: str | None = Field(None, description="May lag by a minute.")
    created_at: str
    created_by: str | None = None
    revoked_at: str | None = None
    revoked_by: str | None = None
    allowed_origins: list[str] | None = None
    principal_id: str | None = None


class ApiKeySecretResponse(ApiKeyResponse):
    """A key with its secret, which is shown this once."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [_EXAMPLE | {"key": "sk_Xy3kQ9a…"}]},
    )

    key: str = Field(description="The secret. Keep it now: it cannot be shown again.")


class ApiKeyListResponse(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"results": [_EXAMPLE], "total": 1}]})

    results: list[ApiKeyResponse]
    total: int
