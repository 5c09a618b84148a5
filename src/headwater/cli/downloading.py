"""Fetching a file: beside its place first, so that what has the name is whole, and going on where it broke off."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import BinaryIO

from headwater.cli.connection import Client
from headwater.cli.output import CommandError

_ATTEMPTS = 5
_PAUSE_SECONDS = 1.0


def download(client: Client, url: str, file: Path) -> None:
    """Fetch the URL into the file, which may exist. Raises ``CommandError``; then the file is as it was."""
    partial = file.with_name(f".{file.name}.partial")
    try:
        with partial.open("wb") as target:
            _fetch(client, url, target)
            target.flush()
            os.fsync(target.fileno())
        partial.replace(file)
    except OSError as error:
        raise CommandError(f"cannot write {file}: {error.strerror}") from error
    finally:
        partial.unlink(missing_ok=True)


def _fetch(client: Client, url: str, target: BinaryIO) -> None:
    from headwater.cli.progress import counting

    with counting("bytes") as advance:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                client.fetch(url, target, advance)
                return
            except CommandError as error:
                # An answer that says no will say no again; a connection that ended may be there in a moment.
                if error.status is not None or attempt == _ATTEMPTS:
                    raise
                time.sleep(_PAUSE_SECONDS)
