"""How a file is shown: what a browser may open by itself, and under which name it is saved."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import quote

#: What runs or draws other things when a browser opens it as a page.
_ACTIVE_TEXTS = ("text/html", "text/xml", "text/xsl", "text/javascript", "text/ecmascript", "text/cache-manifest")
_SHOWN_KINDS = ("image/", "video/", "audio/", "text/")
DEFAULT_TYPE = "application/octet-stream"
_PART = r"[A-Za-z0-9!#$&^_.+-]+"
_TYPE = re.compile(rf'{_PART}/{_PART}(?: *; *{_PART}=(?:{_PART}|"[ !#-\[\]-~]*"))*')
_MAX_NAME = 255


def is_shown(content_type: str) -> bool:
    """Whether a browser may show such a file in a tab. Everything else it saves."""
    kind = plain_type(content_type).partition(";")[0].strip().lower()
    if kind == "application/pdf":
        return True
    # SVG and everything else that is XML may hold scripts.
    return kind.startswith(_SHOWN_KINDS) and kind not in _ACTIVE_TEXTS and not kind.endswith("xml")


def served_type(content_type: str) -> str:
    """The ``Content-Type`` to send: texts without a character set would be guessed at."""
    kind = plain_type(content_type)
    return f"{kind}; charset=utf-8" if kind.startswith("text/") and "charset" not in kind.lower() else kind


def plain_type(content_type: str) -> str:
    """The type if it is written as one, else that of any bytes: it goes into a header, and a user chose it."""
    stripped = content_type.strip()
    return stripped if _TYPE.fullmatch(stripped) else DEFAULT_TYPE


def disposition(content_type: str, filename: str, *, shown: bool = True) -> str:
    """The ``Content-Disposition`` for a file of that type and name; with ``shown=False`` it is saved in any case."""
    kind = "inline" if shown and is_shown(content_type) else "attachment"
    name = safe_name(filename)
    if not name:
        return kind
    if name.isascii():
        return f'{kind}; filename="{name}"'
    return f"{kind}; filename*=UTF-8''{quote(name, safe='')}"


def safe_name(filename: str) -> str:
    """The last part of the name without anything that means something to a file system or a header."""
    last = filename.replace("\\", "/").rpartition("/")[2]
    plain = "".join(character for character in last if unicodedata.category(character)[0] != "C" and character != '"')
    return plain.strip(" .")[:_MAX_NAME]
