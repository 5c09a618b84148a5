"""Room on the disk for files: they stop while there is still some for the records."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from headwater.errors import InsufficientStorageError
from headwater.settings import Settings

#: No blocks left, none within the quota, or no file may be this large.
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def require_space(settings: Settings, size_bytes: int, what: str) -> None:
    """Raise ``InsufficientStorageError`` before ``what`` takes the room that other writes need."""
    free = shutil.disk_usage(settings.data).free
    if free < settings.free_space_bytes + size_bytes:
        raise InsufficientStorageError(
            f"the disk of the data directory has {free} bytes free, less than"
            f" HEADWATER_FREE_SPACE_BYTES={settings.free_space_bytes} and {size_bytes} bytes of {what}, which was"
            " given up. Make room, then repeat it",
            details={"free_bytes": free, "required_bytes": settings.free_space_bytes + size_bytes},
        )


@contextmanager
def full_disk(what: str) -> Iterator[None]:
    """Tell the system's ways of saying that the disk is full from other failures."""
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise InsufficientStorageError(
            f"the disk of the data directory took no more bytes of {what}, which was given up."
            " Make room, then repeat it"
        ) from error
