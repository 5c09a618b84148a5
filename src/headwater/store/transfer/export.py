"""Writing an export: the documents of one moment, a batch at a time, in memory that does not grow with them."""

from __future__ import annotations

import errno
import math
import re
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Literal

import apsw
import msgspec

from headwater.blobs.space import require_space
from headwater.catalog.tables.collections import Collection, load_collection
from headwater.errors import InsufficientStorageError, NotEnabledError, NotFoundError
from headwater.kit.clock import now_milliseconds
from headwater.kit.failpoints import cross
from headwater.query import parse_filter
from headwater.settings import Settings
from headwater.store.documents.records import DocumentRow, load_vectors
from headwater.store.find import Budget, Query, walk
from headwater.store.transfer.files import (
    ExportFile,
    Manifest,
    SyncedFile,
    load_manifest,
    new_export,
    write_manifest,
)
from headwater.store.transfer.tables import Table
from headwater.store.transfer.writers import CSVDocuments, CSVVectors, Exported, JSONLines, JSONVectors, Writer

Format = Literal["json", "csv", "parquet"]
_ENDINGS: dict[Format, str] = {"json": "jsonl", "csv": "csv", "parquet": "parquet"}
#: Documents a batch; with vectors of 1536 values some two megabytes.
BATCH = 256
_UNSAFE = re.compile(r"[^\w.-]+")


class ExportPlan(msgspec.Struct, kw_only=True):
    """What to export. It is what a job is about, so it is plain."""

    export_id: str
    organization_id: str
    namespace_id: str
    namespace_row: int
    collection_row: int
    format: Format
    include_vectors: bool = False
    include_lineage: bool = False
    select_fields: list[str] | None = None
    filters: Any = None
    sample_size: int | None = None

    @property
    def complete(self) -> bool:
        """Whether the rows hold all that an import needs to make the same documents again."""
        return self.format == "json" and self.include_vectors and self.include_lineage and self.select_fields is None

    @property
    def query(self) -> Query:
        return Query(self.namespace_row, (self.collection_row,), filter=parse_filter(self.filters))


def require_format(name: Format) -> None:
    """Raise ``NotEnabledError`` for Parquet where its extra is not installed."""
    if name != "parquet":
        return
    try:
        import headwater.store.transfer.parquet  # noqa: F401
    except ImportError as error:
        raise NotEnabledError(
            "Parquet needs the extra 'parquet': pip install 'headwater[parquet]'; or send format json or csv",
            details={"feature": "parquet", "extra": "parquet"},
        ) from error


def export(connection: apsw.Connection, settings: Settings, plan: ExportPlan) -> Generator[int, None, None]:
    """Write the export of the plan; yields how many documents are done, from time to time.

    The manifest is then in the export's folder. An export that is complete already is not written again, so a job may
    be repeated. Raises ``NotFoundError`` when the collection is gone, ``InsufficientStorageError``.
    """
    if load_manifest(settings.data, plan.export_id) is not None:
        return
    require_format(plan.format)
    # However long it takes: the caller decides when to stop. All of it is as of one moment.
    budget = Budget(seconds=math.inf)
    with budget.watch(connection), new_export(settings.data, plan.export_id) as folder, _full_disk_named():
        collection = load_collection(connection, plan.collection_row)
        if collection is None:
            raise NotFoundError.of("collection", str(plan.collection_row))
        yield from _Export(connection, settings, plan, collection, folder, budget).run()


@contextmanager
def _full_disk_named() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise InsufficientStorageError("the disk is full; the export was given up. Make room and repeat it") from error


class _Export:
    def __init__(
        self,
        connection: apsw.Connection,
        settings: Settings,
        plan: ExportPlan,
        collection: Collection,
        folder: Path,
        budget: Budget,
    ) -> None:
        self._connection = connection
        self._settings = settings
        self._plan = plan
        self._collection = collection
        self._folder = folder
        self._budget = budget
        self._indexes: dict[str, dict[str, Any]] = {
            index["name"]: index for index in collection.body.get("vectors") or []
        }
        self._table = Table(plan.select_fields, lineage=plan.include_lineage)
        self._done = 0

    def run(self) -> Iterator[int]:
        matching = yield from self._survey()
        with ExitStack() as stack:
            writers = list(self._writers(stack))
            for batch in self._sampled(matching):
                require_space(self._settings, 0, "the export")
                exported = [self._with_vectors(document) for document in batch]
                for writer in writers:
                    writer.write(exported)
                self._done += len(batch)
                cross("export.written")
                yield self._done
            for writer in writers:
                writer.finish()
        write_manifest(self._folder, self._manifest())

    def _survey(self) -> Generator[int, None, int]:
        """Look at all documents once, where the form of the file or of the sample depends on them; their number."""
        plan, matching = self._plan, 0
        if plan.format == "json" and plan.sample_size is None:
            return 0
        for batch in self._walk():
            matching += len(batch)
            if plan.format != "json":
                for document in batch:
                    self._table.see(document)
            yield 0
        return matching

    def _walk(self) -> Iterator[list[DocumentRow]]:
        return walk(self._connection, self._plan.query, budget=self._budget, batch=BATCH)

    def _sampled(self, matching: int) -> Iterator[list[DocumentRow]]:
        """All documents, or as many as were asked for, evenly spread: the same ones each time."""
        wanted, position = self._plan.sample_size, 0
        for batch in self._walk():
            if wanted is None or wanted >= matching:
                yield batch
                continue
            chosen = [
                document
                for number, document in enumerate(batch, start=position)
                if number * wanted // matching != (number + 1) * wanted // matching
            ]
            position += len(batch)
            if chosen:
                yield chosen

    def _with_vectors(self, document: DocumentRow) -> Exported:
        if not self._plan.include_vectors:
            return document, None
        return document, load_vectors(self._connection, document.document_row)

    def _open(self, stack: ExitStack, stem: str) -> BinaryIO:
        return stack.enter_context(SyncedFile(self._folder / self._name(stem)))

    def _name(self, stem: str) -> str:
        return f"{stem}.{_ENDINGS[self._plan.format]}"

    def _writers(self, stack: ExitStack) -> Iterator[Writer]:
        yield self._documents_writer(self._open(stack, "documents"))
        if self._plan.include_vectors:
            yield self._vectors_writer(self._open(stack, "vectors"))

    def _documents_writer(self, file: BinaryIO) -> Writer:
        plan = self._plan
        if plan.format == "csv":
            return CSVDocuments(file, self._table)
        if plan.format == "parquet":
            from headwater.store.transfer.parquet import ParquetDocuments

            return ParquetDocuments(file, self._table)
        return JSONLines(
            file,
            self._indexes,
            fields=plan.select_fields,
            lineage=plan.include_lineage,
            complete=plan.complete,
        )

    def _vectors_writer(self, file: BinaryIO) -> Writer:
        if self._plan.format == "csv":
            return CSVVectors(file, list(self._indexes))
        if self._plan.format == "parquet":
            from headwater.store.transfer.parquet import ParquetVectors

            return ParquetVectors(file, {name: index["kind"] for name, index in self._indexes.items()})
        return JSONVectors(file)

    def _manifest(self) -> Manifest:
        plan = self._plan
        return Manifest(
            export_id=plan.export_id,
            organization_id=plan.organization_id,
            namespace_id=plan.namespace_id,
            collection_row=plan.collection_row,
            format=plan.format,
            document_count=self._done,
            exported_at=now_milliseconds(),
            documents=self._file("documents", ""),
            vectors=self._file("vectors", "_vectors") if plan.include_vectors else None,
        )

    def _file(self, stem: str, suffix: str) -> ExportFile:
        name = self._name(stem)
        safe = _UNSAFE.sub("_", self._collection.collection_name).strip("._") or self._collection.collection_id
        return ExportFile(
            name=name,
            download_name=f"{safe}{suffix}.{_ENDINGS[self._plan.format]}",
            size_bytes=(self._folder / name).stat().st_size,
        )
