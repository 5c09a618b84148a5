"""Builds one index generation from the records, in a process of its own: graphs take minutes and hold the GIL.

``python -m headwater.store.builder --data DIR --collection-row N --generation N``. Reads slices, so that no long
snapshot keeps SQLite's log from being emptied: a document that changes meanwhile has a newer sequence number, is left
out here and is applied when the storage process catches up.
"""

from __future__ import annotations

import argparse
import os
import shutil
from pathlib import Path

from headwater.catalog.database import fetch_all, open_reader
from headwater.kit.failpoints import cross
from headwater.kit.process import die_with_parent
from headwater.kit.secrets import sync_directory
from headwater.store.index import COMPLETE, VECTORS, directory_name, indexed_vectors, specs_of
from headwater.vectors.edge import EdgeShard
from headwater.vectors.interface import PointChange

_SLICE = 1_000


def build(directory: Path, collection_row: int, generation: int) -> int:
    """Make the generation's directory, whole and synced, and return how many points it holds."""
    connection = open_reader(directory)
    try:
        sequence = connection.execute(
            "SELECT sequence FROM generations WHERE collection_row = ? AND generation = ?",
            (collection_row, generation),
        ).get
        specs = specs_of(connection, collection_row)
        if sequence is None or not specs:
            raise LookupError(f"generation {directory_name(collection_row, generation)} is not wanted any more")
        target = directory / VECTORS / directory_name(collection_row, generation)
        shutil.rmtree(target, ignore_errors=True)
        shard = EdgeShard.create(target, specs)
        last_row = 0
        while rows := fetch_all(
            connection,
            "SELECT document_row, sequence, data, lexical FROM vectors WHERE collection_row = ? AND document_row > ?"
            " AND sequence <= ? ORDER BY document_row LIMIT ?",
            (collection_row, last_row, sequence, _SLICE),
        ):
            shard.apply(
                [PointChange(row, number, indexed_vectors(data, weights)) for row, number, data, weights in rows],
                specs,
            )
            last_row = rows[-1][0]
        shard.optimize()
        shard.flush()
        points = shard.count()
        shard.close()
    finally:
        connection.close()
    (target / COMPLETE).write_text(f"{points}\n")
    sync_directory(target)
    sync_directory(target.parent)
    cross("generation.built")
    return points


def main() -> None:
    parser = argparse.ArgumentParser(prog="headwater.store.builder")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--collection-row", type=int, required=True)
    parser.add_argument("--generation", type=int, required=True)
    arguments = parser.parse_args()
    die_with_parent()
    os.nice(10)
    points = build(arguments.data, arguments.collection_row, arguments.generation)
    os.write(1, f"{points}\n".encode())


if __name__ == "__main__":
    main()
