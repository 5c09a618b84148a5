"""Questions to the storage process, answered in the writer's thread between two groups."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from headwater.errors import BadRequestError, NotFoundError
from headwater.store.nearest import find_nearest
from headwater.store.search import Found, decode_requests, encode_found
from headwater.store.space import empty_log

if TYPE_CHECKING:
    from headwater.store.writer import Writer


def _status(writer: Writer, _: Any) -> dict[str, Any]:
    """How the store is: always answered, even when nothing can be written."""
    damaged = writer.connection.execute("SELECT count(*) FROM generations WHERE state = 'damaged'").get
    return {
        "sequence": writer.sequence,
        "waiting": writer.waiting,
        "read_only": writer.read_only,
        "free_bytes": writer.space.free_bytes(),
        "enough_space": writer.space.enough(),
        "damaged_indexes": damaged,
        "catching_up": writer.index.catching_up,
    }


def _search(writer: Writer, body: bytes) -> bytes:
    """See ``store.search``, which encodes the question and decodes the answer."""
    found = [Found.of(find_nearest(writer, request, number)) for number, request in enumerate(decode_requests(body))]
    return encode_found(found)


def _checkpoint(writer: Writer, _: Any) -> None:
    """Flush every open shard now."""
    writer.index.maintain(writer.sequence, force=True)


def _compare(writer: Writer, body: dict[str, Any]) -> list[dict[str, Any]]:
    """Compare the records of a collection after ``after_row`` with its index; see ``store.comparison``."""
    from headwater.store.comparison import compare_slice

    shard = writer.index.shard_of(body["collection_row"], writer.sequence)
    return compare_slice(writer.connection, shard, body["collection_row"], body["after_row"], body["limit"])


def _extra_points(writer: Writer, body: dict[str, Any]) -> list[dict[str, Any]]:
    """Points of a collection's index that no record has."""
    from headwater.store.comparison import extra_points

    shard = writer.index.shard_of(body["collection_row"], writer.sequence)
    return extra_points(writer.connection, shard, body["collection_row"])


def _shrink(writer: Writer, _: Any) -> dict[str, bool]:
    """Cut the database file to the length that it needs; the caller tries again when a reader stood in the way."""
    return {"complete": empty_log(writer.connection)}


_QUERIES: dict[str, Callable[[Writer, Any], Any]] = {
    "status": _status,
    "search": _search,
    "checkpoint": _checkpoint,
    "compare": _compare,
    "extra_points": _extra_points,
    "shrink": _shrink,
}


def answer_query(writer: Writer, kind: str, body: Any) -> Any:
    query = _QUERIES.get(kind)
    if query is None:
        raise BadRequestError(f"the store has no query {kind!r}; it has {', '.join(sorted(_QUERIES))}")
    try:
        return query(writer, body)
    except KeyError as error:
        raise NotFoundError.of("field", str(error)) from error
