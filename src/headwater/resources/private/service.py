"""What the operator of the server can do, with the token in ``DIR/private-token``."""

from __future__ import annotations

from headwater.catalog.tables.api_keys import api_key_of
from headwater.catalog.tables.organizations import organization_of
from headwater.errors import ConflictError
from headwater.resources.api_keys.schemas import ApiKeySecretResponse
from headwater.resources.api_keys.service import secret_response_of
from headwater.resources.organizations.service import response_of
from headwater.resources.private.repository import PrivateCatalogue
from headwater.resources.private.schemas import (
    BootstrapKeyCreate,
    PrivateOrganizationCreate,
    PrivateOrganizationResponse,
)
from headwater.resources.users.service import new_user
from headwater.runtime import Runtime
from headwater.store.commands.api_keys import CreateApiKey
from headwater.tenancy.bootstrap import admin_key, new_organization
from headwater.tenancy.keys import new_secret


async def create_organization(runtime: Runtime, body: PrivateOrganizationCreate) -> PrivateOrganizationResponse:
    if body.users and body.users[0].status != "active":
        raise ConflictError(
            f"The first user, '{body.users[0].email}', owns the organization's key and has to be active"
        )
    command, secret = new_organization(
        runtime.secret,
        body.organization_name,
        email=runtime.settings.admin_email,
        users=[new_user(user) for user in body.users],
        body=body.model_dump(include={"metadata", "credit_count", "account_type"}),
    )
    row = await runtime.store.execute(command)
    organization = response_of(organization_of(tuple(row)))
    return PrivateOrganizationResponse(**organization.model_dump(), user_email=command.users[0].email, key=secret)


async def create_bootstrap_key(
    runtime: Runtime, organization_id: str, email: str, body: BootstrapKeyCreate
) -> ApiKeySecretResponse:
    catalogue = PrivateCatalogue(runtime.reader.connection)
    user = catalogue.user(organization_id, email)
    secret = new_secret()
    name = body.name or catalogue.free_key_name(user, "bootstrap-key")
    key = admin_key(runtime.secret, secret, created_by=user.user_id, name=name)
    row = await runtime.store.execute(CreateApiKey(organization_id=organization_id, user_id=user.user_id, key=key))
    return secret_response_of(runtime.secret, api_key_of(tuple(row)), secret)
