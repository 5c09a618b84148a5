"""One HTTP worker: ``python -m headwater.worker --fd N --data DIR --socket PATH``.

The supervisor binds the listening socket and passes its descriptor; all workers accept from it. A worker opens the
database read-only and sends its writes to the storage process through PATH.
"""

from __future__ import annotations

import argparse
import socket
from pathlib import Path

from headwater.http import multiprocess_metrics
from headwater.kit.process import die_with_parent


def main() -> None:
    parser = argparse.ArgumentParser(prog="headwater.worker")
    parser.add_argument("--fd", type=int, required=True, help="descriptor of the listening socket")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--socket", type=Path, required=True, help="socket of the storage process")
    arguments = parser.parse_args()
    die_with_parent()
    # First of all: prometheus_client decides when it is imported where the numbers live.
    multiprocess_metrics.prepare(arguments.data)
    multiprocess_metrics.remember_process()
    import uvloop

    with socket.socket(fileno=arguments.fd) as listener:
        uvloop.run(_serve(listener, arguments.data, arguments.socket))


async def _serve(listener: socket.socket, directory: Path, store_socket: Path) -> None:
    from headwater.app import create_app
    from headwater.blobs.opening import open_blobs
    from headwater.catalog.cache import Catalogue
    from headwater.catalog.reader import Reader
    from headwater.http.server import make_server
    from headwater.kit.log import configure_logs
    from headwater.kit.process import collect_rarely
    from headwater.kit.secrets import Secret
    from headwater.models import MODEL_SOCKET
    from headwater.models.client import ModelClient
    from headwater.models.registry import Registry
    from headwater.runtime import Runtime
    from headwater.settings import load_settings
    from headwater.store.client import StoreClient
    from headwater.store.fields.learning import FieldLearner
    from headwater.store.lanes import ProcessLanes

    settings = load_settings().model_copy(update={"data": directory})
    configure_logs(settings.log_format, settings.log_level)
    reader = Reader(directory, cache_bytes=settings.sqlite_cache_bytes)
    store = StoreClient(store_socket, settings)
    lanes = ProcessLanes(
        directory,
        processes=settings.query_lanes,
        cache_bytes=settings.sqlite_cache_bytes,
        waiting=settings.query_waiting,
    )
    catalogue, learner = Catalogue(reader.connection), FieldLearner(store, settings)
    secret = Secret.load(directory)
    blobs = open_blobs(settings, secret)
    models = ModelClient(store_socket.with_name(MODEL_SOCKET), Registry(settings.models_dir), settings)
    runtime = Runtime(settings, secret, store, reader, catalogue, lanes, learner, blobs, models)
    server = make_server(create_app(runtime), settings)
    collect_rarely()
    try:
        await server.serve(sockets=[listener])
    finally:
        lanes.close()
        await models.close()
        await store.close()
        await blobs.close()
        reader.close()


if __name__ == "__main__":
    main()
