"""Export files as they are written: lines of JSON, and CSV. Parquet is in ``parquet``, which needs an extra."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any, BinaryIO, Protocol

import msgspec

from headwater.store.documents.records import DocumentRow
from headwater.store.documents.vector_forms import vector_json
from headwater.store.transfer.rows import json_row, selected, vectors_row
from headwater.store.transfer.tables import Table, cell
from headwater.vectors.interface import VectorData

#: A document with its vectors; none were asked for when they are None.
Exported = tuple[DocumentRow, list[VectorData] | None]
_encode = msgspec.json.Encoder().encode


class Writer(Protocol):
    """One file of an export."""

    def write(self, batch: Sequence[Exported]) -> None: ...

    def finish(self) -> None:
        """Write what is left, so that the file is complete. The caller syncs and closes it."""
        ...


class JSONLines:
    """A document a line. Complete rows hold their vectors; rows of chosen fields hold those by their paths."""

    def __init__(
        self,
        file: BinaryIO,
        indexes: dict[str, dict[str, Any]],
        *,
        fields: Sequence[str] | None,
        lineage: bool,
        complete: bool,
    ) -> None:
        self._file = file
        self._indexes = indexes
        self._fields = fields
        self._lineage = lineage
        self._complete = complete

    def write(self, batch: Sequence[Exported]) -> None:
        for document, vectors in batch:
            self._file.write(self._row(document, vectors))

    def _row(self, document: DocumentRow, vectors: list[VectorData] | None) -> bytes:
        if self._fields is None:
            carried = vectors if self._complete else None
            return json_row(document, indexes=self._indexes, lineage=self._lineage, vectors=carried)
        found = selected(document, self._fields)
        if self._lineage:
            found = Table((), lineage=True).values(document) | found
        return _encode(found) + b"\n"

    def finish(self) -> None:
        return


class JSONVectors:
    """``{"document_id", NAME: vector, …}`` a line."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, batch: Sequence[Exported]) -> None:
        for document, vectors in batch:
            self._file.write(vectors_row(document.document_id, vectors or ()))

    def finish(self) -> None:
        return


class _CSV:
    """A header, then a line for each row, in UTF-8."""

    def __init__(self, file: BinaryIO, names: Sequence[str]) -> None:
        self._file = file
        self._names = names
        self._write_rows([names])

    def _write_rows(self, rows: Sequence[Sequence[str]]) -> None:
        text = io.StringIO(newline="")
        csv.writer(text, lineterminator="\n").writerows(rows)
        self._file.write(text.getvalue().encode())

    def finish(self) -> None:
        return


class CSVDocuments(_CSV):
    def __init__(self, file: BinaryIO, table: Table) -> None:
        super().__init__(file, list(table.columns))
        self._table = table

    def write(self, batch: Sequence[Exported]) -> None:
        rows = [self._table.values(document) for document, _ in batch]
        self._write_rows([[cell(row.get(name)) for name in self._names] for row in rows])


class CSVVectors(_CSV):
    """The vectors as JSON, a column for each index of the collection."""

    def __init__(self, file: BinaryIO, indexes: Sequence[str]) -> None:
        super().__init__(file, ["document_id", *indexes])

    def write(self, batch: Sequence[Exported]) -> None:
        self._write_rows([self._line(document, vectors or []) for document, vectors in batch])

    def _line(self, document: DocumentRow, vectors: list[VectorData]) -> list[str]:
        by_name = {vector.name: vector for vector in vectors}
        return [document.document_id, *(self._vector(by_name.get(name)) for name in self._names[1:])]

    @staticmethod
    def _vector(vector: VectorData | None) -> str:
        return "" if vector is None else vector_json(vector).decode()
