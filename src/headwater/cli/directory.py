"""How the operator commands reach a data directory, whether or not a server has it open."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from headwater.catalog.database import DATABASE
from headwater.cli.output import CommandError
from headwater.errors import HeadwaterError
from headwater.kit.log import configure_logs
from headwater.settings import Settings
from headwater.store.client import StoreClient
from headwater.store.interface import Store
from headwater.store.lock import holder_of


def existing(directory: Path) -> Path:
    """The absolute path of a data directory that was started at least once."""
    path = directory.expanduser().resolve()
    if not (path / DATABASE).exists():
        raise CommandError(
            f"{path} is not a data directory: it has no {DATABASE}",
            f"name another with --data, or make it with `headwater serve --data {directory}`",
        )
    return path


def operator_settings(directory: Path) -> Settings:
    """The settings for work on the directory in this process. What is logged goes to standard error, if it matters."""
    settings = Settings(data=directory)
    configure_logs(settings.log_format, "warning")
    return settings


@asynccontextmanager
async def open_store(directory: Path) -> AsyncIterator[Store]:
    """The store of the directory: through the running server's socket, or in this process.

    Its errors become ``CommandError``.
    """
    settings = operator_settings(directory)
    try:
        store = _open(directory, settings)
        try:
            yield store
        finally:
            await store.close()
    except HeadwaterError as error:
        raise CommandError(error.message) from error


def _open(directory: Path, settings: Settings) -> Store:
    holder = holder_of(directory)
    if holder is not None and "socket" in holder:
        return StoreClient(Path(holder["socket"]), settings)
    # Only here: it brings the writer and the vector index with it.
    from headwater.store.local import LocalStore

    return LocalStore(directory, settings)
