"""From a complete row of an export back to the document: the same content, lineage, vectors and times.

The row comes from a caller, who may have changed it, so it is checked like any other request. ``parse_row`` does what
needs no database, ``restore`` the rest inside the writer's transaction.
"""

from __future__ import annotations

from typing import Any, get_args

import msgspec

from headwater.catalog.tables.collections import Collection
from headwater.catalog.tables.namespaces import Namespace
from headwater.errors import ValidationError
from headwater.kit.clock import from_text, to_text
from headwater.store.documents import lineage, write
from headwater.store.documents.acl import new_acl, parse_acl
from headwater.store.documents.batch_write import find_existing
from headwater.store.documents.blobs import parse_document_blobs, parse_source_blobs, shown_blobs
from headwater.store.documents.content import parse_lineage
from headwater.store.documents.lineage import LineageSent
from headwater.store.documents.naming import check_fits, name_plain_vectors, new_index
from headwater.store.documents.projection import RESERVED, payloads_of, project
from headwater.store.documents.records import (
    DocumentRow,
    delete_document,
    insert_document,
    load_document,
    load_vectors,
)
from headwater.store.documents.vector_forms import Location, SentVector, json_type, pack_vector_map
from headwater.store.transaction import Transaction
from headwater.store.transfer.rows import EXPORT, VERSION
from headwater.vectors.interface import Distance, VectorData

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.decode

#: Members of ``_internal`` that follow from where the document is now.
DERIVED_MEMBERS = frozenset(
    {"internal_id", "namespace_id", "document_id", "collection_id", "created_at", "updated_at", "lineage", EXPORT}
)
_TEXTS = ("document_schema_version", "content_hash", "modality", "mime_type")
_BLOBS = ("source_blobs", "document_blobs")


class IndexDefinition(msgspec.Struct, array_like=True):
    """A vector index that the document needs, for a collection that does not have it."""

    output: str
    feature_extractor_id: str | None
    distance: Distance


class RestoredDocument(msgspec.Struct, array_like=True):
    """A row on its way to the writer."""

    body: bytes
    derived: bytes | None
    #: The members of ``_internal`` that come from the row (JSON object).
    internal: bytes
    blobs: bytes | None
    lineage: LineageSent
    first_extractor: str | None
    #: Milliseconds.
    created_at: int
    updated_at: int
    #: Under their storage names.
    vectors: list[SentVector]
    indexes: dict[str, IndexDefinition]


def is_complete(row: dict[str, Any]) -> bool:
    """Whether the row is one that ``rows.json_row`` wrote."""
    internal = row.get("_internal")
    return isinstance(internal, dict) and isinstance(internal.get(EXPORT), dict)


def parse_row(row: dict[str, Any], at: Location, max_width: int) -> RestoredDocument:
    """The document of a complete row. Raises ``ValidationError``."""
    sent = row["_internal"]
    note = sent[EXPORT]
    if note.get("version") != VERSION:
        message = f"the row has version {note.get('version')!r:.40}; this Headwater reads version {VERSION}"
        raise ValidationError.at([*at, "_internal", EXPORT, "version"], message, "version")
    inside = [*at, "_internal"]
    vectors = pack_vector_map(row.get("vectors"), [*at, "vectors"], max_width)
    internal = _kept(sent, {str(vector.key) for vector in vectors}, inside)
    features = internal.get("features", [])
    members, derived = project(_own(row, note, at), payloads_of(features))
    shown = shown_blobs(internal.get("source_blobs", []), internal.get("document_blobs", []))
    return RestoredDocument(
        body=_encode(members),
        derived=_encode(derived) if derived else None,
        internal=_encode(internal),
        blobs=_encode(shown) if shown else None,
        lineage=_lineage(note, [*inside, EXPORT, "lineage_sent"]),
        first_extractor=features[0]["feature_extractor_id"] if features else None,
        created_at=_time(sent, "created_at", inside),
        updated_at=_time(sent, "updated_at", inside),
        vectors=vectors,
        indexes=_indexes(note, [*inside, EXPORT, "indexes"]),
    )


def _own(row: dict[str, Any], note: dict[str, Any], at: Location) -> dict[str, Any]:
    columns = _list_of(note, "columns", str, [*at, "_internal", EXPORT])
    own = {name: value for name, value in row.items() if name not in RESERVED and name not in columns}
    metadata = row.get("metadata")
    if metadata is not None:
        # In its place among the others, so that a repeated import finds nothing to change.
        _expect(metadata, dict, [*at, "metadata"])
        own = {name: row[name] for name in row if name in own or name == "metadata"}
    return own


def _kept(sent: dict[str, Any], vectors: set[str], at: Location) -> dict[str, Any]:
    kept = {name: value for name, value in sent.items() if name not in DERIVED_MEMBERS and value is not None}
    for name in _TEXTS:
        _expect(kept.get(name, ""), str, [*at, name])
    _expect(kept.get("metadata", {}), dict, [*at, "metadata"])
    kept["features"] = [_feature(feature, vectors, at) for feature in _list_of(kept, "features", dict, at)]
    kept["source_blobs"] = parse_source_blobs(kept.get("source_blobs"), [*at, "source_blobs"])
    kept["document_blobs"] = parse_document_blobs(kept.get("document_blobs"), [*at, "document_blobs"])
    if "_acl" in kept:
        kept["_acl"] = _acl(kept["_acl"], [*at, "_acl"])
    return {name: value for name, value in kept.items() if value or name not in ("features", *_BLOBS)}


def _feature(feature: dict[str, Any], vectors: set[str], at: Location) -> dict[str, Any]:
    where = [*at, "features"]
    _expect(feature.get("feature_extractor_id"), str, [*where, "feature_extractor_id"])
    _expect(feature.get("payload") or {}, dict, [*where, "payload"])
    # An export without vectors still names them.
    return {**feature, "vectors": [name for name in _list_of(feature, "vectors", str, where) if name in vectors]}


def _acl(acl: Any, at: Location) -> dict[str, Any]:
    _expect(acl, dict, at)
    owner = acl.get("owner")
    _expect("" if owner is None else owner, str, [*at, "owner"])
    return new_acl(owner) | parse_acl({name: value for name, value in acl.items() if name != "owner"}, at)


def _lineage(note: dict[str, Any], at: Location) -> LineageSent:
    sent: Any = note.get("lineage_sent")
    _expect(sent, dict, at)
    fields = {("lineage_chain" if name == "chain" else name): value for name, value in sent.items()}
    parsed = parse_lineage(fields, at) or LineageSent()
    if "named_by" in sent:
        _expect(sent["named_by"], str, [*at, "named_by"])
        parsed.named_by = sent["named_by"]
    return parsed


def _indexes(note: dict[str, Any], at: Location) -> dict[str, IndexDefinition]:
    sent: Any = note.get("indexes")
    _expect(sent, dict, at)
    return {name: _index(definition, [*at, name]) for name, definition in sent.items()}


def _index(definition: Any, at: Location) -> IndexDefinition:
    _expect(definition, dict, at)
    output, extractor = definition.get("output"), definition.get("feature_extractor_id")
    _expect(output, str, [*at, "output"])
    _expect("" if extractor is None else extractor, str, [*at, "feature_extractor_id"])
    if definition.get("distance") not in get_args(Distance):
        message = f"distance must be one of {', '.join(get_args(Distance))}"
        raise ValidationError.at([*at, "distance"], message, "enum")
    return IndexDefinition(output, extractor, definition["distance"])


def _time(internal: dict[str, Any], name: str, at: Location) -> int:
    text = internal.get(name)
    _expect(text, str, [*at, name])
    try:
        return from_text(str(text))
    except (ValueError, OverflowError):
        raise ValidationError.at([*at, name], f"{name} must be an RFC 3339 time", "datetime") from None


_CALLED: dict[type, str] = {dict: "an object", list: "a list", str: "a string"}


def _expect(value: Any, kind: type, at: Location) -> None:
    if type(value) is not kind:
        message = f"{at[-1]} must be {_CALLED[kind]}, not {json_type(value)}"
        raise ValidationError.at(at, message, f"{kind.__name__}_type")


def _list_of(holder: dict[str, Any], name: str, kind: type, at: Location) -> list[Any]:
    found = holder.get(name, [])
    _expect(found, list, [*at, name])
    for number, item in enumerate(found):
        _expect(item, kind, [*at, name, number])
    return list(found)


# --- in the writer's transaction ----------------------------------------------


def restore(
    tx: Transaction, namespace: Namespace, collection: Collection, document_id: str, restored: RestoredDocument
) -> None:
    """Store the document, in place of one that has its id; one that is the same already is left alone.

    Raises ``ValidationError``, ``ConflictError`` for a lineage cycle, ``AlreadyExistsError`` for an id that is in
    another collection of the namespace.
    """
    existing = existing_document(tx, collection, document_id)
    vectors = _vectors(tx, namespace, collection, restored)
    document = document_at(tx, namespace, collection, document_id, restored)
    write.check_schema(collection, document)
    if existing is not None:
        if _same(existing, document) and load_vectors(tx.connection, existing.document_row) == vectors:
            return
        delete_document(tx, existing)
    insert_document(tx, document, vectors)
    lineage.repair_descendants(tx, namespace, document_id)


def existing_document(tx: Transaction, collection: Collection, document_id: str) -> DocumentRow | None:
    """The collection's document with that id. Raises ``AlreadyExistsError`` when another collection has it."""
    if not find_existing(tx, collection, [document_id], None):
        return None
    return load_document(tx.connection, collection.namespace_row, document_id)


def _vectors(
    tx: Transaction, namespace: Namespace, collection: Collection, restored: RestoredDocument
) -> list[VectorData]:
    """The vectors under their names. Indexes that the collection lacks are made as the exporting one had them."""
    indexes: list[dict[str, Any]] = collection.body.get("vectors") or []
    known = {index["name"] for index in indexes}
    unknown = [sent for sent in restored.vectors if sent.key not in known]
    if unknown and namespace.body.get("vector_configs"):
        # Says which name is not among those that the namespace declares.
        name_plain_vectors(indexes, unknown)
    learned = [_new_index(sent, restored) for sent in unknown]
    if learned:
        write.learn_indexes(tx, collection, indexes, learned, unknown[0])
    by_name = {index["name"]: index for index in [*indexes, *learned]}
    for sent in restored.vectors:
        check_fits(by_name[str(sent.key)], sent)
    return [sent.named(str(sent.key)) for sent in restored.vectors]


def _new_index(sent: SentVector, restored: RestoredDocument) -> dict[str, Any]:
    name = str(sent.key)
    definition = restored.indexes.get(name)
    if definition is None:
        return new_index(name, name, None, sent)
    return new_index(name, definition.output, definition.feature_extractor_id, sent) | {"distance": definition.distance}


def document_at(
    tx: Transaction, namespace: Namespace, collection: Collection, document_id: str, restored: RestoredDocument
) -> DocumentRow:
    """The row of the document in that collection, its lineage derived anew. Raises ``ConflictError`` for a cycle."""
    sequence = tx.next_sequence()
    document = DocumentRow(
        document_row=sequence,
        namespace_row=collection.namespace_row,
        collection_row=collection.collection_row,
        document_id=document_id,
        sequence=sequence,
        # Another machine's clock may be ahead of this one; nothing here was made in the future.
        created_at=min(restored.created_at, tx.now),
        updated_at=min(restored.updated_at, tx.now),
        body=restored.body,
        derived=restored.derived,
        internal=b"{}",
        blobs=restored.blobs,
        lineage_sent=lineage.encode_sent(restored.lineage),
        root_object_id=None,
        parent_document_id=None,
        collection_id=collection.collection_id,
    )
    document.internal = _encode(_internal(tx, namespace, collection, document, restored))
    return document


def _internal(
    tx: Transaction,
    namespace: Namespace,
    collection: Collection,
    document: DocumentRow,
    restored: RestoredDocument,
) -> dict[str, Any]:
    extractor = lineage.own_extractor(restored.first_extractor, collection.body)
    found = lineage.resolve(
        tx,
        namespace,
        collection.collection_id,
        document.document_id,
        restored.lineage,
        extractor,
        document.created_at,
    )
    document.root_object_id, document.parent_document_id = found.root_object_id, found.parent_document_id
    return {
        "internal_id": namespace.organization_id,
        "namespace_id": namespace.namespace_id,
        "document_id": document.document_id,
        "collection_id": collection.collection_id,
        "created_at": to_text(document.created_at),
        "updated_at": to_text(document.updated_at),
        **_decode(restored.internal),
        "lineage": found.internal,
    }


def _same(one: DocumentRow, other: DocumentRow) -> bool:
    return (
        one.body == other.body
        and one.derived == other.derived
        and one.blobs == other.blobs
        and one.lineage_sent == other.lineage_sent
        and _decode(one.internal) == _decode(other.internal)
    )
