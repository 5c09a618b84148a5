"""Bodies and answers of the users' routes."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from headwater.http.models import ClosedModel

Role = Literal["admin", "member", "viewer"]
UserStatus = Literal["active", "suspended", "pending"]
UserName = Annotated[str, Field(min_length=2, max_length=100, description="The display name.")]
AvatarUrl = Annotated[str, Field(max_length=2048, description="Where the picture is.")]

_EXAMPLE: dict[str, Any] = {
    "user_id": "usr_1f0c9a7d3b2e54",
    "email": "ada@example.com",
    "user_name": "Ada Lovelace",
    "avatar_url": None,
    "role": "member",
    "status": "active",
    "metadata": {},
    "organization_id": "org_9f3k2l8m1q7",
    "created_at": "2026-01-05T09:30:00.000Z",
    "updated_at": "2026-01-05T09:30:00.000Z",
}


class UserCreate(ClosedModel):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"email": "ada@example.com", "user_name": "Ada Lovelace"}]}
    )

    email: str = Field(
        max_length=254, pattern=r"^[^@\s]+@[^@\s]+$", description="Unique within the organization; case matters."
    )
    user_name: UserName
    avatar_url: AvatarUrl | None = None
    role: Role = Field("member", description="For your own use: what a request may do is up to its key.")
    status: UserStatus = Field("active", description="Keys work only while their user is `active`.")
    metadata: dict[str, Any] = Field({}, description="Anything you want to keep with the user.")


class UserUpdate(ClosedModel):
    """What to change; what is absent stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"role": "viewer"}, {"status": "suspended"}]})

    user_name: UserName | None = None
    avatar_url: AvatarUrl | None = None
    role: Role | None = None
    status: UserStatus | None = Field(None, description="Leaving `active` revokes all keys of the user, for good.")
    metadata: dict[str, Any] | None = Field(None, description="Replaces the metadata as a whole.")


class UserResponse(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    user_id: str
    email: str
    user_name: str
    avatar_url: str | None = None
    role: Role
    status: UserStatus
    metadata: dict[str, Any]
    organization_id: str
    created_at: str
    updated_at: str


class UserListResponse(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"results": [_EXAMPLE], "total": 1, "skip": 0, "limit": 50}]}
    )

    results: list[UserResponse]
    total: int
    skip: int
    limit: int


class SuccessResponse(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"message": "User deleted", "success": True}]})

    message: str
    success: bool = True
