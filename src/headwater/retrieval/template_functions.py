"""The functions and filters of templates that are ours, and the engine that has them."""

from __future__ import annotations

import math
import re
import time
import unicodedata
from collections.abc import Callable
from typing import Any

import minijinja
import orjson

from headwater.kit.clock import now_milliseconds, to_text

#: Some two megabytes of text, or a hundred thousand steps.
FUEL = 100_000
#: What can make much of little without fuel, shows more than the data, or exists for loops only.
_NO_FILTERS = ("attr", "batch", "format", "indent", "pprint", "slice", "tojson", "truncate", "wordwrap")
_NO_GLOBALS = ("cycler", "debug", "dict", "joiner", "namespace", "range")
_FALSE = frozenset({"", "0", "f", "false", "n", "no", "none", "null", "off"})
_MOST_DIGITS = 30


def new_engine() -> minijinja.Environment:
    """An engine that evaluates one expression at a time: it has no loops, no statements, and loads nothing."""
    engine = minijinja.Environment(
        fuel=FUEL, undefined_behavior="chainable", auto_escape_callback=lambda _: False, debug=False
    )
    for name in _NO_FILTERS:
        engine.remove_filter(name)
    for name in _NO_GLOBALS:
        engine.remove_global(name)
    for name, filter_ in _FILTERS.items():
        engine.add_filter(name, filter_)
    for name, function in _FUNCTIONS.items():
        engine.add_global(name, function)
    return engine


def _slugify(value: Any) -> str:
    plain = unicodedata.normalize("NFKD", str(value)).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")


def _bool(value: Any) -> bool:
    return value.strip().lower() not in _FALSE if isinstance(value, str) else bool(value)


def _tojson(value: Any) -> str:
    return orjson.dumps(value).decode()


def _int(value: Any, default: Any = 0) -> Any:
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        number = _float(value, None)
        return default if number is None or not math.isfinite(number) else int(number)


def _float(value: Any, default: Any = 0.0) -> Any:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return default


def _truncate(value: Any, length: int = 255, killwords: bool = False, end: str = "...") -> str:
    text = str(value)
    if len(text) <= length:
        return text
    kept = text[: max(0, length - len(end))]
    return (kept if killwords else kept.rsplit(" ", 1)[0]) + end


def _wordcount(value: Any) -> int:
    return len(str(value).split())


def _round(number: float, digits: int = 0) -> float | int:
    rounded = round(number, max(-_MOST_DIGITS, min(_MOST_DIGITS, digits)))
    return rounded if digits > 0 else int(rounded)


def _utc_now() -> str:
    return to_text(now_milliseconds())


def _time_ago(*, weeks: float = 0, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0) -> str:
    """The time that was so long ago."""
    ago = (((weeks * 7 + days) * 24 + hours) * 60 + minutes) * 60 + seconds
    return to_text(int((time.time() - ago) * 1000))


_FILTERS: dict[str, Callable[..., Any]] = {
    "bool": _bool,
    "float": _float,
    "int": _int,
    "slugify": _slugify,
    "tojson": _tojson,
    "truncate": _truncate,
    "wordcount": _wordcount,
}
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": abs,
    "ceil": math.ceil,
    "floor": math.floor,
    "max": max,
    "min": min,
    "round": _round,
    "time_ago": _time_ago,
    "utc_now": _utc_now,
}
