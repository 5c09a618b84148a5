"""Bodies and answers of the organization's routes."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from headwater.http.models import ClosedModel

Email = Annotated[str, Field(max_length=254, pattern=r"^[^@\s]+@[^@\s]+$")]
Limit = Annotated[int, Field(ge=1, strict=True)]


class RateLimits(ClosedModel):
    """Requests a minute by category. They are kept and shown; this server does not slow anybody down by them."""

    metadata: Limit | None = None
    data: Limit | None = None
    search: Limit | None = None
    upload: Limit | None = None
    compute: Limit | None = None


class OrganizationUpdate(ClosedModel):
    """What to change; what is absent stays."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"organization_name": "Acme Archive", "metadata": {"department": "library"}}]}
    )

    organization_name: str | None = Field(None, min_length=1, max_length=100, description="The display name.")
    logo_url: str | None = Field(None, max_length=2048, description="Where the logo is.")
    billing_email: Email | None = Field(None, description="Who gets invoices.")
    notifications_email: Email | None = Field(None, description="Who gets notices of the system.")
    metadata: dict[str, Any] | None = Field(None, description="Replaces the metadata as a whole.")
    rate_limits: RateLimits | None = Field(None, description="Sets the categories that are given.")
    rate_limit_overrides: RateLimits | None = Field(None, description="The same as `rate_limits`.")
    default_llm_credentials: dict[str, str] | None = Field(
        None, description="Provider names to the names of stored secrets; replaces all."
    )


class OrganizationResponse(BaseModel):
    """An organization. Its internal id is never shown."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "organization_id": "org_9f3k2l8m1q7",
                    "organization_name": "Local",
                    "account_type": "enterprise",
                    "credit_count": 0,
                    "rate_limits": {
                        "metadata": 1000,
                        "data": 1000,
                        "search": 1000,
                        "upload": 1000,
                        "compute": 1000,
                    },
                    "metadata": {},
                    "created_at": "2026-01-05T09:30:00.000Z",
                    "updated_at": "2026-01-05T09:30:00.000Z",
                }
            ]
        }
    )

    organization_id: str
    organization_name: str
    account_type: str
    credit_count: int
    rate_limits: dict[str, int]
    metadata: dict[str, Any]
    logo_url: str | None = None
    billing_email: str | None = None
    notifications_email: str | None = None
    default_llm_credentials: dict[str, str] | None = None
    auto_billing_enabled: bool = False
    billing_cycle_start: int = 1
    current_month_usage: int = 0
    created_at: str
    updated_at: str
    users: list[dict[str, Any]] | None = None


class CreditsResponse(BaseModel):
    """The balance. A self-hosted server charges nothing, so it never moves."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"credit_count": 0, "current_month_usage": 0, "effective_monthly_credit_cap": None}]
        }
    )

    credit_count: int
    current_month_usage: int
    effective_monthly_credit_cap: int | None = None
