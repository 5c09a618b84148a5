"""Queries about the API keys of a user."""

from __future__ import annotations

from dataclasses import dataclass

import apsw

from headwater.catalog.tables.api_keys import ApiKey, find_api_key, list_api_keys
from headwater.catalog.tables.users import User
from headwater.errors import NotFoundError


@dataclass(frozen=True)
class ApiKeys:
    connection: apsw.Connection
    #: Comes from the caller's organization; see ``resources/users/service.find``.
    user: User

    def by_identifier(self, identifier: str) -> ApiKey:
        """The key with that id or name, the active one first; else ``NotFoundError``."""
        key = find_api_key(self.connection, self.user.user_id, identifier)
        if key is None:
            raise NotFoundError.of("api_key", identifier)
        return key

    def all(self, *, include_revoked: bool) -> list[ApiKey]:
        """Oldest first."""
        return list_api_keys(self.connection, self.user.user_id, include_revoked=include_revoked)
