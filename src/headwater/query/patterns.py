"""Regular expressions that take linear time whatever the pattern: RE2 does not backtrack."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import re2

MAX_PATTERN_LENGTH = 1000
_MEMORY_BYTES = 4 << 20


@lru_cache(maxsize=256)
def compile_pattern(pattern: str, case_sensitive: bool) -> Callable[[str], bool]:
    """An unanchored search. Raises ``ValueError`` with what is wrong with the pattern."""
    if len(pattern) > MAX_PATTERN_LENGTH:
        raise ValueError(f"the pattern may have {MAX_PATTERN_LENGTH} characters, not {len(pattern)}")
    options = re2.Options()
    options.case_sensitive = case_sensitive
    options.max_mem = _MEMORY_BYTES
    # Errors go to the caller, not to the log of the process.
    options.log_errors = False
    try:
        compiled = re2.compile(pattern, options=options)
    except re2.error as error:
        text = error.args[0] if error.args else error
        text = text.decode(errors="replace") if isinstance(text, bytes) else text
        raise ValueError(
            f"the pattern does not compile: {text}; look-around and back references are not on offer"
        ) from None
    return lambda text: compiled.search(text) is not None
