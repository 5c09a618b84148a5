"""Creating, replacing and changing documents inside the writer's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from headwater.catalog.tables.collections import Collection
from headwater.catalog.tables.namespaces import Namespace
from headwater.errors import ConflictError, ValidationError
from headwater.kit.clock import to_text
from headwater.store.documents import lineage
from headwater.store.documents.acl import Acl, new_acl
from headwater.store.documents.blobs import shown_blobs
from headwater.store.documents.content import DocumentChanges, DocumentContent, SentFeature, SystemFields
from headwater.store.documents.lineage import LineageSent
from headwater.store.documents.merge import Stored, apply_blobs, apply_changes, decode_stored
from headwater.store.documents.naming import MAX_VECTOR_INDEXES, joined, name_feature_vectors, name_plain_vectors
from headwater.store.documents.projection import VIOLATIONS, payloads_of, project, stored_root
from headwater.store.documents.records import (
    DocumentRow,
    insert_document,
    load_vectors,
    new_document,
    update_document,
)
from headwater.store.documents.schema_validation import enforce
from headwater.store.documents.update_data import FieldUpdate, apply_update
from headwater.store.documents.vector_forms import SentVector
from headwater.store.transaction import Transaction
from headwater.vectors.interface import VectorData

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.decode


def require_writable(collection: Collection) -> None:
    """Raise ``ConflictError`` when the collection is frozen."""
    if collection.lifecycle_state == "frozen":
        raise ConflictError(
            f"the collection {collection.collection_id} is frozen; set its lifecycle_state to active to write to it",
            details={"collection_id": collection.collection_id, "lifecycle_state": "frozen"},
            code="collection_frozen",
        )


def create(
    tx: Transaction,
    namespace: Namespace,
    collection: Collection,
    document_id: str,
    content: DocumentContent,
    principal: str | None = None,
    acl: Acl | None = None,
) -> tuple[DocumentRow, list[VectorData]]:
    """Store a new document whose id is free, and repair the lineage of children that came before it.

    What a principal makes is its own. ``acl`` is that of the document in whose place the new one comes.
    """
    if principal is not None:
        acl = new_acl(principal)
    row, identifier = collection.collection_row, collection.collection_id
    document = new_document(tx, collection.namespace_row, row, identifier, document_id)
    vectors = _fill(tx, namespace, collection, document, content, principal, acl)
    insert_document(tx, document, vectors)
    lineage.repair_descendants(tx, namespace, document_id)
    return document, vectors


def _fill(
    tx: Transaction,
    namespace: Namespace,
    collection: Collection,
    document: DocumentRow,
    content: DocumentContent,
    principal: str | None,
    acl: Acl | None,
) -> list[VectorData]:
    """Everything of a new document that follows from its content; returns its vectors."""
    names, vectors = _name_vectors(tx, collection, content.features, content.vectors)
    document.body, document.derived = content.body, content.derived
    check_schema(collection, document)
    sent = _merged_lineage(LineageSent(), content.system.lineage, principal)
    internal = _internal(namespace, document, content.system)
    first = content.features[0].feature_extractor_id if content.features else None
    internal["lineage"] = _lineage(tx, namespace, collection, document, sent, first)
    modality = content.system.modality or input_kind(collection)
    if modality is not None:
        internal["modality"] = modality
    if content.system.source_blobs is not None or content.system.document_blobs is not None:
        apply_blobs(internal, content.system)
        document.blobs = _shown_blobs(internal)
    if content.features:
        internal["features"] = [
            _named_fragment(feature, named) for feature, named in zip(content.features, names, strict=True)
        ]
    if acl is not None:
        internal["_acl"] = acl
    document.internal = _encode(internal)
    return vectors


def _internal(namespace: Namespace, document: DocumentRow, system: SystemFields) -> dict[str, Any]:
    metadata = {"ingestion_status": "COMPLETED"}
    if system.internal_metadata is not None:
        metadata |= _decode(system.internal_metadata)
    internal: dict[str, Any] = {
        "internal_id": namespace.organization_id,
        "namespace_id": namespace.namespace_id,
        "document_id": document.document_id,
        "collection_id": document.collection_id,
        "created_at": to_text(document.created_at),
        "updated_at": to_text(document.updated_at),
        "document_schema_version": system.document_schema_version,
        "content_hash": system.content_hash,
        "metadata": metadata,
    }
    return {name: value for name, value in internal.items() if value is not None}


def _shown_blobs(internal: dict[str, Any]) -> bytes | None:
    shown = shown_blobs(internal.get("source_blobs", []), internal.get("document_blobs", []))
    return _encode(shown) if shown else None


def _named_fragment(feature: SentFeature, names: list[str]) -> msgspec.Raw:
    return msgspec.Raw(feature.fragment[:-1] + b',"vectors":' + _encode(names) + b"}")


def input_kind(collection: Collection) -> str | None:
    """``text`` for a ``text_extractor``: what the collection's documents are made from, where its name says so."""
    extractor = collection.body.get("feature_extractor") or {}
    kind = str(extractor.get("feature_extractor_name", "")).partition("_")[0]
    return kind if kind in ("text", "image", "video", "audio") else None


def _lineage(
    tx: Transaction,
    namespace: Namespace,
    collection: Collection,
    document: DocumentRow,
    sent: LineageSent,
    first_extractor: str | None,
) -> dict[str, Any]:
    found = lineage.resolve(
        tx,
        namespace,
        collection.collection_id,
        document.document_id,
        sent,
        lineage.own_extractor(first_extractor, collection.body),
        document.created_at,
    )
    document.lineage_sent = lineage.encode_sent(sent)
    document.root_object_id = found.root_object_id
    document.parent_document_id = found.parent_document_id
    return found.internal


def check_schema(collection: Collection, document: DocumentRow) -> None:
    """Apply the collection's ``document_schema``; a warning is kept in the body, beside the derived names."""
    if collection.body.get("schema_validation", "off") == "off" or not collection.body.get("document_schema"):
        return
    members = _decode(document.body)
    members.pop(VIOLATIONS, None)
    found = enforce(collection.body, stored_root(members, document.derived_names), ["body"])
    if found:
        members[VIOLATIONS] = found
    document.body = _encode(members)


def _name_vectors(
    tx: Transaction,
    collection: Collection,
    features: Sequence[SentFeature],
    plain: Sequence[SentVector],
) -> tuple[list[list[str]], list[VectorData]]:
    """The storage names of each feature's vectors, and all vectors under them. New names become indexes."""
    indexes: list[dict[str, Any]] = collection.body.get("vectors") or []
    names: list[list[str]] = []
    sent: list[SentVector] = []
    learned: list[dict[str, Any]] = []
    for feature in features:
        naming = name_feature_vectors([*indexes, *learned], feature.feature_extractor_id, feature.vectors)
        names.append(naming.names)
        sent += feature.vectors
        learned += naming.learned
    flat = [name for group in names for name in group]
    if plain:
        naming = name_plain_vectors([*indexes, *learned], plain)
        sent, flat = [*sent, *plain], [*flat, *naming.names]
    vectors = joined(sent, flat) if sent else []
    if learned:
        learn_indexes(tx, collection, indexes, learned, sent[0])
    return names, vectors


def learn_indexes(
    tx: Transaction,
    collection: Collection,
    indexes: list[dict[str, Any]],
    learned: list[dict[str, Any]],
    first: SentVector,
) -> None:
    if len(indexes) + len(learned) > MAX_VECTOR_INDEXES:
        raise ValidationError.at(
            first.location,
            f"the collection would have more than {MAX_VECTOR_INDEXES} vector indexes; reuse the names of those it has",
            "vector_indexes",
        )
    body = {**collection.body, "vectors": [*indexes, *learned]}
    tx.execute("UPDATE collections SET body = ? WHERE collection_row = ?", (_encode(body), collection.collection_row))
    tx.catalogue_changed()


def change(
    tx: Transaction,
    namespace: Namespace,
    collection: Collection,
    document: DocumentRow,
    changes: DocumentChanges,
    principal: str | None = None,
) -> list[VectorData] | None:
    """Apply a PUT or PATCH to the document and store it. Returns all its vectors if they changed, else None."""
    stored = decode_stored(document)
    replaced = {name for feature in stored.features for name in feature.get("vectors", ())}
    apply_changes(stored, changes)
    vectors = _changed_vectors(tx, collection, document, stored, changes, replaced)
    # A first feature's extractor is a step of the lineage.
    moved = changes.system.lineage is not None or changes.features is not None
    sent = changes.system.lineage
    _store_changed(tx, namespace, collection, document, stored, sent, principal, moved=moved, vectors=vectors)
    return vectors


def change_fields(
    tx: Transaction,
    namespace: Namespace,
    collection: Collection,
    document: DocumentRow,
    update: FieldUpdate,
    principal: str | None = None,
) -> None:
    """Apply an ``update_data`` to the document and store it. Its vectors stay."""
    if update.empty:
        return
    stored = decode_stored(document)
    apply_update(stored, update)
    sent = update.system.lineage
    moved = sent is not None
    _store_changed(tx, namespace, collection, document, stored, sent, principal, moved=moved, vectors=None)


def _store_changed(
    tx: Transaction,
    namespace: Namespace,
    collection: Collection,
    document: DocumentRow,
    stored: Stored,
    lineage_sent: LineageSent | None,
    principal: str | None,
    *,
    moved: bool,
    vectors: list[VectorData] | None,
) -> None:
    """Project and check what was changed, write it under a new version, and repair what is below it if ``moved``:
    if the change can have moved the document's place in its lineage."""
    document.sequence, document.updated_at = tx.next_sequence(), tx.now
    _set_body(document, stored)
    check_schema(collection, document)
    moved = moved and _derive_anew(tx, namespace, collection, document, stored, lineage_sent, principal)
    stored.internal["updated_at"] = to_text(document.updated_at)
    document.blobs = _shown_blobs(stored.internal)
    document.internal = _encode(stored.internal)
    update_document(tx, document, vectors)
    if moved:
        lineage.repair_descendants(tx, namespace, document.document_id)


def _set_body(document: DocumentRow, stored: Stored) -> None:
    members, derived = project(stored.own, payloads_of(stored.features))
    document.body = _encode(members)
    document.derived = _encode(derived) if derived else None


def _changed_vectors(
    tx: Transaction,
    collection: Collection,
    document: DocumentRow,
    stored: Stored,
    changes: DocumentChanges,
    replaced: set[str],
) -> list[VectorData] | None:
    if changes.features is None and not changes.vectors:
        return None
    names, vectors = _name_vectors(tx, collection, changes.features or [], changes.vectors)
    before = {vector.name: vector for vector in load_vectors(tx.connection, document.document_row)}
    kept = before
    if changes.features is not None:
        kept = {name: vector for name, vector in kept.items() if name not in replaced}
        for feature, named in zip(stored.features, names, strict=True):
            feature["vectors"] = named
    after = kept | {vector.name: vector for vector in vectors}
    # A client that puts back what it read must not make the index write it again.
    return None if after == before else list(after.values())


def _derive_anew(
    tx: Transaction,
    namespace: Namespace,
    collection: Collection,
    document: DocumentRow,
    stored: Stored,
    lineage_sent: LineageSent | None,
    principal: str | None,
) -> bool:
    """Derive the lineage from what was sent, now and before; says whether it is another."""
    before = stored.internal.get("lineage")
    sent = _merged_lineage(lineage.decode_sent(document.lineage_sent), lineage_sent, principal)
    first = stored.features[0]["feature_extractor_id"] if stored.features else None
    stored.internal["lineage"] = _lineage(tx, namespace, collection, document, sent, first)
    return bool(stored.internal["lineage"] != before)


def _merged_lineage(old: LineageSent, sent: LineageSent | None, principal: str | None) -> LineageSent:
    if sent is None:
        return old
    given = {name: value for name, value in msgspec.structs.asdict(sent).items() if value is not None}
    merged = msgspec.structs.replace(old, **given)
    if sent.source_document_id is not None or merged.parent_document_id != old.parent_document_id:
        merged.named_by = principal
    return merged
