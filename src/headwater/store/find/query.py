"""What is looked for, as plain data that can be sent to another process."""

from __future__ import annotations

import zlib
from typing import Any

import msgspec

from headwater.query import AllOf, AnyOf, Condition, Filter, paths_of

_ACL = "_internal._acl"


class Partition(msgspec.Struct, frozen=True):
    """One of ``count`` disjoint parts of all documents."""

    index: int
    count: int

    def holds(self, document_id: str) -> bool:
        return zlib.crc32(document_id.encode()) % self.count == self.index


class Order(msgspec.Struct, frozen=True):
    """By the values at a path; without one, by creation. Ties stand by document id, ascending either way."""

    path: str | None = None
    descending: bool = False


#: The order of lists that ask for none.
CREATION = Order()


class Position(msgspec.Struct, array_like=True, frozen=True, order=False):
    """Where a document stands in an order: the type and value that it is sorted by, then when it was made, then its id.

    In the order of creation, and for documents without a value, ``rank`` is ``TYPE_LAST`` and ``value`` null.
    """

    rank: int
    value: bool | int | float | str | None
    created_at: int
    document_id: str


class Query(msgspec.Struct, frozen=True):
    """Documents of these collections of one namespace that match everything that is given."""

    namespace_row: int
    collection_rows: tuple[int, ...]
    filter: Filter | None = None
    #: Whose key asks: documents that the principal may not read are left out. None is nobody in particular.
    principal: str | None = None
    search: str | None = None
    partition: Partition | None = None
    #: Members at the root that the search leaves out.
    unsearched: tuple[str, ...] = ()

    @property
    def whole_filter(self) -> Filter | None:
        """The filter and the access rule in one."""
        return self.filter if self.principal is None else narrowed(readable_by(self.principal), self.filter)

    @property
    def paths(self) -> list[str]:
        """What must be decoded of a document to judge it."""
        return paths_of(self.whole_filter)


def readable_by(principal: str) -> Filter:
    """The documents that the principal may read, as a filter."""
    return AnyOf((*_in_role(principal, "owner", "read", "write"), Condition(f"{_ACL}.public", "eq", True)))


def writable_by(principal: str) -> Filter:
    """The documents that the principal may write, as a filter."""
    return AnyOf(_in_role(principal, "owner", "write"))


def narrowed(rule: Filter, wanted: Filter | None) -> Filter:
    """An access rule and what is looked for in one."""
    return rule if wanted is None else AllOf((rule, wanted))


def _in_role(principal: str, *roles: str) -> tuple[Filter, ...]:
    return tuple(Condition(f"{_ACL}.{role}", "eq", principal) for role in roles)


class Explain(msgspec.Struct):
    """How an answer was found, for people."""

    #: Paths that the field index answered for, and those that it did not know.
    indexed: list[str] = msgspec.field(default_factory=list)
    unindexed: list[str] = msgspec.field(default_factory=list)
    #: A line for each collection: what drove the search.
    plan: list[str] = msgspec.field(default_factory=list)
    #: Records that were read and looked at.
    rows_read: int = 0

    def note(self, paths: list[str], known: Any) -> None:
        for path in paths:
            target = self.indexed if path in known else self.unindexed
            if path not in target:
                target.append(path)
