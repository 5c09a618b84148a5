"""Vector names as the index may keep them: Edge makes directories of them, and a slash would put one into another.

Any text may be the name of a vector, because names are made of what callers send. Each has exactly one form here.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

_UNSAFE = re.compile(r"[%/\\\x00-\x1f\x7f]")
#: A file name has 255 bytes, of which Edge takes some for a prefix.
MAX_NAME_BYTES = 200
#: The index of the documents' text has the one name that no vector of a caller can have.
LEXICAL = ""
_LEXICAL_FILE = "%lexical"


def file_name(name: str) -> str:
    """The name with what a path would understand written as ``%2F``."""
    if name == LEXICAL:
        return _LEXICAL_FILE
    if not name.strip("."):
        return name.replace(".", "%2E")
    return _UNSAFE.sub(lambda found: f"%{ord(found[0]):02X}", name)


def record_name(name: str) -> str:
    """What ``file_name`` was given."""
    return LEXICAL if name == _LEXICAL_FILE else unquote(name)
