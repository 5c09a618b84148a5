"""What can be done with an organization."""

from __future__ import annotations

from typing import Any

from headwater.catalog.tables.organizations import Organization, organization_of
from headwater.context import Context
from headwater.kit.clock import to_text
from headwater.resources.organizations.repository import Organizations
from headwater.resources.organizations.schemas import CreditsResponse, OrganizationResponse, OrganizationUpdate
from headwater.store.commands.organizations import UpdateOrganization

#: Members of the body that are set as they come.
_PLAIN = ("logo_url", "billing_email", "notifications_email", "metadata", "default_llm_credentials")


async def get_organization(ctx: Context) -> OrganizationResponse:
    return response_of(_own(ctx))


async def update_organization(ctx: Context, body: OrganizationUpdate) -> OrganizationResponse:
    sent = body.model_dump(exclude_none=True)
    changes: dict[str, Any] = {name: sent[name] for name in _PLAIN if name in sent}
    row = await ctx.execute(
        UpdateOrganization(
            organization_id=ctx.key.organization_id,
            organization_name=body.organization_name,
            changes=changes,
            rate_limits=sent.get("rate_limits", {}) | sent.get("rate_limit_overrides", {}),
        )
    )
    return response_of(organization_of(tuple(row)))


async def get_credits(ctx: Context) -> CreditsResponse:
    body = _own(ctx).body
    return CreditsResponse(credit_count=body["credit_count"], current_month_usage=0)


def response_of(organization: Organization) -> OrganizationResponse:
    body = organization.body
    return OrganizationResponse(
        organization_id=organization.organization_id,
        organization_name=organization.organization_name,
        account_type=body["account_type"],
        credit_count=body["credit_count"],
        rate_limits=body["rate_limits"],
        metadata=body["metadata"],
        logo_url=body.get("logo_url"),
        billing_email=body.get("billing_email"),
        notifications_email=body.get("notifications_email"),
        default_llm_credentials=body.get("default_llm_credentials"),
        created_at=to_text(organization.created_at),
        updated_at=to_text(organization.updated_at),
    )


def _own(ctx: Context) -> Organization:
    return Organizations(ctx.runtime.reader.connection, ctx.organization).own()
