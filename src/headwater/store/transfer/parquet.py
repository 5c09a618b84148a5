"""Parquet files. The only module that imports pyarrow, which the extra ``parquet`` brings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, BinaryIO

import numpy as np
import pyarrow
from pyarrow import parquet

from headwater.store.transfer.tables import ColumnKind, Table, column
from headwater.store.transfer.writers import Exported
from headwater.vectors.interface import Kind, VectorData

_TYPES: dict[ColumnKind, Any] = {
    "null": pyarrow.string(),
    "boolean": pyarrow.bool_(),
    "integer": pyarrow.int64(),
    "float": pyarrow.float64(),
    "text": pyarrow.string(),
    "json": pyarrow.string(),
}
_FLOATS = pyarrow.list_(pyarrow.float32())
_VECTOR_TYPES: dict[Kind, Any] = {
    "dense": _FLOATS,
    "multi": pyarrow.list_(_FLOATS),
    "sparse": pyarrow.struct([("indices", pyarrow.list_(pyarrow.uint32())), ("values", _FLOATS)]),
}


class ParquetDocuments:
    """A row group for each batch, so that memory does not grow with the file."""

    def __init__(self, file: BinaryIO, table: Table) -> None:
        self._table = table
        self._columns = table.columns
        self._schema = pyarrow.schema([(name, _TYPES[kind]) for name, kind in self._columns.items()])
        self._writer = parquet.ParquetWriter(file, self._schema)

    def write(self, batch: Sequence[Exported]) -> None:
        rows = [self._table.values(document) for document, _ in batch]
        columns = {name: column(kind, name, rows) for name, kind in self._columns.items()}
        self._writer.write_table(pyarrow.table(columns, schema=self._schema))

    def finish(self) -> None:
        self._writer.close()


class ParquetVectors:
    """A column for each index of the collection: numbers, lists of numbers, or indices and values."""

    def __init__(self, file: BinaryIO, indexes: dict[str, Kind]) -> None:
        fields = [(name, _VECTOR_TYPES[kind]) for name, kind in indexes.items()]
        self._names = list(indexes)
        self._schema = pyarrow.schema([("document_id", pyarrow.string()), *fields])
        self._writer = parquet.ParquetWriter(file, self._schema)

    def write(self, batch: Sequence[Exported]) -> None:
        found = [{vector.name: _value(vector) for vector in vectors or ()} for _, vectors in batch]
        columns: dict[str, Any] = {"document_id": [document.document_id for document, _ in batch]}
        columns |= {name: [each.get(name) for each in found] for name in self._names}
        self._writer.write_table(pyarrow.table(columns, schema=self._schema))

    def finish(self) -> None:
        self._writer.close()


def _value(vector: VectorData) -> Any:
    values = np.frombuffer(vector.data, "<f4")
    if vector.kind == "sparse":
        return {"indices": np.frombuffer(vector.indices, "<u4"), "values": values}
    return list(values.reshape(vector.rows, vector.width)) if vector.kind == "multi" else values
