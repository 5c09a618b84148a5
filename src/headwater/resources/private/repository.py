"""Queries of the operator, who stands above the organizations."""

from __future__ import annotations

from dataclasses import dataclass

import apsw

from headwater.catalog.tables.api_keys import list_api_keys
from headwater.catalog.tables.organizations import load_organization
from headwater.catalog.tables.users import User
from headwater.errors import NotFoundError
from headwater.resources.users.repository import Users
from headwater.scope import OrganizationScope


@dataclass(frozen=True)
class PrivateCatalogue:
    connection: apsw.Connection

    def user(self, organization_id: str, email: str) -> User:
        """The user of that organization; ``NotFoundError`` says which of the two is missing."""
        if load_organization(self.connection, organization_id) is None:
            raise NotFoundError.of("organization", organization_id)
        return Users(self.connection, OrganizationScope(organization_id)).by_email(email)

    def free_key_name(self, user: User, stem: str) -> str:
        """``stem``, or ``stem-2``, ``stem-3``, … when the user has keys of that name."""
        taken = {key.name for key in list_api_keys(self.connection, user.user_id, include_revoked=True)}
        names = [stem, *(f"{stem}-{number}" for number in range(2, len(taken) + 2))]
        return next(name for name in names if name not in taken)
