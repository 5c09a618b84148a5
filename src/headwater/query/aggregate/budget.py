"""How much one aggregation may hold in memory, so that a request can neither exhaust the machine nor run on forever."""

from __future__ import annotations

import sys
from typing import Any

import msgspec

from headwater.errors import ValidationError

MAX_GROUPS = 100_000
#: Of one aggregation; the answer with all its lists is then some tens of megabytes.
MAX_BYTES = 256 * 1024 * 1024
#: What Python needs for an entry of a dictionary or list besides the value itself.
ENTRY_BYTES = 96
#: Decoded JSON takes some times the room of its text.
_DECODED_FACTOR = 6

_encode = msgspec.json.Encoder().encode


class MemoryBudget:
    """What is left. Raises ``ValidationError`` with the code ``aggregation_too_large`` when nothing is."""

    def __init__(self, groups: int = MAX_GROUPS, size_bytes: int = MAX_BYTES) -> None:
        self._max_groups, self._groups = groups, groups
        self._max_bytes, self._bytes = size_bytes, size_bytes

    def open_group(self, size_bytes: int) -> None:
        self._groups -= 1
        if self._groups < 0:
            raise _too_large(
                f"there are more than {self._max_groups} groups; add a filter, or group by fields with fewer values"
            )
        self.take(size_bytes)

    def take(self, size_bytes: int) -> None:
        self._bytes -= size_bytes
        if self._bytes < 0:
            raise _too_large(
                f"the groups and their collected values take more than {self._max_bytes} bytes;"
                " add a filter, or leave out push, add_to_set and count_distinct"
            )

    def exchange(self, old: Any, new: Any) -> None:
        """Account for one held value in the place of another."""
        self.take(size_of(new) - size_of(old))


def size_of(value: Any) -> int:
    """About the bytes that a JSON value takes in memory."""
    if isinstance(value, list | dict):
        return len(_encode(value)) * _DECODED_FACTOR
    return sys.getsizeof(value)


def _too_large(message: str) -> ValidationError:
    return ValidationError.at(["body"], message, "aggregation_too_large", code="aggregation_too_large")
