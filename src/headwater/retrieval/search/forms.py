"""What a search looks for: a text, a vector, or a document, from any of the forms that clients send."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from headwater.errors import NotEnabledError, ValidationError

Location = list[str | int]
_MODES = ("text", "vector", "document", "content", "multi_content", "image", "url")
#: Without a mode, the key that the query has tells it.
_MODE_OF_KEY = {
    "text": "text",
    "vector": "vector",
    "document_ref": "document",
    "content": "content",
    "url": "content",
    "base64": "content",
    "image": "content",
    "values": "multi_content",
}
_PAYLOADS = {
    "text": ("value", "text"),
    "vector": ("value", "vector"),
    "document": ("document_ref", "value"),
    "content": ("value", "content", "url", "image", "base64"),
}


@dataclass(frozen=True)
class Asked:
    """``value`` is a text, a vector in one of its JSON forms, or a ``DocumentReference``."""

    mode: Literal["text", "vector", "document"]
    value: Any

    @property
    def is_empty(self) -> bool:
        """Nothing to look for, as a template makes of an input that is not there."""
        if isinstance(self.value, str):
            return not self.value.strip()
        return self.value is None or self.value == []


@dataclass(frozen=True)
class DocumentReference:
    collection_identifier: str
    document_id: str
    #: Whether the document may find itself.
    exclude_self: bool = False


def parse_query(sent: Any, location: Location) -> Asked:
    """Raises ``ValidationError`` for a query that is none, ``NotEnabledError`` for content that needs a model of
    images, audio or video."""
    if sent is None or isinstance(sent, str):
        return Asked("text", sent)
    if isinstance(sent, list):
        return Asked("vector", sent)
    if not isinstance(sent, dict):
        raise ValidationError.at(location, "a query is an object, a text or a vector", "query_type")
    if sent.keys() == {"indices", "values"}:
        return Asked("vector", sent)
    return _parse_object(sent, _mode(sent, location), location)


def _mode(sent: dict[str, Any], location: Location) -> str:
    mode = sent.get("input_mode")
    if mode is None:
        found = [_MODE_OF_KEY[key] for key in sent if key in _MODE_OF_KEY]
        return found[0] if found else "vector" if isinstance(sent.get("value"), list | dict) else "text"
    if mode not in _MODES:
        message = f"input_mode must be one of {', '.join(_MODES)}, not {str(mode)[:40]!r}"
        raise ValidationError.at([*location, "input_mode"], message, "query_mode")
    return "content" if mode in ("image", "url") else str(mode)


def _parse_object(sent: dict[str, Any], mode: str, location: Location) -> Asked:
    if mode == "multi_content":
        message = "no vector index here takes several contents in one query; send one search for each"
        raise ValidationError.at(location, message, "query_mode")
    value = next((sent[key] for key in _PAYLOADS[mode] if sent.get(key) is not None), None)
    if mode == "document":
        return Asked("document", _reference(value, sent, location))
    if mode == "content":
        return _parse_content(value)
    if mode == "text":
        if value is not None and not isinstance(value, str):
            raise ValidationError.at([*location, "value"], "the text to search for must be a string", "string_type")
        return Asked("text", value)
    return Asked("vector", _numbers(value, location))


def _parse_content(value: Any) -> Asked:
    """A list is a vector that its sender has computed; of all else, models of this deployment make no vectors."""
    if isinstance(value, list):
        return Asked("vector", value)
    raise NotEnabledError(
        "searching by content needs an extractor of images, audio or video, which this deployment has none of; send"
        " a vector of it, or a text",
        details={"feature": "content_queries"},
    )


def _numbers(value: Any, location: Location) -> Any:
    """The vector itself; what a template has made a text of is read as JSON."""
    if not isinstance(value, str) or not value.strip():
        return value
    try:
        return msgspec.json.decode(value)
    except msgspec.DecodeError:
        message = f"the vector must be a list of numbers, not the text {value[:40]!r}"
        raise ValidationError.at([*location, "value"], message, "vector_type") from None


def _reference(value: Any, sent: dict[str, Any], location: Location) -> DocumentReference | None:
    if value is None:
        return None
    named = value if isinstance(value, dict) else {}
    collection, document = named.get("collection_id"), named.get("document_id")
    if not isinstance(collection, str) or not isinstance(document, str):
        message = "document_ref takes the texts collection_id and document_id"
        raise ValidationError.at([*location, "document_ref"], message, "document_reference")
    return DocumentReference(collection, document, sent.get("exclude_self") is True)
