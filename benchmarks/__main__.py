"""``python -m benchmarks``: measure, print the table; with ``--write``, put it into ``docs/benchmarks.md``."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks import files, machine, objects, pipelines, queries, report, scale, searches, writes
from benchmarks.report import Row

_PARTS = ("writes", "scale", "queries", "searches", "pipelines", "files", "objects")


def main() -> int:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--large", action="store_true", help="a million documents instead of 200,000")
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md")
    parser.add_argument("--only", choices=_PARTS, help="one part of the table")
    parser.add_argument("--documents", type=int, help="documents that queries look at, to try the part out")
    parser.add_argument("--load-seconds", type=float, default=20, help="how long aggregations run beside others")
    parser.add_argument("--directory", type=Path, help="where to put the data; its disk is what is measured")
    arguments = parser.parse_args()
    sizes = scale.Sizes(build=500_000, large=1_000_000) if arguments.large else scale.Sizes()
    count = arguments.documents or (1_000_000 if arguments.large else queries.Sizes.large)
    query_sizes = queries.Sizes(min(queries.Sizes.small, count), count, arguments.load_seconds)
    search_sizes = searches.Sizes(count, load_seconds=arguments.load_seconds)
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="headwater-bench-", dir=arguments.directory) as folder:
        directory = Path(folder)
        found = machine.look(directory)
        print("\n".join(found.lines()), flush=True)
        rows = []
        for row in _measure(directory, sizes, query_sizes, search_sizes, arguments.only):
            print(" | ".join(row.cells()), flush=True)
            rows.append(row)
    print(f"\n{report.table(rows)}\n\n{time.monotonic() - started:.0f} s", flush=True)
    if arguments.write:
        report.write(found, rows)
    return 0 if all(row.met is not False for row in rows) else 1


def _measure(
    directory: Path, sizes: scale.Sizes, query_sizes: queries.Sizes, search_sizes: searches.Sizes, only: str | None
) -> Iterator[Row]:
    if only in (None, "writes"):
        yield from writes.measure(directory)
    if only in (None, "scale"):
        yield from scale.measure(directory, sizes)
    if only in (None, "queries"):
        yield from queries.measure(directory, query_sizes)
    if only in (None, "searches"):
        yield from searches.measure(directory, search_sizes)
    if only in (None, "pipelines"):
        yield from pipelines.measure(directory)
    if only in (None, "files"):
        yield from files.measure(directory)
    if only in (None, "objects"):
        yield from objects.measure(directory)


if __name__ == "__main__":
    sys.exit(main())
