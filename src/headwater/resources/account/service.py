"""Who is calling."""

from __future__ import annotations

from headwater.context import Context
from headwater.kit.clock import to_text
from headwater.resources.account.schemas import AccountKey, AccountResponse
from headwater.resources.organizations import service as organizations


async def get_account(ctx: Context) -> AccountResponse:
    """The caller's organization, user and key. Any valid key may ask."""
    organization = await organizations.get_organization(ctx)
    key = ctx.key
    return AccountResponse(
        organization_id=organization.organization_id,
        organization_name=organization.organization_name,
        account_type=organization.account_type,
        user_email=key.user_email,
        key=AccountKey(
            name=key.name,
            key_type=key.body["key_type"],
            permissions=key.body["permissions"],
            expires_at=None if key.expires_at is None else to_text(key.expires_at),
        ),
        rate_limits=organization.rate_limits,
        principal_scoped=key.body.get("principal_id") is not None,
    )
