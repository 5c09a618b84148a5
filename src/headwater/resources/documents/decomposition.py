"""The decomposition tree of an object: which collections have documents of it, and which were made from which.

A document stands under the collection of its parent. Where the parent is not there, ``source_collection_id`` says where
it belongs; where that leads nowhere, it stands at the top. A collection occurs once on each way down: a document that
was made from one of its own collection, directly or over others, stands with it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import apsw
import orjson

from headwater.catalog.tables.collections import load_collection
from headwater.context import Context
from headwater.errors import NotFoundError
from headwater.resources.documents import repository
from headwater.resources.documents.repository import Member
from headwater.scope import DocumentScope
from headwater.store.documents.lineage import own_extractor
from headwater.store.find import Budget
from headwater.tenancy.access import document_scope

#: Whatever is made in more steps over collections is counted with the last of these: JSON must not nest without end.
MAX_TIERS = 64


async def get_decomposition_tree(ctx: Context, object_id: str, *, include_document_ids: bool) -> bytes:
    """The answer's JSON. ``NotFoundError`` when no document names the object."""
    scope = document_scope(ctx)
    answer = await ctx.runtime.find(decomposition_tree, scope, object_id, include_document_ids)
    if answer is None:
        raise NotFoundError.of("object", object_id)
    return orjson.dumps(answer)


def decomposition_tree(
    connection: apsw.Connection, budget: Budget, scope: DocumentScope, object_id: str, include_document_ids: bool
) -> dict[str, Any] | None:
    """The answer, or None when the scope shows no document of the object."""
    members = repository.members_of_object(connection, budget, scope, object_id)
    if not members:
        return None
    top = arrange(members)
    nodes = list(_all(top))
    return {
        "object_id": object_id,
        "bucket_id": next((member.root_bucket_id for member in members if member.root_bucket_id is not None), None),
        "total_documents": len(members),
        "total_collections": len({member.collection_row for member in members}),
        "max_tier": max(node.tier for node in nodes),
        "tree": [_shown(connection, node, include_document_ids) for node in top.children.values()],
    }


@dataclass
class Node:
    """A collection at its place in the tree. The one without a collection stands above all others."""

    collection_row: int = 0
    collection_id: str = ""
    above: Node | None = None
    tier: int = 0
    document_ids: list[str] = field(default_factory=list)
    children: dict[int, Node] = field(default_factory=dict)

    def place(self, collection_row: int, collection_id: str) -> Node:
        """Where documents of that collection stand that were made from those of this node."""
        for node in _way_up(self):
            if node.collection_row == collection_row:
                return node
        if self.tier == MAX_TIERS:
            return self
        if collection_row not in self.children:
            self.children[collection_row] = Node(collection_row, collection_id, self, self.tier + 1)
        return self.children[collection_row]


def _way_up(node: Node | None) -> Iterator[Node]:
    while node is not None:
        yield node
        node = node.above


def _all(top: Node) -> Iterator[Node]:
    """Every node, those of a lower tier first."""
    waiting = deque([top])
    while waiting:
        node = waiting.popleft()
        yield node
        waiting.extend(node.children.values())


#: What a document without a parent says: its source collection, and its own.
_Loose = tuple[str, int]


def arrange(members: Sequence[Member]) -> Node:
    """The tree of an object's documents; the node that is returned stands for the object."""
    top = Node()
    loose: dict[_Loose, Node] = {}
    by_id = {member.document_id: member for member in members}
    collections = {member.collection_id for member in members}
    placed: dict[str, Node] = {}
    for member in members:
        # Parents before children: the way up to what has its place already, and then down again.
        for current in reversed(_unplaced(member, by_id, placed)):
            above = placed.get(current.parent_document_id or "")
            source = current.source_collection_id
            if above is None and source is not None and source in collections:
                above = loose.setdefault((source, current.collection_row), Node())
            node = (above or top).place(current.collection_row, current.collection_id)
            node.document_ids.append(current.document_id)
            placed[current.document_id] = node
    _join(top, loose)
    return top


def _unplaced(member: Member, by_id: dict[str, Member], placed: dict[str, Node]) -> list[Member]:
    way: dict[str, Member] = {}
    current: Member | None = member
    while current is not None and current.document_id not in placed and current.document_id not in way:
        way[current.document_id] = current
        current = by_id.get(current.parent_document_id or "")
    return list(way.values())


def _join(top: Node, loose: dict[_Loose, Node]) -> None:
    """Put the trees of documents that only say which collection they come from below that collection."""
    while loose:
        # Reversed, so that of several nodes of a collection the one of the lowest tier is kept.
        found = {node.collection_id: node for node in reversed(list(_all(top)))}
        for key in [key for key in loose if key[0] in found] or [_sourceless(loose)]:
            _graft(loose.pop(key), found.get(key[0], top))


def _sourceless(loose: dict[_Loose, Node]) -> _Loose:
    """One whose source is nowhere among the others, either; the first when they go round in a circle."""
    holders: dict[str, set[_Loose]] = {}
    for key, tree in loose.items():
        for node in _all(tree):
            holders.setdefault(node.collection_id, set()).add(key)
    return next((key for key in loose if not holders.get(key[0], set()) - {key}), next(iter(loose)))


def _graft(source: Node, target: Node) -> None:
    for child in source.children.values():
        node = target.place(child.collection_row, child.collection_id)
        node.document_ids += child.document_ids
        _graft(child, node)


def _shown(connection: apsw.Connection, node: Node, include_document_ids: bool) -> dict[str, Any]:
    collection = load_collection(connection, node.collection_row)
    shown: dict[str, Any] = {
        "collection_id": node.collection_id,
        "collection_name": None if collection is None else collection.collection_name,
        "tier": node.tier,
        "feature_extractor_id": None if collection is None else own_extractor(None, collection.body),
        "document_count": len(node.document_ids),
    }
    if include_document_ids:
        shown["document_ids"] = node.document_ids
    return shown | {"children": [_shown(connection, child, include_document_ids) for child in node.children.values()]}
