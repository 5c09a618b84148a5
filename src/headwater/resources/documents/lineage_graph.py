"""The lineage of one document as a graph: up to the object and the bucket that it came from, down to everything below.

Edges lead from what was there first to what came of it. Documents without a visible parent hang from their root object,
and so does one that names another root object than its parent; a parent that is not there is a node with ``missing``.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

import apsw
import msgspec
import orjson

from headwater.context import Context
from headwater.resources.documents.service_lineage import find_document
from headwater.scope import DocumentScope
from headwater.store.documents import tree
from headwater.store.documents.lineage import origin_of
from headwater.store.documents.records import DocumentRow
from headwater.store.find import Budget
from headwater.tenancy.access import document_scope

DEFAULT_NODES = 1000
MAX_NODES = 10_000
_MAX_LABEL = 120
#: User fields that name a document to people, the first that is a text.
_NAMES = ("title", "name", "label", "file_name", "filename")


async def get_lineage_graph(ctx: Context, document_id: str, limit: int, collection: str | None = None) -> bytes:
    scope = document_scope(ctx)
    document = find_document(ctx, scope, document_id, collection)
    graph = await ctx.runtime.find(lineage_graph, scope, document, limit)
    for node in graph["nodes"]:
        if node["kind"] == "document" and "missing" not in node:
            found = ctx.runtime.catalogue.collection(scope.namespace_row, node["collection_id"])
            node["collection_name"] = None if found is None else found.collection_name
    return orjson.dumps(graph)


@dataclass
class _Graph:
    limit: int
    nodes: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    #: Source, target and kind of each, in the order in which they were added.
    edges: dict[tuple[str, str, str], None] = field(default_factory=dict)
    truncated: bool = False

    @property
    def room(self) -> int:
        return self.limit - len(self.nodes)

    def add(self, kind: str, identifier: str, collection_id: str | None = None, label: str | None = None) -> bool:
        """Whether the node is in the graph now: it is not when there was no room for it."""
        if (kind, identifier) in self.nodes:
            return True
        if self.room <= 0:
            self.truncated = True
            return False
        node = {"id": identifier, "kind": kind, "collection_id": collection_id, "label": label or identifier}
        self.nodes[kind, identifier] = node
        return True

    def connect(self, source: str, target: str, kind: str) -> None:
        self.edges[source, target, kind] = None

    def add_document(self, document: DocumentRow) -> bool:
        return self.add("document", document.document_id, document.collection_id, _label(document))


def lineage_graph(
    connection: apsw.Connection, budget: Budget, scope: DocumentScope, document: DocumentRow, limit: int
) -> dict[str, Any]:
    """``{"nodes", "edges", "truncated"}`` with up to ``limit`` nodes, the nearest to the document."""
    graph = _Graph(limit)
    _add_above(graph, connection, scope, document, budget.spend)
    # What is above was added from the document on; it is read from the root on.
    graph.nodes = dict(reversed(graph.nodes.items()))
    graph.edges = dict.fromkeys(reversed(graph.edges))
    _add_below(graph, connection, scope, document, budget.spend)
    edges = [dict(zip(("source", "target", "kind"), edge, strict=True)) for edge in graph.edges]
    return {"nodes": list(graph.nodes.values()), "edges": edges, "truncated": graph.truncated}


def _add_above(
    graph: _Graph, connection: apsw.Connection, scope: DocumentScope, document: DocumentRow, spend: tree.Spend
) -> None:
    graph.add_document(document)
    while graph.room > 0:
        spend(1)
        parent = _parent(connection, scope, document)
        if parent is None:
            _add_missing(graph, document)
        if parent is None or parent.root_object_id != document.root_object_id:
            _add_root(graph, document)
        if parent is None or ("document", parent.document_id) in graph.nodes:
            return
        graph.add_document(parent)
        graph.connect(parent.document_id, document.document_id, "parent_of")
        document = parent
    graph.truncated |= document.parent_document_id is not None or document.root_object_id is not None


def _parent(connection: apsw.Connection, scope: DocumentScope, document: DocumentRow) -> DocumentRow | None:
    parent_id = document.parent_document_id
    return None if parent_id is None else tree.load_visible(connection, scope, parent_id)


def _add_missing(graph: _Graph, document: DocumentRow) -> None:
    parent_id = document.parent_document_id
    if parent_id is None or not graph.add("document", parent_id, origin_of(document.internal).source_collection_id):
        return
    graph.nodes["document", parent_id]["missing"] = True
    graph.connect(parent_id, document.document_id, "parent_of")


def _add_root(graph: _Graph, document: DocumentRow) -> None:
    root, bucket = document.root_object_id, origin_of(document.internal).root_bucket_id
    if root is None or not graph.add("object", root):
        return
    graph.connect(root, document.document_id, "root_of")
    if bucket is not None and graph.add("bucket", bucket):
        graph.connect(bucket, root, "holds")


def _add_below(
    graph: _Graph, connection: apsw.Connection, scope: DocumentScope, document: DocumentRow, spend: tree.Spend
) -> None:
    waiting = deque([document])
    while waiting and not graph.truncated:
        parent = waiting.popleft()
        # One more than there is room for tells whether something is left out.
        for child in tree.children(connection, scope, parent.document_id, graph.room + 1, spend):
            if ("document", child.document_id) in graph.nodes:
                continue
            if not graph.add_document(child):
                break
            graph.connect(parent.document_id, child.document_id, "parent_of")
            if child.root_object_id != parent.root_object_id:
                _add_root(graph, child)
            waiting.append(child)


def _label(document: DocumentRow) -> str:
    body = msgspec.json.decode(document.body, type=dict[str, msgspec.Raw])
    for name in _NAMES:
        text = msgspec.json.decode(body[name]) if name in body else None
        if isinstance(text, str) and text.strip():
            return text.strip()[:_MAX_LABEL]
    return document.document_id
