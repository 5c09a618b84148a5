"""Answers: JSON by orjson, from bytes that are JSON already or from plain values and models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from pydantic import BaseModel
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

_JSON = (b"content-type", b"application/json")


class JSONBytes(Response):
    """An answer whose body is JSON already. It skips what Starlette does for cookies and character sets."""

    media_type = "application/json"

    def __init__(self, content: bytes, status_code: int = 200, headers: Mapping[str, str] | None = None) -> None:
        self.status_code = status_code
        self.body = content
        self.background = None
        self.raw_headers = [_JSON, (b"content-length", b"%d" % len(content))]
        if headers:
            self.raw_headers += [(name.lower().encode(), value.encode()) for name, value in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body})


def encode_json(value: Any) -> bytes:
    """JSON of plain values, pydantic models (by alias) and any mixture of them."""
    if isinstance(value, BaseModel):
        return value.__pydantic_serializer__.to_json(value, by_alias=True)
    return orjson.dumps(value, default=_plain)


def json_response(value: Any, status_code: int = 200, headers: Mapping[str, str] | None = None) -> JSONBytes:
    """The answer with that value as its body."""
    return JSONBytes(encode_json(value), status_code, headers)


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", by_alias=True)
    raise TypeError(f"{type(value).__name__} has no JSON form")
