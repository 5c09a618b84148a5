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


@dataclass(frozen=True)
class DocumentScope:
    """The documents of a namespace that a key may see, for queries that lead from one collection into others."""

    namespace_row: int
    #: None is every collection of the namespace.
    collection_rows: frozenset[int] | None = None
    #: The end user that the key stands for; None sees a document whatever its ACL says.
    principal: str | None = None

    def reaches(self, collection_row: int) -> bool:
        return self.collection_rows is None or collection_row in self.collection_rows
