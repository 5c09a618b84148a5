"""``expand``: the documents that a document refers to, shown inside of it under ``_expanded``.

``expand_documents`` does it for the documents of any answer; ``with_expanded`` of ``store.documents.render`` puts its
outcome into a rendered document. A name is a keyword (``parent``, ``ancestors``, ``children``, ``root_object``) or the
dotted path of a user field that holds ids of documents. What is shown inside is not expanded in turn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import apsw
import msgspec

from headwater.blobs.file_links import FileLinks
from headwater.errors import ValidationError
from headwater.resources.documents import repository
from headwater.resources.objects.render import with_links
from headwater.scope import DocumentScope
from headwater.store.buckets.objects import object_of_namespace
from headwater.store.documents import tree
from headwater.store.documents.records import DocumentRow
from headwater.store.documents.signed_urls import render_with_links

MAX_NAMES = 20
#: Distinct ids that the fields of one document may refer to.
MAX_REFERENCES = 50
MAX_CHILDREN = 100
#: Documents inside of all the documents of one answer: some 20 MB of usual ones.
MAX_SHOWN = 10_000
_MAX_ANCESTORS = 1000

#: What a field holds: an id, ids with None for what is none, or None when it is not there.
Reference = str | list[str | None] | None
_encode = msgspec.json.Encoder().encode


def parse_expand(texts: Iterable[str], location: list[str | int]) -> tuple[str, ...]:
    """The names in texts that are comma-separated, each once. Raises ``ValidationError``."""
    names = dict.fromkeys(name.strip() for text in texts for name in text.split(",") if name.strip())
    if len(names) > MAX_NAMES:
        raise ValidationError.at(location, f"expand takes up to {MAX_NAMES} names, not {len(names)}", "too_long")
    return tuple(names)


def expand_documents(
    connection: apsw.Connection,
    scope: DocumentScope,
    documents: Sequence[DocumentRow],
    names: Sequence[str],
    links: FileLinks | None = None,
    location: Sequence[str | int] = ("query", "expand"),
) -> list[bytes]:
    """Each document's ``_expanded`` as JSON: ``{name: document, list of documents or null}``.

    Documents that do not exist, or that the scope does not show, are null. Raises ``ValidationError`` when the fields
    of one document refer to more than ``MAX_REFERENCES`` others, or the answer would hold more than ``MAX_SHOWN``.
    """
    expansion = _Expansion(connection, scope, links, list(location))
    paths = [name for name in names if name not in KEYWORDS]
    referred = [_references(document, paths) for document in documents]
    expansion.load(referred)
    return [
        _encode({name: msgspec.Raw(expansion.value(document, name, fields)) for name in names})
        for document, fields in zip(documents, referred, strict=True)
    ]


class _Expansion:
    """One answer in the making."""

    def __init__(
        self, connection: apsw.Connection, scope: DocumentScope, links: FileLinks | None, location: list[str | int]
    ) -> None:
        self.connection = connection
        self.scope = scope
        self._links = links
        self._location = location
        self._loaded: dict[str, DocumentRow] = {}
        self._shown = 0

    def load(self, referred: Sequence[Mapping[str, Reference]]) -> None:
        """Read whatever the fields refer to at once."""
        wanted: set[str] = set()
        for fields in referred:
            ids = {name for reference in fields.values() for name in _ids(reference)}
            if len(ids) > MAX_REFERENCES:
                raise self._refusal(f"expand resolves up to {MAX_REFERENCES} references of a document, not {len(ids)}")
            wanted |= ids
        found = repository.find_documents(self.connection, self.scope.namespace_row, sorted(wanted), with_vectors=False)
        self._loaded = {
            name: document for name, (document, _) in found.items() if tree.is_visible(self.scope, document)
        }

    def value(self, document: DocumentRow, name: str, fields: Mapping[str, Reference]) -> bytes:
        keyword = KEYWORDS.get(name)
        if keyword is not None:
            return keyword(self, document)
        reference = fields[name]
        if isinstance(reference, list):
            return self.many([self._document(item) for item in reference])
        return self.one(self._document(reference))

    def _document(self, document_id: str | None) -> DocumentRow | None:
        return None if document_id is None else self._loaded.get(document_id)

    def one(self, document: DocumentRow | None) -> bytes:
        if document is None:
            return b"null"
        self._count()
        return render_with_links(document, self._links)

    def object(self, row: DocumentRow | None) -> bytes:
        if row is None:
            return b"null"
        self._count()
        return row.body if self._links is None else with_links(row.body, self._links)

    def _count(self) -> None:
        self._shown += 1
        if self._shown > MAX_SHOWN:
            raise self._refusal(f"expand shows up to {MAX_SHOWN} documents in an answer; ask for a smaller page")

    def many(self, documents: Iterable[DocumentRow | None]) -> bytes:
        return b"[" + b",".join(map(self.one, documents)) + b"]"

    def _refusal(self, message: str) -> ValidationError:
        return ValidationError.at(self._location, message, "too_many_references")


def _parent(expansion: _Expansion, document: DocumentRow) -> bytes:
    parent = tree.ancestors(expansion.connection, expansion.scope, document, 1)
    return expansion.one(parent[0] if parent else None)


def _ancestors(expansion: _Expansion, document: DocumentRow) -> bytes:
    return expansion.many(tree.ancestors(expansion.connection, expansion.scope, document, _MAX_ANCESTORS))


def _children(expansion: _Expansion, document: DocumentRow) -> bytes:
    return expansion.many(tree.children(expansion.connection, expansion.scope, document.document_id, MAX_CHILDREN))


def _root_object(expansion: _Expansion, document: DocumentRow) -> bytes:
    """The object, where a bucket keeps it. Null for keys that see some of the documents only: they see no objects."""
    scope, object_id = expansion.scope, document.root_object_id
    if object_id is None or scope.principal is not None or scope.collection_rows is not None:
        return b"null"
    return expansion.object(object_of_namespace(expansion.connection, scope.namespace_row, object_id))


KEYWORDS: Mapping[str, Callable[[_Expansion, DocumentRow], bytes]] = {
    "parent": _parent,
    "ancestors": _ancestors,
    "children": _children,
    "root_object": _root_object,
}


def _ids(reference: Reference) -> list[str]:
    if isinstance(reference, list):
        return [name for name in reference if name is not None]
    return [] if reference is None else [reference]


def _references(document: DocumentRow, paths: Sequence[str]) -> dict[str, Reference]:
    body = msgspec.json.decode(document.body) if paths else {}
    return {path: _reference(_value_at(body, path)) for path in paths}


def _reference(found: Any) -> Reference:
    if isinstance(found, list):
        return [item if isinstance(item, str) else None for item in found]
    return found if isinstance(found, str) else None


def _value_at(value: Any, path: str) -> Any:
    """What stands at the path: a list when it is one, or when the path leads through one."""
    if not path:
        return value
    if isinstance(value, list):
        found = [_value_at(item, path) for item in value]
        return [item for each in found for item in (each if isinstance(each, list) else [each])]
    if not isinstance(value, dict):
        return None
    if path in value:
        return value[path]
    step, _, rest = path.partition(".")
    return _value_at(value.get(step), rest)
