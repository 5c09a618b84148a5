"""Filter, search, sort and page through plain objects that are all at hand: collections and namespaces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Protocol

import orjson

from headwater.errors import ValidationError
from headwater.http.pagination import Page, pagination_envelope
from headwater.kit.signing import SHORT, read_signed, sign
from headwater.query import PlainFields, compile_filter, parse_filter, sort_rank

Object = dict[str, Any]


class Asked(Protocol):
    """The body of such a list."""

    filters: Any
    search: str | None
    sort: Any
    sorts: Any
    case_sensitive: bool


@dataclass(frozen=True)
class Selection:
    """Which objects, in which order. ``scope`` names the list (tenant included) that a cursor is good for."""

    scope: str
    id_field: str
    searched: Sequence[str]
    filters: Any = None
    sort: dict[str, Any] | None = None
    search: str | None = None
    case_sensitive: bool = False

    @property
    def sort_field(self) -> str:
        return str(self.sort["field"]) if self.sort else "created_at"

    @property
    def descending(self) -> bool:
        return self.sort is None or self.sort["direction"] == "desc"

    def digest(self) -> str:
        parts = [self.scope, self.filters, self.sort, self.search, self.case_sensitive]
        return sha256(orjson.dumps(parts, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]


@dataclass(frozen=True)
class Slice:
    """One page: its objects, how many match in all, and the cursor of the next page if there is one."""

    rows: list[Object]
    total: int
    next_cursor: str | None


def selection_of(asked: Asked, *, scope: str, id_field: str, searched: Sequence[str]) -> Selection:
    return Selection(
        scope=scope,
        id_field=id_field,
        searched=searched,
        filters=asked.filters,
        sort=sort_of(asked.sort, asked.sorts),
        search=asked.search,
        case_sensitive=asked.case_sensitive,
    )


def list_answer(page: Page, cut: Slice, *, path: str, stats: dict[str, Any]) -> Object:
    """The whole answer of a list, without warnings."""
    return {
        "results": cut.rows,
        "pagination": pagination_envelope(
            page,
            path=path,
            has_more=cut.next_cursor is not None,
            next_cursor=cut.next_cursor,
            total=cut.total,
        ),
        "total_count": cut.total,
        "stats": stats,
        "warnings": [],
    }


def select(objects: Sequence[Object], selection: Selection) -> list[Object]:
    """The matching objects in order. Without a sort, the newest first."""
    matches = compile_filter(parse_filter(selection.filters, case_sensitive=selection.case_sensitive))
    found = [item for item in objects if matches(PlainFields(item)) and _found_by_search(item, selection)]
    found.sort(key=lambda item: str(item[selection.id_field]))
    ranked = [(_rank_in(item, selection), item) for item in found]
    valued = [(rank, item) for rank, item in ranked if rank is not None]
    # Sorting is stable, in reverse too, so equal values keep the order of their ids.
    valued.sort(key=lambda pair: pair[0], reverse=selection.descending)
    return [item for _, item in valued] + [item for rank, item in ranked if rank is None]


def cut(matching: Sequence[Object], selection: Selection, page: Page, key: bytes) -> Slice:
    """The page of the objects that ``select`` returned. ``key`` signs cursors; a foreign or bent one is a 422."""
    if page.cursor is None:
        rest = matching[page.offset :]
    else:
        last = _read_cursor(page.cursor, selection, key)
        rest = [item for item in matching if _comes_after(item, last, selection)]
    rows = list(rest[: page.limit])
    more = len(rest) > page.limit
    return Slice(rows, len(matching), _cursor(rows[-1], selection, key) if more else None)


def sort_of(sort: Any, sorts: Any) -> dict[str, Any] | None:
    """The one sort key that counts: the first of ``sorts``, else ``sort``."""
    if sorts is not None and not isinstance(sorts, list):
        raise ValidationError.at(["body", "sorts"], "sorts must be a list", "list_type")
    chosen = sorts[0] if sorts else sort
    if chosen is None:
        return None
    location: list[str | int] = ["body", "sorts", 0] if sorts else ["body", "sort"]
    if not isinstance(chosen, dict) or not isinstance(chosen.get("field"), str) or not chosen["field"]:
        raise ValidationError.at(location, 'sort must be {"field": …, "direction": "asc" or "desc"}', "sort_invalid")
    direction = chosen.get("direction") or "asc"
    if direction not in ("asc", "desc"):
        raise ValidationError.at([*location, "direction"], "direction must be 'asc' or 'desc'", "literal_error")
    return {"field": chosen["field"], "direction": direction}


def _found_by_search(item: Object, selection: Selection) -> bool:
    if not selection.search:
        return True
    wanted = selection.search if selection.case_sensitive else selection.search.lower()
    texts = [item.get(name) or "" for name in selection.searched]
    return any(wanted in (text if selection.case_sensitive else text.lower()) for text in texts)


def _rank_in(item: Object, selection: Selection) -> tuple[int, Any] | None:
    return sort_rank(PlainFields(item).values_at(selection.sort_field), selection.descending)


def _comes_after(item: Object, last: Object, selection: Selection) -> bool:
    """True when ``item`` stands behind ``last`` in the order that ``select`` makes."""
    here, there = _rank_in(item, selection), _rank_in(last, selection)
    if here == there:
        return str(item[selection.id_field]) > str(last[selection.id_field])
    if here is None or there is None:
        # What has no value comes last in both directions.
        return here is None
    return here < there if selection.descending else here > there


def _cursor(last: Object, selection: Selection, key: bytes) -> str:
    payload = orjson.dumps([PlainFields(last).values_at(selection.sort_field), last[selection.id_field]])
    return sign(key, payload, about=selection.digest().encode(), code_bytes=SHORT)


def _read_cursor(cursor: str, selection: Selection, key: bytes) -> Object:
    """An object that stands where the cursor was made: it has the sort value and the id of that page's last row."""
    payload = read_signed(key, cursor, about=selection.digest().encode(), code_bytes=SHORT)
    if payload is None:
        raise _bad_cursor()
    values, identifier = orjson.loads(payload)
    return _placed(selection.sort_field, values) | {selection.id_field: identifier}


def _placed(path: str, values: list[Any]) -> Object:
    placed: Any = values
    for step in reversed(path.split(".")):
        placed = {step: placed}
    found: Object = placed
    return found


def _bad_cursor() -> ValidationError:
    return ValidationError.at(
        ["body", "cursor"],
        "the cursor belongs to another list, filter or sort; start again without one",
        "cursor_invalid",
    )
