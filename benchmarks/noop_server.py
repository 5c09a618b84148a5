"""The same HTTP stack over a store that stores nothing: the limit that the stack itself sets.

``python -m benchmarks.noop_server --data DIR`` serves on a free port, which it prints. DIR is a data directory that a
real server made and left, so that keys, namespaces and collections are looked up just as in life.
"""

from __future__ import annotations

import argparse
import socket
from pathlib import Path
from typing import Any

import uvloop

from headwater.app import create_app
from headwater.blobs.opening import open_blobs
from headwater.catalog.cache import Catalogue
from headwater.catalog.reader import Reader
from headwater.http.server import make_server
from headwater.kit.log import configure_logs
from headwater.kit.secrets import Secret
from headwater.models.local import LocalModels
from headwater.models.registry import Registry
from headwater.runtime import Runtime
from headwater.settings import Settings
from headwater.store.commands.base import Command
from headwater.store.commands.documents import CreateDocument
from headwater.store.fields.learning import FieldLearner
from headwater.store.lanes import ThreadLanes

_DOCUMENT = (
    b'{"document_id":"doc_000000000000000000000000","collection_id":"col_0000000000","title":"document 0","text":"'
    + b"x" * 172
    + b'","n":0,"document_blobs":[],"searchable_at":"2026-01-05T09:30:00.000Z","_internal":{"internal_id":'
    b'"org_00000000000","namespace_id":"ns_0000000000","document_id":"doc_000000000000000000000000","collection_id":'
    b'"col_0000000000","created_at":"2026-01-05T09:30:00.000Z","updated_at":"2026-01-05T09:30:00.000Z",'
    b'"document_schema_version":"v2","metadata":{"ingestion_status":"COMPLETED"},"features":[{"feature_extractor_id":'
    b'"own_v1","vectors":["own_v1_embedding"]}],"lineage":{"path":"col_0000000000","chain":[]}}}'
)


class NoopStore:
    """See ``Store``: every create is answered at once with the same document."""

    async def execute(self, command: Command) -> Any:
        if not isinstance(command, CreateDocument):
            return {}  # when keys were used, and the like
        return {"document_id": command.document_id, "document": _DOCUMENT, "sequence": 1}

    async def query(self, kind: str, body: Any = None) -> Any:
        return {}

    async def close(self) -> None:
        return None


async def _serve(directory: Path) -> None:
    settings = Settings(data=directory, log_level="warning")
    configure_logs(settings.log_format, settings.log_level)
    reader = Reader(directory, cache_bytes=settings.sqlite_cache_bytes)
    store, catalogue = NoopStore(), Catalogue(reader.connection)
    learner = FieldLearner(store, settings)
    secret = Secret.load(directory)
    blobs, models = open_blobs(settings, secret), LocalModels(Registry())
    runtime = Runtime(settings, secret, store, reader, catalogue, ThreadLanes(reader), learner, blobs, models)
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
        await make_server(create_app(runtime), settings).serve(sockets=[listener])
    await blobs.close()
    reader.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="benchmarks.noop_server")
    parser.add_argument("--data", type=Path, required=True)
    uvloop.run(_serve(parser.parse_args().data))
