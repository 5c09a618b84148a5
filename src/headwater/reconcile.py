"""Do the records and the index still say the same? ``verify`` finds every difference, ``rebuild`` removes them.

The records are the truth: verifying compares each with its checksum, rebuilding makes the index from them again.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import apsw

from headwater.blobs.opening import open_blobs
from headwater.catalog.database import DATABASE, fetch_all, fetch_one, is_current, open_reader
from headwater.errors import NotFoundError, StorageCorruptedError
from headwater.kit.secrets import Secret
from headwater.settings import Settings
from headwater.store.blobs.audit import count_blobs, problems
from headwater.store.client import StoreClient
from headwater.store.commands.fields import FillFieldPaths, RebuildFieldPaths
from headwater.store.commands.generations import AdoptGeneration, BeginGeneration, RequestBuild
from headwater.store.commands.text import FillTextIndex
from headwater.store.documents.vector_forms import NO_VECTORS
from headwater.store.fields.audit import differences
from headwater.store.interface import Store
from headwater.store.lock import DirectoryLock, holder_of
from headwater.store.text.audit import text_differences

_SLICE = 1_000
#: A collection whose index is quite another one is named once, with this many examples.
_MAX_DIFFERENCES = 200


@dataclass(frozen=True)
class Difference:
    """One thing that is not as it should be. ``kind``: database, document, count, index, blob, field or text index."""

    kind: str
    identifier: str
    problem: str


@dataclass
class Report:
    documents: int = 0
    vectors: int = 0
    collections: int = 0
    blobs: int = 0
    differences: list[Difference] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.differences


async def verify(directory: Path, settings: Settings, *, deep: bool = False) -> Report:
    """Compare the records with their checksums, with the index and with the files of blobs, on a running or a stopped
    data directory. ``deep`` reads the files."""
    report = Report()
    if not (directory / DATABASE).exists():
        raise NotFoundError(f"{directory} holds no {DATABASE}; give the data directory with --data")
    holder = holder_of(directory)
    try:
        reader = open_reader(directory)
    except apsw.Error as error:
        report.differences.append(Difference("database", DATABASE, f"cannot be opened: {error}"))
        return report
    try:
        report.differences += _database_differences(reader)
        _verify_records(reader, report)
        _verify_fields(reader, report)
        await _verify_blobs(directory, settings, reader, report, deep)
        if holder is None:
            lock = DirectoryLock(directory)
            lock.acquire()
            try:
                _verify_index_offline(directory, reader, report)
            finally:
                lock.release()
        else:
            client = StoreClient(Path(holder["socket"]), settings)
            try:
                await _verify_index_online(client, reader, report)
            finally:
                await client.close()
    except (apsw.CorruptError, apsw.NotADBError) as error:
        report.differences.append(Difference("database", DATABASE, str(error)))
    finally:
        reader.close()
    return report


def _database_differences(reader: apsw.Connection) -> Iterator[Difference]:
    for (problem,) in reader.execute("PRAGMA integrity_check(100)"):
        if problem != "ok":
            yield Difference("database", DATABASE, str(problem))


def _verify_records(reader: apsw.Connection, report: Report) -> None:
    counted: dict[int, int] = {}
    last_row = 0
    while rows := fetch_all(
        reader,
        # Somebody who changed a row by hand may have left text where bytes belong.
        "SELECT document_row, collection_row, document_id, CAST(body AS BLOB), CAST(internal AS BLOB),"
        " CAST(blobs AS BLOB), checksum FROM documents"
        " WHERE document_row > ? ORDER BY document_row LIMIT ?",
        (last_row, _SLICE),
    ):
        for _, collection_row, document_id, body, internal, blobs, checksum in rows:
            counted[collection_row] = counted.get(collection_row, 0) + 1
            if zlib.crc32(blobs or b"", zlib.crc32(internal, zlib.crc32(body))) != checksum:
                report.differences.append(Difference("document", document_id, "its stored bytes fail their checksum"))
        report.documents += len(rows)
        last_row = rows[-1][0]
    _verify_vectors(reader, report)
    _verify_counts(reader, report, counted)


def _verify_vectors(reader: apsw.Connection, report: Report) -> None:
    last_row = 0
    while rows := fetch_all(
        reader,
        "SELECT v.document_row, v.data, v.checksum, d.document_id FROM vectors v LEFT JOIN documents d"
        " USING (document_row) WHERE v.document_row > ? ORDER BY v.document_row LIMIT ?",
        (last_row, _SLICE),
    ):
        for document_row, data, checksum, document_id in rows:
            if document_id is None:
                report.differences.append(Difference("document", f"row {document_row}", "has vectors but no record"))
            elif zlib.crc32(data) != checksum:
                report.differences.append(Difference("document", document_id, "its vectors fail their checksum"))
        report.vectors += sum(row[1] != NO_VECTORS for row in rows)
        last_row = rows[-1][0]


def _verify_counts(reader: apsw.Connection, report: Report, counted: dict[int, int]) -> None:
    query = (
        "SELECT c.collection_row, c.collection_id, c.state, coalesce(n.documents, 0) FROM collections c"
        " LEFT JOIN collection_counts n USING (collection_row)"
    )
    for collection_row, collection_id, state, documents in fetch_all(reader, query):
        found = counted.pop(collection_row, 0)
        # A collection that is being removed loses its rows in slices; a running server moves on meanwhile.
        if state == "active":
            report.collections += 1
            if documents != found:
                # Read both again in one statement before saying so: writes may have come between.
                now = fetch_one(
                    reader,
                    "SELECT (SELECT documents FROM collection_counts WHERE collection_row = ?1),"
                    " (SELECT count(*) FROM documents WHERE collection_row = ?1)",
                    (collection_row,),
                )
                if now is not None and (now[0] or 0) != now[1]:
                    report.differences.append(
                        Difference("count", collection_id, f"says {now[0]} documents and has {now[1]}")
                    )
    for collection_row, found in counted.items():
        if fetch_one(reader, "SELECT 1 FROM collections WHERE collection_row = ?", (collection_row,)) is None:
            report.differences.append(
                Difference("document", f"collection row {collection_row}", f"{found} documents have no collection")
            )


def _verify_fields(reader: apsw.Connection, report: Report) -> None:
    if not is_current(reader):
        # The first start of this version makes the field index, or makes it anew.
        return
    query = "SELECT collection_row, collection_id FROM collections WHERE state = 'active'"
    for collection_row, collection_id in fetch_all(reader, query):
        try:
            for path, problem in differences(reader, collection_row, collection_id):
                report.differences.append(Difference("field index", f"{collection_id}/{path}", problem))
            for document_id, problem in text_differences(reader, collection_row):
                report.differences.append(Difference("text index", f"{collection_id}/{document_id}", problem))
        except (StorageCorruptedError, ValueError, TypeError) as error:
            # A record that is no JSON, or not even text: it has failed its checksum, and is named for that too.
            problem = f"cannot be compared with records that are damaged ({type(error).__name__})"
            report.differences.append(Difference("field index", collection_id, problem))


async def _verify_blobs(
    directory: Path, settings: Settings, reader: apsw.Connection, report: Report, deep: bool
) -> None:
    if not is_current(reader):
        return
    report.blobs = count_blobs(reader)
    # Nothing is signed here, and a backup of which somebody lost the secret can be looked at all the same.
    blobs = open_blobs(settings.model_copy(update={"data": directory}), Secret(b""))
    try:
        async for blob_key, problem in problems(reader, blobs, deep=deep):
            report.differences.append(Difference("blob", blob_key, problem))
    finally:
        await blobs.close()


_LIVE = (
    "SELECT c.collection_row, c.collection_id, g.generation, g.state, g.sequence FROM collections c"
    " LEFT JOIN generations g ON g.collection_row = c.collection_row AND g.state IN ('live', 'damaged')"
    " WHERE c.state = 'active' AND EXISTS (SELECT 1 FROM vectors v WHERE v.collection_row = c.collection_row)"
)


async def _verify_index_online(store: Store, reader: apsw.Connection, report: Report) -> None:
    for collection_row, collection_id, _, state, _ in fetch_all(reader, _LIVE):
        if state != "live":
            report.differences.append(
                Difference("index", collection_id, "its index is damaged or missing and is built again")
            )
            continue
        found: list[dict[str, Any]] = []
        after_row: int | None = 0
        while after_row is not None and len(found) < _MAX_DIFFERENCES:
            body = {"collection_row": collection_row, "after_row": after_row, "limit": _SLICE}
            *differences, end = await store.query("compare", body)
            found += differences
            after_row = end["next_row"]
        found += await store.query("extra_points", {"collection_row": collection_row})
        _report_index(report, collection_id, found)


def _verify_index_offline(directory: Path, reader: apsw.Connection, report: Report) -> None:
    # Imported here: the engine takes long to load, and a running server answers without it.
    from headwater.store.comparison import compare_slice, extra_points
    from headwater.store.index import VECTORS, changes_after, directory_name, rows_after, specs_of
    from headwater.vectors.edge import EdgeShard, IndexFailedError

    for collection_row, collection_id, generation, state, checkpoint in fetch_all(reader, _LIVE):
        if state is None:
            # A backup that was restored and not started yet: the first start makes the index.
            continue
        if state != "live":
            report.differences.append(Difference("index", collection_id, "its index is damaged or missing"))
            continue
        folder = directory / VECTORS / directory_name(collection_row, generation)
        if not checkpoint:
            # Never flushed: the next start makes it from the records, whatever the folder holds.
            continue
        try:
            shard = EdgeShard.open(folder, rows_after(reader, collection_row, checkpoint))
            specs = specs_of(reader, collection_row)
            while changes := changes_after(reader, collection_row, checkpoint, _SLICE):
                shard.apply(changes, specs)
                checkpoint = changes[-1].sequence
            found: list[dict[str, Any]] = []
            after_row: int | None = 0
            while after_row is not None and len(found) < _MAX_DIFFERENCES:
                *differences, end = compare_slice(reader, shard, collection_row, after_row, _SLICE)
                found += differences
                after_row = end["next_row"]
            found += extra_points(reader, shard, collection_row)
            shard.close()
        except IndexFailedError as error:
            report.differences.append(Difference("index", f"{collection_id} in {folder}", f"cannot be read: {error}"))
            continue
        _report_index(report, collection_id, found)


def _report_index(report: Report, collection_id: str, found: list[dict[str, Any]]) -> None:
    for difference in found[:_MAX_DIFFERENCES]:
        name = difference.get("document_id") or f"point {difference['document_row']}"
        report.differences.append(Difference("index", f"{collection_id}/{name}", difference["problem"]))
    if len(found) > _MAX_DIFFERENCES:
        report.differences.append(
            Difference("index", collection_id, "has more differences than listed; run `headwater rebuild`")
        )


async def rebuild(directory: Path, settings: Settings, *, collection: str | None = None) -> list[str]:
    """Build the indexes again from the records: of the collection with this id, or of all. Answers their ids.

    On a running server this starts the builds and returns; reads and writes go on. On a stopped one it builds them.
    """
    rows = _collections(directory, collection)
    with_vectors = [row for row, _, has_vectors in rows if has_vectors]
    holder = holder_of(directory)
    if holder is not None:
        client = StoreClient(Path(holder["socket"]), settings)
        try:
            for collection_row, _, _ in rows:
                await client.execute(RebuildFieldPaths(collection_row=collection_row))
            for collection_row in with_vectors:
                await client.execute(RequestBuild(collection_row=collection_row))
        finally:
            await client.close()
    else:
        await _rebuild_offline(directory, settings, [row for row, _, _ in rows], with_vectors)
    return [collection_id for _, collection_id, _ in rows]


_INDEXED = (
    "SELECT c.collection_row, c.collection_id,"
    " EXISTS (SELECT 1 FROM vectors v WHERE v.collection_row = c.collection_row) AS has_vectors FROM collections c"
    " WHERE c.state = 'active'"
    " AND (has_vectors OR EXISTS (SELECT 1 FROM field_paths f WHERE f.collection_row = c.collection_row))"
)


def _collections(directory: Path, collection: str | None) -> list[tuple[int, str, bool]]:
    """Collections that have an index, and whether they have one of vectors."""
    reader = open_reader(directory)
    try:
        found = [(row[0], row[1], bool(row[2])) for row in fetch_all(reader, _INDEXED)]
    finally:
        reader.close()
    if collection is None:
        return found
    wanted = [row for row in found if row[1] == collection]
    if not wanted:
        raise NotFoundError.of("collection", collection)
    return wanted


async def _rebuild_offline(
    directory: Path, settings: Settings, collection_rows: list[int], with_vectors: list[int]
) -> None:
    # Imported here: the engine takes long to load, and a running server does this by itself.
    from headwater.store.builder import build
    from headwater.store.local import LocalStore

    store = LocalStore(directory, settings)
    try:
        for collection_row in collection_rows:
            await store.execute(RebuildFieldPaths(collection_row=collection_row))
            while (await store.execute(FillFieldPaths(collection_row=collection_row, limit=_SLICE)))["more"]:
                pass
            while (await store.execute(FillTextIndex(collection_row=collection_row, limit=_SLICE)))["more"]:
                pass
        for collection_row in with_vectors:
            begun = await store.execute(BeginGeneration(collection_row=collection_row))
            points = await asyncio.to_thread(build, directory, collection_row, begun["generation"])
            await store.execute(
                AdoptGeneration(collection_row=collection_row, generation=begun["generation"], indexed=points)
            )
            # Nothing tells when a generation is caught up: its job is done once it is adopted.
            while (await store.query("status"))["catching_up"]:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    finally:
        await store.close()
