"""Between the storage process and the workers: the first organization and its key."""

from __future__ import annotations

import asyncio
import socket
import time
from pathlib import Path

from headwater.kit.secrets import Secret
from headwater.settings import Settings
from headwater.store.client import StoreClient
from headwater.store.lock import LOCK, holder_of
from headwater.supervisor.children import StartError
from headwater.tenancy.bootstrap import BootstrapKeyError, bootstrap

#: A predecessor that was killed takes its children with it within a second; its lock falls then.
_LOCK_PATIENCE_SECONDS = 2.0


def wait_for_lock(directory: Path) -> None:
    """Return when nobody holds the data directory. Raises ``StartError`` naming the lock when somebody keeps it."""
    deadline = time.monotonic() + _LOCK_PATIENCE_SECONDS
    while (holder := holder_of(directory)) is not None:
        if time.monotonic() > deadline:
            raise StartError(
                f"{directory / LOCK} is locked by process {holder.get('pid', '?')}:"
                " another Headwater uses this data directory",
                "stop that one, or choose another directory with --data",
            )
        time.sleep(0.05)


def storage_answers(path: Path) -> bool:
    """Whether the storage process listens, which it does once it has caught up."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True


def first_start(settings: Settings, directory: Path, path: Path) -> str | None:
    """Make the directory's secret, organization, user and key when there are none.

    Returns the key's secret, or None when the organization was there. Raises ``StartError``.
    """
    return asyncio.run(_first_start(settings, directory, path))


async def _first_start(settings: Settings, directory: Path, path: Path) -> str | None:
    Secret.load_or_create(directory)
    store = StoreClient(path, settings)
    try:
        return await bootstrap(store, settings=settings, directory=directory)
    except BootstrapKeyError as error:
        raise StartError(error.message) from error
    finally:
        await store.close()
