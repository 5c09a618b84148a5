"""Bodies and answers of the operator's routes."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ConfigDict, Field

from headwater.http.models import ClosedModel
from headwater.resources.organizations.schemas import OrganizationResponse
from headwater.resources.users.schemas import UserCreate

AccountType = Literal["build", "scale", "enterprise", "free", "pro", "team"]


class PrivateOrganizationCreate(ClosedModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "organization_name": "Second",
                    "users": [{"email": "grace@example.com", "user_name": "Grace Hopper", "role": "admin"}],
                }
            ]
        }
    )

    organization_name: str = Field(min_length=1, max_length=100)
    users: list[UserCreate] = Field(
        [], max_length=1000, description="The first one owns the key; an administrator is made when there are none."
    )
    metadata: dict[str, Any] = Field({}, description="Anything you want to keep with the organization.")
    credit_count: int = Field(0, ge=0, le=2**53, strict=True)
    account_type: AccountType = "enterprise"


class PrivateOrganizationResponse(OrganizationResponse):
    """The new organization with the secret of its first key, which is shown this once."""

    user_email: str = Field(description="Who owns the key.")
    key: str = Field(description="The secret of `admin-key`. Keep it now: it cannot be shown again.")


class BootstrapKeyCreate(ClosedModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "rescue"}]})

    name: str | None = Field(
        None, min_length=1, max_length=100, description="The key's name; `bootstrap-key` and a number when absent."
    )
