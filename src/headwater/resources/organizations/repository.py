"""Queries about the caller's organization."""

from __future__ import annotations

from dataclasses import dataclass

import apsw

from headwater.catalog.tables.organizations import Organization, load_organization
from headwater.errors import NotFoundError
from headwater.scope import OrganizationScope


@dataclass(frozen=True)
class Organizations:
    connection: apsw.Connection
    scope: OrganizationScope

    def own(self) -> Organization:
        """The scope's organization."""
        found = load_organization(self.connection, self.scope.organization_id)
        if found is None:
            raise NotFoundError.of("organization", self.scope.organization_id)
        return found
