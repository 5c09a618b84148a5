"""Many documents in one transaction: new ones inserted, those whose id exists replaced, all of them or none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from headwater.catalog.tables.collections import Collection
from headwater.catalog.tables.namespaces import Namespace
from headwater.errors import AlreadyExistsError, ConflictError
from headwater.kit.clock import to_text
from headwater.store.documents import lineage
from headwater.store.documents.acl import Acl, acl_of, check_writable, new_acl, readable_by
from headwater.store.documents.lineage import Lineage, LineageSent, Parent, Unrepaired
from headwater.store.documents.records import DocumentRow, claim_id, id_taken, insert_document, update_document
from headwater.store.transaction import Transaction
from headwater.vectors.interface import VectorData

_encode = msgspec.json.Encoder().encode

#: The lineage of a document that was handed over without any.
_DIRECT = LineageSent(source_type="direct_upsert")
_DIRECT_SENT = lineage.encode_sent(_DIRECT)


class BatchItem(msgspec.Struct, array_like=True):
    """A document on its way to the writer. Everything that does not need the database is done."""

    document_id: str
    #: JSON object: the projection's root members.
    body: bytes
    derived: bytes | None
    #: Members of ``_internal`` that the request decides, as they stand between the braces of a JSON object.
    internal: bytes
    #: None is ``direct_upsert`` and nothing else.
    lineage: LineageSent | None
    #: Under the names that they were sent with.
    vectors: list[VectorData]
    #: Members of an ACL that was sent; only a key of the organization may.
    acl: Acl | None = None


class Existing(NamedTuple):
    document_id: str
    document_row: int
    collection_row: int
    created_at: int
    internal: bytes
    #: None when the collection is being deleted.
    collection_id: str | None

    @property
    def acl(self) -> Acl | None:
        return acl_of(self.internal)


_EXISTING = (
    "SELECT d.document_id, d.document_row, d.collection_row, d.created_at, d.internal, c.collection_id"
    " FROM documents d LEFT JOIN collections c ON c.collection_row = d.collection_row AND c.state = 'active'"
    # Not a join with json_each: the planner would walk all documents of the namespace.
    " WHERE d.namespace_row = ? AND d.document_id IN (SELECT value FROM json_each(?))"
)


def find_existing(
    tx: Transaction, collection: Collection, document_ids: Sequence[str], principal: str | None
) -> dict[str, Existing]:
    """Documents of the collection that have one of the ids.

    Raises ``AlreadyExistsError`` for one elsewhere or hidden from the principal, ``ForbiddenError`` for one that the
    principal may read only.
    """
    wanted = _encode(document_ids).decode()
    found = {}
    for row in tx.execute(_EXISTING, (collection.namespace_row, wanted)).fetchall():
        existing = Existing._make(row)
        if existing.collection_id is None:
            claim_id(tx, collection.namespace_row, existing.document_id)
        elif not readable_by(existing.acl, principal):
            raise id_taken(existing.document_id)
        elif existing.collection_row == collection.collection_row:
            check_writable(existing.acl, existing.document_id, principal)
            found[existing.document_id] = existing
        else:
            raise AlreadyExistsError(
                f"the document {existing.document_id} is in the collection {existing.collection_id};"
                " delete it there, or upsert it into that collection",
                details={
                    "resource": "document",
                    "name": existing.document_id,
                    "collection_id": existing.collection_id,
                },
                code="document_id_taken",
            )
    return found


class BatchWriter:
    """Writes the items of one upsert into one collection."""

    def __init__(
        self,
        tx: Transaction,
        namespace: Namespace,
        collection: Collection,
        items: list[BatchItem],
        principal: str | None,
    ) -> None:
        self._tx = tx
        self._namespace = namespace
        self._collection = collection
        self._principal = principal
        self._items = {item.document_id: item for item in items}
        self._existing = find_existing(tx, collection, list(self._items), principal)
        self._extractor = lineage.own_extractor(None, collection.body)
        self._parents: dict[str, Parent] = {}
        self._now = to_text(tx.now)
        self._head, self._tail = self._internal_frame()

    def write(self) -> None:
        """Store all items. Parents that are among them come before their children, whatever their order."""
        row = self._namespace.namespace_row
        with_children = lineage.children_exist(self._tx, row, list(self._items))
        named = {item.lineage.parent_document_id for item in self._items.values() if item.lineage is not None}
        self._load_parents({name for name in named if name is not None and name not in self._items})
        for item in self._parents_first():
            self._write(item, self._lineage(item, named))
        if with_children:
            waiting = [Unrepaired(document_id) for document_id in sorted(with_children)]
            lineage.continue_repair(self._tx, self._namespace, waiting)

    def _load_parents(self, document_ids: set[str]) -> None:
        if document_ids:
            self._parents = lineage.load_parents(self._tx, self._namespace.namespace_row, sorted(document_ids))

    def _parents_first(self) -> Iterator[BatchItem]:
        done: set[str] = set()
        for item in self._items.values():
            path = [item]
            while (parent := self._parent_in_batch(path[-1])) is not None and parent.document_id not in done:
                path.append(parent)
                # A path longer than the batch has met one of its documents again.
                if len(path) > len(self._items):
                    raise self._cycle(item)
            for found in reversed(path):
                if found.document_id not in done:
                    done.add(found.document_id)
                    yield found

    def _parent_in_batch(self, item: BatchItem) -> BatchItem | None:
        parent_id = None if item.lineage is None else item.lineage.parent_document_id
        return None if parent_id is None else self._items.get(parent_id)

    def _cycle(self, item: BatchItem) -> ConflictError:
        # The item leads into the cycle; after as many steps as there are documents we are certainly on it.
        for _ in range(len(self._items)):
            item = self._parent_in_batch(item) or item
        names = [item.document_id]
        while (parent := self._parent_in_batch(item)) is not None:
            names.append(parent.document_id)
            item = parent
            if item.document_id == names[0]:
                break
        return lineage.cycle_error(names)

    def _lineage(self, item: BatchItem, named: set[str | None]) -> Lineage | None:
        """None is the lineage of all documents that came without any."""
        if item.lineage is None and item.document_id not in named:
            return None
        existing = self._existing.get(item.document_id)
        created_at = existing.created_at if existing else self._tx.now
        own = lineage.Own(item.document_id, self._collection.collection_id, self._extractor, created_at)
        sent = item.lineage or _DIRECT
        parent_id = sent.parent_document_id
        if parent_id is not None:
            sent.named_by = self._principal
            lineage.refuse_cycle(self._tx, self._namespace.namespace_row, item.document_id, parent_id, self._principal)
        derived = lineage.derive(own, sent, None if parent_id is None else self._parents.get(parent_id))
        if item.document_id in named:
            self._parents[item.document_id] = Parent(own, derived.internal, self._acl(item, existing))
        return derived

    def _acl(self, item: BatchItem, existing: Existing | None) -> Acl | None:
        """Replacing a document does not take it from its owner, nor, if no ACL was sent, from those who share it."""
        before = existing.acl if existing else None
        if item.acl is not None:
            return new_acl((before or {}).get("owner")) | item.acl
        if existing is None and self._principal is not None:
            return new_acl(self._principal)
        return before

    def _write(self, item: BatchItem, derived: Lineage | None) -> None:
        existing = self._existing.get(item.document_id)
        sequence = self._tx.next_sequence()
        document = DocumentRow(
            document_row=existing.document_row if existing else sequence,
            namespace_row=self._collection.namespace_row,
            collection_row=self._collection.collection_row,
            document_id=item.document_id,
            sequence=sequence,
            created_at=existing.created_at if existing else self._tx.now,
            updated_at=self._tx.now,
            body=item.body,
            derived=item.derived,
            internal=self._internal(item, existing, derived),
            blobs=None,
            lineage_sent=_DIRECT_SENT if item.lineage is None else lineage.encode_sent(item.lineage),
            root_object_id=derived.root_object_id if derived else None,
            parent_document_id=derived.parent_document_id if derived else None,
            collection_id=self._collection.collection_id,
        )
        if existing:
            update_document(self._tx, document, item.vectors)
        else:
            insert_document(self._tx, document, item.vectors)

    def _internal_frame(self) -> tuple[bytes, bytes]:
        """What is the same in the ``_internal`` of every new document without lineage: before and after its id."""
        collection_id = _encode(self._collection.collection_id)
        before = {
            "internal_id": self._namespace.organization_id,
            "namespace_id": self._namespace.namespace_id,
        }
        lineage = self._direct_lineage()
        return (
            _encode(before)[:-1] + b',"collection_id":' + collection_id + b',"document_id":',
            b',"lineage":' + _encode(lineage) + b"}",
        )

    def _direct_lineage(self) -> dict[str, Any]:
        own = lineage.Own("", self._collection.collection_id, self._extractor, 0)
        return lineage.derive(own, _DIRECT, None).internal

    def _internal(self, item: BatchItem, existing: Existing | None, derived: Lineage | None) -> bytes:
        created_at = to_text(existing.created_at) if existing else self._now
        acl = self._acl(item, existing)
        return b"".join(
            (
                self._head,
                _encode(item.document_id),
                f',"created_at":"{created_at}","updated_at":"{self._now}",'.encode(),
                item.internal,
                b"" if acl is None else b',"_acl":' + _encode(acl),
                self._tail if derived is None else b',"lineage":' + _encode(derived.internal) + b"}",
            )
        )
