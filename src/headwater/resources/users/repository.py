"""Queries about the users of the caller's organization."""

from __future__ import annotations

from dataclasses import dataclass

import apsw

from headwater.catalog.tables.users import User, find_user, list_users
from headwater.errors import NotFoundError
from headwater.scope import OrganizationScope


@dataclass(frozen=True)
class Users:
    connection: apsw.Connection
    scope: OrganizationScope

    def by_email(self, email: str) -> User:
        """The user with exactly this e-mail; ``NotFoundError`` names the e-mail."""
        user = find_user(self.connection, self.scope.organization_id, email)
        if user is None:
            raise NotFoundError.of("user", email)
        return user

    def page(self, skip: int, limit: int, role: str | None, status: str | None) -> tuple[list[User], int]:
        """A page, oldest first, and how many there are in all."""
        return list_users(self.connection, self.scope.organization_id, skip=skip, limit=limit, role=role, status=status)
