"""Where a document came from: ``_internal.lineage``, derived at write time from what was sent and the parent.

The parent is ``source_document_id``, else the last-but-one step of the chain that was sent. What was sent is
stored (``documents.lineage_sent``) and what is derived follows from it and the parent alone, so the order in
which the documents of a tree arrive does not matter: when a parent arrives late or its lineage changes,
``repair_descendants`` derives its descendants anew. A missing parent is not an error; a cycle is.

Whoever names a parent inherits from it what they may see: ``LineageSent.named_by`` is kept, and a parent that is
hidden from that principal is as good as missing, now and at every later repair. A change of the parent's ACL counts
as a change of its lineage, so here too the order of events does not matter.

A repaired document gets a new sequence number, hence a new ETag, because what a client reads has changed;
``updated_at`` stays, because nobody updated it. Deleting a parent changes nothing below it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from headwater.catalog.tables.namespaces import Namespace
from headwater.errors import ConflictError
from headwater.kit.clock import from_text, to_text
from headwater.store.documents.acl import Acl, readable_by
from headwater.store.documents.records import (
    COLUMNS,
    DOCUMENTS,
    DocumentRow,
    document_of,
    update_document,
)
from headwater.store.documents.tree import children_after
from headwater.store.transaction import Transaction

#: Documents that one transaction looks at; a repair of more goes on in jobs.
REPAIR_LIMIT = 1000
REPAIR_JOB = "lineage.repair"


class LineageSent(msgspec.Struct, omit_defaults=True):
    """The lineage fields that a caller sent, and nothing derived."""

    source_type: str | None = None
    source_collection_id: str | None = None
    source_document_id: str | None = None
    source_object_id: str | None = None
    root_object_id: str | None = None
    root_bucket_id: str | None = None
    lineage_path: str | None = None
    #: ``{"collection_id", "feature_extractor_id", "document_id"?, "timestamp"?}``, the root first.
    chain: list[dict[str, Any]] | None = None
    #: The principal that named the parent; None is a key of the organization.
    named_by: str | None = None

    @property
    def parent_document_id(self) -> str | None:
        if self.source_document_id is not None:
            return self.source_document_id
        step = self.chain[-2] if self.chain and len(self.chain) > 1 else {}
        return step.get("document_id")


class Lineage(msgspec.Struct, frozen=True):
    """``internal`` is the value of ``_internal.lineage``; the other two are columns of ``documents``."""

    internal: dict[str, Any]
    root_object_id: str | None
    parent_document_id: str | None


class Own(msgspec.Struct, frozen=True):
    """What a document itself contributes to its lineage. ``created_at`` is in milliseconds."""

    document_id: str
    collection_id: str
    feature_extractor_id: str
    created_at: int

    @property
    def step(self) -> dict[str, Any]:
        return {
            "collection_id": self.collection_id,
            "feature_extractor_id": self.feature_extractor_id,
            "document_id": self.document_id,
            "timestamp": to_text(self.created_at),
        }


class Parent(msgspec.Struct, frozen=True):
    """A stored parent: itself, and its ``_internal.lineage``."""

    own: Own
    lineage: dict[str, Any]
    acl: Acl | None = None

    @property
    def chain(self) -> list[dict[str, Any]]:
        return self.lineage.get("chain") or [self.own.step]


def decode_sent(stored: bytes | None) -> LineageSent:
    """The ``documents.lineage_sent`` column."""
    return LineageSent() if stored is None else msgspec.json.decode(stored, type=LineageSent)


def encode_sent(sent: LineageSent) -> bytes | None:
    return None if sent == LineageSent() else msgspec.json.encode(sent)


# --- the rules ----------------------------------------------------------------


def derive(own: Own, sent: LineageSent, parent: Parent | None) -> Lineage:
    """The lineage of a document, given the parent if that is stored. Pure."""
    if parent is not None and not readable_by(parent.acl, sent.named_by):
        parent = None
    inherited = {} if parent is None else parent.lineage
    source_type = _source_type(sent)
    bucket_made = source_type == "bucket"
    root_object_id = (
        sent.root_object_id or inherited.get("root_object_id") or (sent.source_object_id if bucket_made else None)
    )
    fields = {
        "source_type": source_type,
        "source_collection_id": sent.source_collection_id or (parent.own.collection_id if parent else None),
        "source_document_id": sent.source_document_id,
        "source_object_id": sent.source_object_id or (root_object_id if bucket_made else None),
        "root_object_id": root_object_id,
        "root_bucket_id": sent.root_bucket_id or inherited.get("root_bucket_id"),
    }
    fields["path"] = sent.lineage_path or _path(own, fields, inherited)
    internal: dict[str, Any] = {name: value for name, value in fields.items() if value is not None}
    chain = _chain(own, sent, parent)
    if chain is not None:
        internal["chain"] = chain
    return Lineage(internal, root_object_id, sent.parent_document_id)


def _source_type(sent: LineageSent) -> str | None:
    if sent.source_type is not None:
        return sent.source_type
    if sent.source_document_id is not None or sent.source_collection_id is not None:
        return "collection"
    if any((sent.source_object_id, sent.root_object_id, sent.root_bucket_id)):
        return "bucket"
    return None if sent.parent_document_id is None else "collection"


def _path(own: Own, fields: dict[str, str | None], inherited: dict[str, Any]) -> str:
    if "path" in inherited:
        return f"{inherited['path']}/{own.collection_id}"
    parts = (fields["root_bucket_id"], fields["source_collection_id"], own.collection_id)
    return "/".join(part for part in parts if part is not None)


def _chain(own: Own, sent: LineageSent, parent: Parent | None) -> list[dict[str, Any]] | None:
    if sent.chain is not None:
        return [_dated(step, own.created_at) for step in sent.chain]
    if parent is not None:
        return [*parent.chain, own.step]
    # A document that was handed over directly came from nowhere that we could name.
    named = msgspec.structs.replace(sent, source_type=None) if sent.source_type == "direct_upsert" else sent
    return None if named == LineageSent() else [own.step]


def _dated(step: dict[str, Any], created_at: int) -> dict[str, Any]:
    sent = step.get("timestamp")
    timestamp = to_text(created_at if sent is None else from_text(sent))
    return {name: value for name, value in (step | {"timestamp": timestamp}).items() if value is not None}


# --- with the database --------------------------------------------------------


def resolve(
    tx: Transaction,
    namespace: Namespace,
    collection_id: str,
    document_id: str,
    sent: LineageSent,
    feature_extractor_id: str,
    created_at: int,
    *,
    parents: dict[str, Parent] | None = None,
) -> Lineage:
    """The lineage of a document about to be written. ``parents`` may hold parents that were looked up before.

    Raises ``ConflictError`` when the document would be its own ancestor.
    """
    own = Own(document_id, collection_id, feature_extractor_id, created_at)
    parent_id = sent.parent_document_id
    if parent_id is None:
        return derive(own, sent, None)
    refuse_cycle(tx, namespace.namespace_row, document_id, parent_id, sent.named_by)
    if parents is None:
        parents = load_parents(tx, namespace.namespace_row, [parent_id])
    return derive(own, sent, parents.get(parent_id))


class _Feature(msgspec.Struct):
    feature_extractor_id: str


class _Internal(msgspec.Struct):
    """The members of ``_internal`` that lineage needs; decoding skips the others."""

    lineage: dict[str, Any] = {}
    features: list[_Feature] = []
    acl: Acl | None = msgspec.field(name="_acl", default=None)


class Origin(msgspec.Struct, frozen=True):
    """What ``_internal.lineage`` says of a document and no column does."""

    source_collection_id: str | None = None
    root_bucket_id: str | None = None


class _WithOrigin(msgspec.Struct):
    lineage: Origin = Origin()


_origins = msgspec.json.Decoder(_WithOrigin)


def origin_of(internal: bytes) -> Origin:
    """The origin in a document's ``_internal``."""
    return _origins.decode(internal).lineage


_BY_IDS = (
    f"SELECT {COLUMNS} FROM {DOCUMENTS} WHERE d.namespace_row = ? AND d.document_id IN (SELECT value FROM json_each(?))"
)


def load_parents(tx: Transaction, namespace_row: int, document_ids: Sequence[str]) -> dict[str, Parent]:
    """Those of the documents that are stored in the namespace, by id."""
    rows = tx.execute(_BY_IDS, (namespace_row, msgspec.json.encode(document_ids).decode()))
    return {document.document_id: _parent(tx, document) for document in map(document_of, rows)}


def _parent(tx: Transaction, document: DocumentRow) -> Parent:
    return as_parent(document, tx.collection(document.collection_row).body)


def as_parent(document: DocumentRow, collection_body: dict[str, Any]) -> Parent:
    """The document as those that are made from it see it. ``collection_body`` is that of its own collection."""
    seen = msgspec.json.decode(document.internal, type=_Internal)
    first = seen.features[0].feature_extractor_id if seen.features else None
    extractor = own_extractor(first, collection_body)
    own = Own(document.document_id, document.collection_id, extractor, document.created_at)
    return Parent(own, seen.lineage, seen.acl)


def own_extractor(first_feature: str | None, collection_body: dict[str, Any]) -> str:
    """The ``feature_extractor_id`` of a document's own step: its first feature's, else the collection's."""
    extractor = collection_body.get("feature_extractor") or {}
    return first_feature or extractor.get("feature_extractor_id") or "passthrough_extractor_v1"


_ANCESTORS = f"""
WITH RECURSIVE up (document_id) AS (
    VALUES (?2)
    UNION
    SELECT d.parent_document_id FROM up CROSS JOIN {DOCUMENTS}
    WHERE d.namespace_row = ?1 AND d.document_id = up.document_id
    AND d.parent_document_id IS NOT NULL AND up.document_id <> ?3
)
SELECT document_id FROM up
"""


def refuse_cycle(
    tx: Transaction, namespace_row: int, document_id: str, parent_id: str, named_by: str | None = None
) -> None:
    """Raise ``ConflictError`` when ``parent_id`` is the document or one of its descendants.

    A principal is told of the two only: documents between them may be hidden.
    """
    if parent_id != document_id and not children_exist(tx, namespace_row, [document_id]):
        return
    ancestors = [row[0] for row in tx.execute(_ANCESTORS, (namespace_row, parent_id, document_id))]
    if document_id not in ancestors:
        return
    between = ancestors if named_by is None else dict.fromkeys([parent_id, document_id])
    raise cycle_error([document_id, *between])


def cycle_error(cycle: list[str]) -> ConflictError:
    """The refusal of documents that each name the next as their parent, the last being the first again."""
    return ConflictError(
        f"lineage cycle: {' → '.join(_shortened(cycle))}; a document cannot descend from itself",
        details={"cycle": cycle},
        code="lineage_cycle",
    )


def _shortened(cycle: list[str]) -> list[str]:
    return cycle if len(cycle) <= 10 else [*cycle[:5], "…", *cycle[-4:]]


def children_exist(tx: Transaction, namespace_row: int, document_ids: Sequence[str]) -> set[str]:
    """Those of the ids that some stored document names as its parent."""
    rows = tx.execute(
        "SELECT value FROM json_each(?) WHERE EXISTS (SELECT 1 FROM documents"
        " WHERE namespace_row = ? AND parent_document_id = value)",
        (msgspec.json.encode(document_ids).decode(), namespace_row),
    )
    return {row[0] for row in rows}


# --- repair -------------------------------------------------------------------


class Unrepaired(msgspec.Struct, array_like=True):
    """A document whose children with a larger ``document_row`` than ``after`` are still to be looked at."""

    document_id: str
    after: int = 0


def repair_descendants(tx: Transaction, namespace: Namespace, document_id: str) -> None:
    """Derive the lineage of everything below a document anew: call after it came, or its lineage changed.

    At most ``REPAIR_LIMIT`` documents in this transaction, the rest by a job. The job is enqueued in the same
    transaction, so a crash loses no part of a repair.
    """
    continue_repair(tx, namespace, [Unrepaired(document_id)])


def continue_repair(tx: Transaction, namespace: Namespace, waiting: list[Unrepaired]) -> int:
    """Repair from where an earlier transaction stopped; returns how many documents were looked at.

    Parents come before their children. Children are taken in pages and a page's own descendants before the
    next page, so that ``waiting`` stays short even when a document has a million children.
    """
    budget = REPAIR_LIMIT
    while waiting and budget > 0:
        parent = waiting.pop()
        children = _children(tx, namespace.namespace_row, parent, budget)
        if len(children) == budget:
            waiting.append(Unrepaired(parent.document_id, children[-1].document_row))
        budget -= len(children)
        changed = _repair_children(tx, namespace, parent.document_id, children)
        waiting.extend(Unrepaired(document_id) for document_id in changed)
    if waiting:
        tx.enqueue(
            REPAIR_JOB,
            {"namespace_row": namespace.namespace_row, "waiting": msgspec.to_builtins(waiting)},
            organization_id=namespace.organization_id,
            namespace_row=namespace.namespace_row,
        )
    return REPAIR_LIMIT - budget


_HAS_CHILDREN = "SELECT 1 FROM documents WHERE namespace_row = ? AND parent_document_id = ? LIMIT 1"


def _children(tx: Transaction, namespace_row: int, parent: Unrepaired, limit: int) -> list[DocumentRow]:
    # Most documents have none when they come, and this look costs a fifth of the query below.
    if tx.one(_HAS_CHILDREN, (namespace_row, parent.document_id)) is None:
        return []
    return children_after(tx.connection, namespace_row, parent.document_id, parent.after, limit)


def _repair_children(tx: Transaction, namespace: Namespace, parent_id: str, children: list[DocumentRow]) -> list[str]:
    """The ids of the children that changed; whoever did not change needs no look below it."""
    if not children:
        return []
    parent = load_parents(tx, namespace.namespace_row, [parent_id]).get(parent_id)
    return [child.document_id for child in children if _repair(tx, parent, child)]


def _repair(tx: Transaction, parent: Parent | None, document: DocumentRow) -> bool:
    own = _parent(tx, document).own
    lineage = derive(own, decode_sent(document.lineage_sent), parent)
    members = msgspec.json.decode(document.internal, type=dict[str, msgspec.Raw])
    if msgspec.json.decode(members.get("lineage", b"null")) == lineage.internal:
        return False
    members["lineage"] = msgspec.Raw(msgspec.json.encode(lineage.internal))
    document.internal = msgspec.json.encode(members)
    document.root_object_id = lineage.root_object_id
    document.sequence = tx.next_sequence()
    update_document(tx, document)
    return True
