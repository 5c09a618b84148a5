"""What templates see: INPUT, CONTEXT, STAGE, and in some places DOC."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from headwater.query.fields import ALIASES
from headwater.retrieval.hits import Hit

_WRAPPERS = ("metadata", "payload")


class DocumentView(dict[str, Any]):
    """A document whose fields are also found by the paths that other layouts have for them."""

    def __missing__(self, key: str) -> Any:
        if key == "_score":
            return self["score"]
        if key in _WRAPPERS:
            return self
        internal = self.get("_internal") or {}
        for place in (internal.get("metadata"), internal, internal.get("lineage")):
            if isinstance(place, dict) and key in place:
                return place[key]
        if key in ALIASES:
            return _walk(internal, ALIASES[key])
        raise KeyError(key)


def _walk(value: Any, steps: tuple[str, ...]) -> Any:
    for step in steps:
        value = value[step]
    return value


class StageView(dict[str, Any]):
    """What an earlier stage did. Its documents are put together when a template asks for them."""

    def __init__(self, hits: list[Hit], **figures: Any) -> None:
        super().__init__(figures)
        self._hits = hits

    def __missing__(self, key: str) -> Any:
        if key != "documents":
            raise KeyError(key)
        return [hit.shown() for hit in self._hits]


class ContextView(dict[str, Any]):
    """The run. Its clock is read when a template asks for it."""

    def __init__(self, values: Mapping[str, Any], started: float, aliases: Mapping[str, Any]) -> None:
        super().__init__(values)
        self._started = started
        self._aliases = aliases

    def __missing__(self, key: str) -> Any:
        if key == "time_elapsed_ms":
            return (time.monotonic() - self._started) * 1000
        found = self._aliases[key]
        return found() if callable(found) else found


def alias_of(hits: list[Hit]) -> Callable[[], list[dict[str, Any]]]:
    """The result of a stage under its ``output_alias``, put together when a template asks for it."""
    return lambda: [hit.shown() for hit in hits]
