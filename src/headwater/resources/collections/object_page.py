"""Filter, search, sort and page through plain objects that are all at hand: collections and namespaces."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cmp_to_key
from hashlib import sha256
from typing import Any

import orjson

from headwater.errors import ValidationError
from headwater.http.pagination import Page
from headwater.resources.collections.filter_operators import equal
from headwater.resources.collections.filters import compile_filter, values_at

Object = dict[str, Any]
_MAC_BYTES = 16


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

    def digest(self) -> str:
        parts = [self.scope, self.filters, self.sort, self.search, self.case_sensitive]
        return sha256(orjson.dumps(parts, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]


@dataclass(frozen=True)
class Slice:
    """One page: its objects, how many match in all, and the cursor of the next page if there is one."""

    rows: list[Object]
    total: int
    next_cursor: str | None


def select(objects: Sequence[Object], selection: Selection) -> list[Object]:
    """The matching objects in order. Without a sort, the newest first."""
    matches = compile_filter(selection.filters, case_sensitive=selection.case_sensitive)
    found = [item for item in objects if matches(item) and _found_by_search(item, selection)]
    return sorted(found, key=cmp_to_key(_order(selection)))


def cut(matching: Sequence[Object], selection: Selection, page: Page, key: bytes) -> Slice:
    """The page of the objects that ``select`` returned. ``key`` signs cursors; a foreign or bent one is a 422."""
    if page.cursor is None:
        rest = matching[page.offset :]
    else:
        last = _read_cursor(page.cursor, selection, key)
        order = _order(selection)
        rest = [item for item in matching if order(item, last) > 0]
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


def _order(selection: Selection) -> Callable[[Object, Object], int]:
    sort = selection.sort or {"field": "created_at", "direction": "desc"}
    descending = sort["direction"] == "desc"

    def compare(left: Object, right: Object) -> int:
        a, b = (_rank(values_at(item, sort["field"]), descending) for item in (left, right))
        if a is None or b is None:
            # What has no value comes last in both directions.
            decided = (a is None) - (b is None)
        else:
            decided = ((a > b) - (a < b)) * (-1 if descending else 1)
        if decided:
            return decided
        first, second = left[selection.id_field], right[selection.id_field]
        return int(first > second) - int(first < second)

    return compare


def _rank(values: list[Any], descending: bool) -> tuple[int, Any] | None:
    """Numbers before strings before booleans; of several values the smallest, or descending the largest."""
    flat = [element for value in values for element in (value if isinstance(value, list) else [value])]
    ranks = [rank for rank in map(_rank_of, flat) if rank is not None]
    if not ranks:
        return None
    return max(ranks) if descending else min(ranks)


def _rank_of(value: Any) -> tuple[int, Any] | None:
    if isinstance(value, bool):
        return 2, value
    if isinstance(value, int | float):
        return 0, value
    if isinstance(value, str):
        return 1, value
    return None


def _cursor(last: Object, selection: Selection, key: bytes) -> str:
    field = (selection.sort or {"field": "created_at"})["field"]
    payload = orjson.dumps([selection.digest(), values_at(last, field), last[selection.id_field]])
    mac = hmac.digest(key, payload, sha256)[:_MAC_BYTES]
    return _encoded(mac + payload)


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _read_cursor(cursor: str, selection: Selection, key: bytes) -> Object:
    """An object that stands where the cursor was made: it has the sort value and the id of that page's last row."""
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise _bad_cursor() from None
    mac, payload = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
    # Several texts decode to the same bytes; only the one that we made is ours.
    if _encoded(raw) != cursor or not hmac.compare_digest(mac, hmac.digest(key, payload, sha256)[:_MAC_BYTES]):
        raise _bad_cursor()
    digest, values, identifier = orjson.loads(payload)
    if not equal(digest, selection.digest()):
        raise _bad_cursor()
    return _placed((selection.sort or {"field": "created_at"})["field"], values) | {selection.id_field: identifier}


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
