"""ACLs as the OpenAPI description shows them."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from headwater.store.documents.acl import MAX_LISTED, MAX_PRINCIPAL_LENGTH

Principals = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=MAX_PRINCIPAL_LENGTH)]], Field(max_length=MAX_LISTED)
]


class DocumentAclUpdate(BaseModel):
    """What to change. `_internal._acl` shows the whole."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"read": ["user-17", "user-23"], "public": False}]}
    )

    read: Principals | None = Field(None, description="Replaces the `principal_id`s that may see the document.")
    write: Principals | None = Field(None, description="Replaces those that may also change and delete it.")
    public: bool | None = Field(None, description="Whether every end user may see it.")


class UpsertAcl(BaseModel):
    """Who may see and change the document. Only keys without a principal may set it."""

    read: Principals = []
    write: Principals = []
    public: bool = False
