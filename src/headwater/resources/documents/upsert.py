"""Upserting documents with their own vectors: everything slow is done here, before the writer gets them."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from headwater.catalog.tables.collections import Collection
from headwater.context import Context
from headwater.errors import BadRequestError, ForbiddenError, ValidationError
from headwater.resources.documents.namespace_path import in_namespace
from headwater.store.commands.collections import SYSTEM_COLLECTION
from headwater.store.commands.documents import Idempotency
from headwater.store.commands.upsert import UpsertDocuments, schema_key
from headwater.store.documents.acl import Acl, parse_acl
from headwater.store.documents.batch_write import BatchItem
from headwater.store.documents.content import parse_lineage
from headwater.store.documents.idempotency import check_key, fingerprint
from headwater.store.documents.projection import RESERVED, VIOLATIONS, project
from headwater.store.documents.schema_validation import enforce
from headwater.store.documents.vector_forms import Location, SentVector, json_type, pack_vector_map
from headwater.store.documents.write import input_kind
from headwater.tenancy.access import access_collection
from headwater.tenancy.document_acl import idempotency_scope, principal_of
from headwater.vectors.interface import VectorData

MAX_DOCUMENTS = 1000
_MAX_ID_LENGTH = 512
#: Documents that are taken apart before other requests get their turn: some five milliseconds.
_TURN = 64

_KEYS = frozenset({"collection_id", "documents", "options"})
_OPTIONS = frozenset({"write_token", "idempotency_key"})
_LINEAGE = frozenset(
    {
        "source_type",
        "root_object_id",
        "root_bucket_id",
        "source_object_id",
        "source_document_id",
        "source_collection_id",
        "lineage_path",
        "lineage_chain",
    }
)
_DOCUMENT = frozenset({"document_id", "vectors", "payload", "metadata", "acl", "content_hash"}) | _LINEAGE
_encode = msgspec.json.Encoder().encode


async def upsert_documents(ctx: Context, namespace: str, body: dict[str, Any], header_key: str | None) -> bytes:
    """Store all documents of the body or none; the JSON of the answer.

    Raises ``ValidationError`` that names the first wrong document, ``AlreadyExistsError`` for an id that is in
    another collection, ``ConflictError`` for a frozen collection, a lineage cycle or a reused idempotency key.
    """
    ctx = in_namespace(ctx, namespace)
    _only(body, _KEYS, ["body"])
    options = _object(body, "options", ["body"])
    _only(options, _OPTIONS, ["body", "options"])
    collection = _collection(ctx, body)
    batch = _Batch(ctx, collection)
    for start, document in enumerate(_documents(body)):
        batch.add(start, document)
        if start % _TURN == _TURN - 1:
            await asyncio.sleep(0)
    outcome = await ctx.execute(
        batch.command(
            write_token=_flag(options, "write_token", ["body", "options"]),
            idempotency=_idempotency(ctx, body, options, header_key),
        )
    )
    answer: bytes = outcome["answer"]
    return answer


def _collection(ctx: Context, body: dict[str, Any]) -> Collection | None:
    """None is the system collection, which may not be there yet."""
    identifier = _text(body, "collection_id", ["body"])
    return None if identifier in (None, SYSTEM_COLLECTION) else access_collection(ctx, str(identifier))


def _documents(body: dict[str, Any]) -> list[Any]:
    documents = body.get("documents")
    location: Location = ["body", "documents"]
    if documents is None:
        raise ValidationError.at(location, "documents is required", "missing")
    if type(documents) is not list:
        raise ValidationError.at(location, f"documents must be a list, not {json_type(documents)}", "list_type")
    if len(documents) > MAX_DOCUMENTS:
        message = f"one upsert takes up to {MAX_DOCUMENTS} documents, not {len(documents)}; split it"
        raise ValidationError.at(location, message, "too_long")
    return documents


def _idempotency(
    ctx: Context, body: dict[str, Any], options: dict[str, Any], header_key: str | None
) -> Idempotency | None:
    option_key = _text(options, "idempotency_key", ["body", "options"])
    if option_key is not None and header_key is not None and option_key != header_key:
        raise BadRequestError(
            "options.idempotency_key and the header Idempotency-Key differ; send one of them",
            details={"header": header_key, "body": option_key},
        )
    key = header_key if option_key is None else option_key
    if key is None:
        return None
    where: Location = ["header", "Idempotency-Key"] if option_key is None else ["body", "options", "idempotency_key"]
    return Idempotency(
        ctx.organization.organization_id,
        idempotency_scope(ctx, f"POST /v1/namespaces/{ctx.scope.namespace_id}/documents/upsert"),
        check_key(key, where),
        fingerprint(body),
    )


class _Batch:
    """The documents of one upsert, checked and packed one by one."""

    def __init__(self, ctx: Context, collection: Collection | None) -> None:
        self._ctx = ctx
        self._collection = collection
        self._collection_body: dict[str, Any] = {} if collection is None else collection.body
        self._schema_key = schema_key(self._collection_body)
        self._modality = None if collection is None else input_kind(collection)
        self._max_width = ctx.runtime.settings.max_vector_width
        self._version = _encode(ctx.runtime.settings.document_schema_version)
        self._principal = principal_of(ctx)
        self._places: dict[str, int] = {}
        self._items: list[BatchItem] = []
        self._shapes: dict[tuple[Any, ...], SentVector] = {}
        self._dropped: dict[str, list[str]] = {}

    def command(self, *, write_token: bool, idempotency: Idempotency | None) -> UpsertDocuments:
        namespace = self._ctx.namespace
        assert namespace is not None, "in_namespace sets it"
        return UpsertDocuments(
            organization_id=namespace.organization_id,
            namespace_row=namespace.namespace_row,
            collection_row=None if self._collection is None else self._collection.collection_row,
            items=self._items,
            shapes=list(self._shapes.values()),
            learn_names=not namespace.body.get("vector_configs"),
            dropped=self._dropped,
            schema_key=self._schema_key,
            write_token=write_token,
            idempotency=idempotency,
            principal=self._principal,
        )

    def add(self, number: int, document: Any) -> None:
        at: Location = ["body", "documents", number]
        if type(document) is not dict:
            raise ValidationError.at(at, f"a document must be an object, not {json_type(document)}", "object_type")
        if not document.keys() <= _DOCUMENT:
            _only(document, _DOCUMENT, at)
        document_id = self._claim(document, number, at)
        if document.get("vectors") is None:
            raise ValidationError.at([*at, "vectors"], "vectors is required; send {} for none", "missing")
        sent = pack_vector_map(document["vectors"], [*at, "vectors"], self._max_width)
        body, derived, modality = self._body(document, document_id, at)
        self._items.append(
            BatchItem(
                document_id=document_id,
                body=body,
                derived=derived,
                internal=self._internal(document, modality, at),
                lineage=self._lineage(document, at),
                vectors=[self._vector(vector) for vector in sent],
                acl=self._acl(document, at),
            )
        )

    def _claim(self, document: dict[str, Any], number: int, at: Location) -> str:
        document_id = _text(document, "document_id", at)
        if document_id is None:
            raise ValidationError.at([*at, "document_id"], "document_id is required", "missing")
        if not 1 <= len(document_id) <= _MAX_ID_LENGTH:
            message = f"document_id has 1 to {_MAX_ID_LENGTH} characters, not {len(document_id)}"
            raise ValidationError.at([*at, "document_id"], message, "string_length")
        first = self._places.setdefault(document_id, number)
        if first != number:
            message = f"the documents {first} and {number} have the same id {document_id!r}; send each once"
            raise ValidationError.at([*at, "document_id"], message, "duplicate")
        return document_id

    def _vector(self, sent: SentVector) -> VectorData:
        shape = (sent.key, sent.kind, sent.kind == "sparse" or sent.width, sent.directionless)
        if shape not in self._shapes:
            self._shapes[shape] = msgspec.structs.replace(sent, data=b"", indices=b"")
        return sent.named(str(sent.key))

    def _body(self, document: dict[str, Any], document_id: str, at: Location) -> tuple[bytes, bytes | None, str | None]:
        """The projection, the names that it derived, and the modality."""
        root = _object(document, "payload", at)
        if not RESERVED.isdisjoint(root):
            root = self._without_reserved(root, document_id)
        members, derived = project(root, ()) if "metadata" in root else (root, [])
        if self._schema_key is not None:
            found = enforce(self._collection_body, root, [*at, "payload"])
            members = {**members, VIOLATIONS: found} if found else members
        modality = root.get("modality")
        return (
            _encode(members),
            _encode(derived) if derived else None,
            modality if isinstance(modality, str) and modality else self._modality,
        )

    def _without_reserved(self, root: dict[str, Any], document_id: str) -> dict[str, Any]:
        kept = {
            name: value
            for name, value in root.items()
            if name not in RESERVED or (name == "metadata" and isinstance(value, dict))
        }
        if len(kept) < len(root):
            self._dropped[document_id] = [name for name in root if name not in kept]
        return kept

    def _internal(self, document: dict[str, Any], modality: str | None, at: Location) -> bytes:
        """What of ``_internal`` the request decides; see ``BatchItem.internal``."""
        parts = [b'"document_schema_version":', self._version]
        content_hash = _text(document, "content_hash", at)
        if content_hash is not None:
            parts += (b',"content_hash":', _encode(content_hash))
        if modality is not None:
            parts += (b',"modality":', _encode(modality))
        metadata = {"ingestion_status": "COMPLETED", **_object(document, "metadata", at)}
        parts += (b',"metadata":', _encode(metadata))
        return b"".join(parts)

    def _acl(self, document: dict[str, Any], at: Location) -> Acl | None:
        if document.get("acl") is None:
            return None
        if self._principal is not None:
            raise ForbiddenError(
                "An upsert sets ACLs only with a key of the organization; leave acl out: what you make is yours",
                code="document_acl",
            )
        return parse_acl(_object(document, "acl", at), [*at, "acl"])

    def _lineage(self, document: dict[str, Any], at: Location) -> Any:
        if _LINEAGE.isdisjoint(document):
            return None
        sent = parse_lineage(document, at)
        if sent is not None and sent.source_type is None:
            sent.source_type = "direct_upsert"
        return sent


def _only(value: dict[str, Any], accepted: frozenset[str], at: Location) -> None:
    unknown = [name for name in value if name not in accepted]
    if unknown:
        message = f"unknown key {unknown[0]!r}; accepted are {', '.join(sorted(accepted))}"
        raise ValidationError.at([*at, unknown[0]], message, "extra_forbidden")


def _text(value: dict[str, Any], name: str, at: Location) -> str | None:
    found = value.get(name)
    if found is not None and type(found) is not str:
        raise ValidationError.at([*at, name], f"{name} must be a string, not {json_type(found)}", "string_type")
    return found


def _flag(value: dict[str, Any], name: str, at: Location) -> bool:
    found = value.get(name)
    if found is not None and type(found) is not bool:
        raise ValidationError.at([*at, name], f"{name} must be true or false, not {json_type(found)}", "bool_type")
    return bool(found)


def _object(value: dict[str, Any], name: str, at: Location) -> dict[str, Any]:
    found = value.get(name)
    if found is None:
        return {}
    if type(found) is not dict:
        raise ValidationError.at([*at, name], f"{name} must be an object, not {json_type(found)}", "object_type")
    return found
