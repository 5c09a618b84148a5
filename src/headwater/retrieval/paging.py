"""Pages of results: four ways to ask for one, each with an answer of its own form."""

from __future__ import annotations

import base64
import math
from dataclasses import dataclass, replace
from typing import Any, Literal

import orjson

from headwater.errors import ValidationError
from headwater.retrieval.hits import Hit

Method = Literal["cursor", "offset", "scroll", "keyset"]
METHODS: tuple[Method, ...] = ("cursor", "offset", "scroll", "keyset")
DEFAULT_LIMIT = 10
MAX_LIMIT = 500
MAX_SCROLL_LIMIT = 1000
DEFAULT_SCROLL_LIMIT = 100
#: Rows that a search ranks at most, so no page reaches further.
MAX_DEPTH = 5000
_TTL_SECONDS = (60, 3600)
_DEFAULT_TTL_SECONDS = 300
_BODY: list[str | int] = ["body", "pagination"]


@dataclass(frozen=True)
class After:
    """The last row of the page before, in the order of scores; ``position`` of it in that order, counted from 1."""

    score: float | None
    identifier: str
    position: int = 0


@dataclass(frozen=True)
class PageRequest:
    """``limit`` None: as many as the stages say. ``number`` counts pages of that size, instead of an offset."""

    method: Method = "cursor"
    limit: int | None = None
    offset: int = 0
    number: int = 1
    scroll_id: str | None = None
    scroll_seconds: int = _DEFAULT_TTL_SECONDS
    after: After | None = None

    def sized(self, limit: int) -> PageRequest:
        return self if self.limit is not None else replace(self, limit=limit)

    @property
    def start(self) -> int:
        return (self.number - 1) * self.size if self.method == "offset" else self.offset

    @property
    def size(self) -> int:
        return self.limit or DEFAULT_LIMIT

    @property
    def end(self) -> int:
        """How many rows, counted from the first, the page needs."""
        return MAX_DEPTH if self.method == "scroll" else min(MAX_DEPTH, self.begin + self.size)

    @property
    def begin(self) -> int:
        """How many rows come before the page."""
        return self.start if self.after is None else self.after.position


FIRST_PAGE = PageRequest()


def read_page(
    pagination: Any, shorthand: int | None, warnings: list[str], location: list[str | int] = _BODY
) -> PageRequest:
    """The page that a request asks for. ``shorthand`` is its ``limit`` or ``page_size`` outside of ``pagination``."""
    if pagination is None:
        return PageRequest(limit=shorthand)
    if not isinstance(pagination, dict):
        raise ValidationError.at(location, "pagination should be a JSON object", "dict_type")
    page = _READERS[_method(pagination, location)](pagination, location)
    if shorthand is None or page.limit == shorthand:
        return page
    if page.limit is None:
        return replace(page, limit=shorthand)
    warnings.append(f"limit {shorthand} was ignored; pagination asks for {page.limit}")
    return page


def _method(pagination: dict[str, Any], location: list[str | int]) -> Method:
    sent = pagination.get("method")
    if sent is None:
        if pagination.get("page_number") is not None:
            return "offset"
        if pagination.get("scroll_id") is not None:
            return "scroll"
        return "keyset" if isinstance(pagination.get("after"), dict) else "cursor"
    if sent not in METHODS:
        message = f"pagination.method should be one of {', '.join(METHODS)}, not {str(sent)[:80]!r}"
        raise ValidationError.at([*location, "method"], message, "literal_error")
    return sent  # type: ignore[no-any-return]


def _integer(sent: dict[str, Any], key: str, low: int, high: int, location: list[str | int]) -> int | None:
    value = sent.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        message = f"pagination.{key} should be a number from {low} to {high}, not {str(value)[:80]!r}"
        raise ValidationError.at([*location, key], message, "int_range")
    return value


def _limit(sent: dict[str, Any], most: int, location: list[str | int]) -> int | None:
    limit = _integer(sent, "limit", 1, most, location)
    return _integer(sent, "page_size", 1, most, location) if limit is None else limit


def _cursor_page(sent: dict[str, Any], location: list[str | int]) -> PageRequest:
    cursor = sent.get("cursor")
    offset = 0 if cursor is None else _read_cursor(cursor, [*location, "cursor"])
    return PageRequest("cursor", _limit(sent, MAX_LIMIT, location), offset)


def _offset_page(sent: dict[str, Any], location: list[str | int]) -> PageRequest:
    number = _integer(sent, "page_number", 1, 1_000_000, location) or 1
    return PageRequest("offset", _limit(sent, MAX_LIMIT, location), number=number)


def _scroll_page(sent: dict[str, Any], location: list[str | int]) -> PageRequest:
    scroll_id = sent.get("scroll_id")
    if scroll_id is not None and not isinstance(scroll_id, str):
        raise ValidationError.at([*location, "scroll_id"], "pagination.scroll_id should be a text", "string_type")
    limit = _limit(sent, MAX_SCROLL_LIMIT, location) or DEFAULT_SCROLL_LIMIT
    seconds = _integer(sent, "scroll_ttl", *_TTL_SECONDS, location) or _DEFAULT_TTL_SECONDS
    return PageRequest("scroll", limit, scroll_id=scroll_id, scroll_seconds=seconds)


def _keyset_page(sent: dict[str, Any], location: list[str | int]) -> PageRequest:
    return PageRequest("keyset", _limit(sent, MAX_LIMIT, location), after=_after(sent.get("after"), location))


def _after(sent: Any, location: list[str | int]) -> After | None:
    if sent is None:
        return None
    found = sent if isinstance(sent, dict) else {}
    score, identifier, position = found.get("score"), found.get("id"), found.get("position", 0)
    sound = isinstance(identifier, str) and (score is None or _is_number(score)) and _is_position(position)
    if not sound:
        message = "pagination.after should be the 'after' of the page before: {score, id, position}"
        raise ValidationError.at([*location, "after"], message, "cursor_invalid")
    return After(None if score is None else float(score), str(identifier), position)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_position(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_DEPTH


_READERS = {"cursor": _cursor_page, "offset": _offset_page, "scroll": _scroll_page, "keyset": _keyset_page}


def write_cursor(offset: int) -> str:
    return base64.b64encode(orjson.dumps({"offset": offset})).decode()


def _read_cursor(cursor: Any, location: list[str | int]) -> int:
    try:
        offset = orjson.loads(base64.b64decode(cursor, validate=True))["offset"]
    except (TypeError, ValueError, KeyError):
        offset = None
    if isinstance(offset, bool) or not isinstance(offset, int) or offset < 0:
        message = "the cursor is not one of this server; start again without one"
        raise ValidationError.at(location, message, "cursor_invalid")
    return offset


@dataclass(frozen=True)
class ResultPage:
    hits: list[Hit]
    #: The ``pagination`` of the answer.
    shown: dict[str, Any]


def cut(hits: list[Hit], page: PageRequest) -> ResultPage:
    """The page's rows of a whole working set. Scrolls are cut where their snapshots are kept."""
    if page.method == "keyset":
        return _cut_by_key(hits, page)
    rows = hits[page.start : page.start + page.size]
    end = page.start + len(rows)
    has_next = bool(rows) and end < len(hits)
    own: dict[str, Any] = {"limit": page.size, "cursor": write_cursor(end) if has_next else None}
    if page.method == "offset":
        own = {"page_number": page.number, "page_size": page.size}
    shown = {"method": page.method, **own, "returned": len(rows), "total": len(hits), "has_next": has_next}
    return ResultPage(rows, shown)


def _cut_by_key(hits: list[Hit], page: PageRequest) -> ResultPage:
    ordered = sorted(hits, key=_by_score)
    start = 0
    if page.after is not None:
        last = _key(page.after.score, page.after.identifier)
        start = next((number for number, hit in enumerate(ordered) if _by_score(hit) > last), len(ordered))
    rows = ordered[start : start + page.size]
    end = start + len(rows)
    after = None
    if rows and end < len(ordered):
        after = {"score": rows[-1].score, "id": rows[-1].document_id, "position": end}
    shown = {"method": "keyset", "limit": page.size, "returned": len(rows), "total": len(hits), "after": after}
    return ResultPage(rows, shown)


def _key(score: float | None, identifier: str) -> tuple[bool, float, str]:
    return score is None, -(score or 0.0), identifier


def _by_score(hit: Hit) -> tuple[bool, float, str]:
    return _key(hit.score, hit.document_id)
