"""The first organization and its key: ``python -m headwater.supervisor.first_key --data DIR --socket PATH``.

A process of its own, run between the storage process and the workers of a first start, so that the supervisor, which
lives as long as the server, loads nothing of the store. It prints the key's secret, if it made one.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path


async def _bootstrap(directory: Path, path: Path) -> str | None:
    from headwater.kit.secrets import Secret
    from headwater.settings import Settings
    from headwater.store.client import StoreClient
    from headwater.tenancy.bootstrap import bootstrap

    settings = Settings(data=directory)
    Secret.load_or_create(directory)
    store = StoreClient(path, settings)
    try:
        return await bootstrap(store, settings, directory)
    finally:
        await store.close()


def main() -> None:
    from headwater.errors import HeadwaterError

    parser = argparse.ArgumentParser(prog="headwater.supervisor.first_key")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--socket", type=Path, required=True)
    arguments = parser.parse_args()
    try:
        key = asyncio.run(_bootstrap(arguments.data, arguments.socket))
    except HeadwaterError as error:
        sys.exit(f"headwater: {error.message}")
    if key is not None:
        sys.stdout.write(f"{key}\n")


if __name__ == "__main__":
    main()
