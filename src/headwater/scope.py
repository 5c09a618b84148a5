"""Scopes: what a query is allowed to see. Only ``tenancy/access.py`` makes one from a request."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class OrganizationScope:
    organization_id: str


@dataclass(frozen=True)
class NamespaceScope:
    organization_id: str
    namespace_row: int
    namespace_id: str
