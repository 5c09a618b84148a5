"""Qdrant Edge as a vector index, one shard a generation of a collection. The only module that imports it.

Edge's own log is off: the records are the log, and ``flush`` is the checkpoint. Every call holds the GIL, and a full
disk kills the process by SIGBUS, so shards are open only in the storage process and in builders.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import qdrant_edge as qdrant

from headwater.vectors.interface import Distance, Hit, PointChange, VectorData, VectorSpec
from headwater.vectors.names import LEXICAL, file_name, record_name
from headwater.vectors.scores import score_of

T = TypeVar("T")
_DISTANCES: dict[Distance, qdrant.Distance] = {
    "cosine": qdrant.Distance.Cosine,
    "dot": qdrant.Distance.Dot,
    "euclidean": qdrant.Distance.Euclid,
    "manhattan": qdrant.Distance.Manhattan,
}
_SEQUENCE = "s"
_MARK = "m"
_PAGE = 10_000
#: Far more operations than there are between two checkpoints.
_MOST_OVERTAKEN = 1 << 20
#: Edge normalises from the squared length 1.2e-7 (the epsilon of float32) on; a little more, for its own rounding.
_SHORT = 1e-6
#: Points of one score that are looked at beyond the limit, to put those first that come first.
_MOST_TIES = 1_000
#: Candidates that a search of the graph keeps, at the least: docs/decisions/0013.
SEARCH_WIDTH = 128
_UNKNOWN_NAME = "Not existing vector name"


class IndexFailedError(Exception):
    """Edge refused or panicked. The shard may be half changed: close it and build it again from the records."""


def _call(function: Callable[..., T], *arguments: Any) -> T:
    try:
        return function(*arguments)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        raise IndexFailedError(f"{type(error).__name__}: {error}") from error


def _dense_parameters(spec: VectorSpec) -> qdrant.EdgeVectorParams:
    multi = qdrant.MultiVectorConfig(qdrant.MultiVectorComparator.MaxSim) if spec.kind == "multi" else None
    assert spec.dimensions is not None
    return qdrant.EdgeVectorParams(spec.dimensions, _DISTANCES[spec.distance], multivector_config=multi)


def _modifier(name: str) -> qdrant.Modifier | None:
    """BM25 wants words to count the more the rarer they are, which only the index knows."""
    return qdrant.Modifier.Idf if name == LEXICAL else None


def _parameters(query: VectorData, limit: int, exact: bool) -> qdrant.SearchParams:
    if query.kind != "sparse":
        return qdrant.SearchParams(hnsw_ef=max(SEARCH_WIDTH, 2 * limit), exact=exact)
    # Nothing is left out by the index of words either. How rare a word is, it knows as of before any point was deleted;
    # asked for the points of this filter, which all pass, it counts again.
    counted = qdrant.IdfParams(corpus=qdrant.Filter()) if exact and query.name == LEXICAL else None
    return qdrant.SearchParams(idf=counted)


def _lengthened(vector: VectorData) -> VectorData:
    """The vector as cosine wants it, if Edge would not see to that: shorter ones than this it does not normalise, so
    they would all rank last."""
    values = np.frombuffer(vector.data, "<f4")
    rows = values.reshape(vector.rows, vector.width)
    if (values.dot(values) if len(rows) == 1 else np.einsum("ij,ij->i", rows, rows).min()) >= _SHORT:
        return vector
    exact = rows.astype("f8")
    lengths = np.linalg.norm(exact, axis=1, keepdims=True)
    data = (exact / np.where(lengths == 0, 1, lengths)).astype("<f4").tobytes()
    return VectorData(vector.name, vector.kind, vector.rows, vector.width, data)


def _to_edge(vector: VectorData) -> Any:
    values: list[Any] = memoryview(vector.data).cast("f").tolist()
    if vector.kind == "sparse":
        indices: list[Any] = memoryview(vector.indices).cast("I").tolist()
        return qdrant.SparseVector(indices, values)
    if vector.kind == "multi":
        return [values[at : at + vector.width] for at in range(0, len(values), vector.width)]
    return values


def _from_edge(name: str, value: Any) -> VectorData:
    if isinstance(value, qdrant.SparseVector):
        data = np.asarray(value.values, "<f4")
        return VectorData(name, "sparse", 1, len(data), data.tobytes(), np.asarray(value.indices, "<u4").tobytes())
    data = np.asarray(value, "<f4")
    if data.ndim == 2:
        return VectorData(name, "multi", data.shape[0], data.shape[1], data.tobytes())
    return VectorData(name, "dense", 1, len(data), data.tobytes())


def _vectors_of(record: qdrant.Record) -> list[VectorData]:
    # Named vectors come as a mapping; the other shapes of the type are for unnamed ones, which we never make.
    named = record.vector if isinstance(record.vector, dict) else {}
    return [_from_edge(record_name(name), value) for name, value in named.items()]


class EdgeShard:
    """See ``VectorShard``. Errors of the engine are ``IndexFailedError``."""

    def __init__(self, shard: qdrant.EdgeShard, names: set[str]) -> None:
        self._shard = shard
        self._names = names

    @classmethod
    def create(cls, directory: Path, specs: Sequence[VectorSpec]) -> EdgeShard:
        """A new shard in an absent or empty directory. At least one spec is needed."""
        directory.mkdir(parents=True, exist_ok=True)
        # The index of text is for the few collections that have one, and is learned like any later name.
        specs = [spec for spec in specs if spec.name != LEXICAL] or specs
        config = qdrant.EdgeConfig(
            vectors={file_name(spec.name): _dense_parameters(spec) for spec in specs if spec.kind != "sparse"},
            sparse_vectors={
                file_name(spec.name): qdrant.EdgeSparseVectorParams(modifier=_modifier(spec.name))
                for spec in specs
                if spec.kind == "sparse"
            },
            hnsw_config=qdrant.HnswIndexConfig(
                m=16, ef_construct=100, full_scan_threshold=10_000, max_indexing_threads=1
            ),
            optimizers=qdrant.EdgeOptimizersConfig(indexing_threshold=10_000, default_segment_number=1),
            max_search_threads=1,
            wal_enabled=False,
        )
        return cls(_call(qdrant.EdgeShard.create, str(directory), config), {spec.name for spec in specs})

    @classmethod
    def open(cls, directory: Path, unflushed: Sequence[int] = ()) -> EdgeShard:
        """A shard that was created before. Success does not prove that it is whole: compare it with the records.

        ``unflushed``: the rows that may have been changed since the last flush, for a crash may have come after it.
        """
        shard = cls(_call(qdrant.EdgeShard.load, str(directory)), set())
        shard._overtake(unflushed)
        return shard

    def _overtake(self, document_rows: Sequence[int]) -> None:
        """Make the engine take changes of these points again.

        It numbers its operations and skips, without a word, one whose number is below that of the point. A crash keeps
        points that were written since the last flush, with their numbers, and forgets how far it had counted: then
        updates are skipped until the count has overtaken them. So count on until each point shows a mark.
        """
        mark = secrets.randbits(62)
        rows: list[Any] = list(document_rows)
        waiting: list[Any] = [record.id for record in _call(self._shard.retrieve, rows, False, False)] if rows else []
        operations = 1
        while waiting:
            if operations > _MOST_OVERTAKEN:
                raise IndexFailedError(f"{len(waiting)} points take no changes any more")
            for _ in range(operations):
                # One point is enough to count; the last operation marks whatever takes it.
                _call(self._shard.update, qdrant.UpdateOperation.set_payload(waiting[:1], {_MARK: mark}))
            _call(self._shard.update, qdrant.UpdateOperation.set_payload(waiting, {_MARK: mark}))
            records = _call(self._shard.retrieve, waiting, True, False)
            waiting = [record.id for record in records if (record.payload or {}).get(_MARK) != mark]
            operations *= 2

    def apply(self, changes: Sequence[PointChange], specs: Sequence[VectorSpec]) -> None:
        # Only the last change of a document counts, and after it Edge needs no order between documents.
        latest = {change.document_row: change for change in changes}
        cosine = {spec.name for spec in specs if spec.distance == "cosine" and spec.kind != "sparse"}
        points = []
        removed: list[Any] = []
        for row, change in latest.items():
            if change.vectors is None:
                removed.append(row)
                continue
            vectors = {}
            for vector in change.vectors:
                if vector.name not in self._names:
                    self._learn(vector.name, specs)
                vectors[file_name(vector.name)] = _to_edge(_lengthened(vector) if vector.name in cosine else vector)
            points.append(qdrant.Point(row, vectors, {_SEQUENCE: change.sequence}))
        if points:
            _call(self._shard.update, qdrant.UpdateOperation.upsert_points(points))
        if removed:
            _call(self._shard.update, qdrant.UpdateOperation.delete_points(removed))

    def _learn(self, name: str, specs: Sequence[VectorSpec]) -> None:
        spec = next((spec for spec in specs if spec.name == name), None)
        if spec is None:
            raise IndexFailedError(f"vector {name!r} is not among the collection's indexes")
        if spec.kind == "sparse":
            operation = qdrant.UpdateOperation.create_sparse_vector(file_name(name), _modifier(name))
        else:
            assert spec.dimensions is not None
            multi = qdrant.MultiVectorConfig(qdrant.MultiVectorComparator.MaxSim) if spec.kind == "multi" else None
            operation = qdrant.UpdateOperation.create_dense_vector(
                file_name(name), spec.dimensions, _DISTANCES[spec.distance], multi
            )
        # Creating a name that the shard has already changes nothing, so a reopened shard needs no memory of them.
        _call(self._shard.update, operation)
        self._names.add(name)

    def flush(self) -> None:
        _call(self._shard.flush)

    def count(self) -> int:
        return int(_call(self._shard.info).points_count)

    def scan(self) -> Iterator[tuple[int, int]]:
        offset = None
        while True:
            request = qdrant.ScrollRequest(offset=offset, limit=_PAGE, with_payload=True)
            records, offset = _call(self._shard.scroll, request)
            for record in records:
                yield int(record.id), int((record.payload or {}).get(_SEQUENCE, -1))
            if offset is None:
                return

    def fetch(self, document_rows: Sequence[int]) -> dict[int, list[VectorData]]:
        records = _call(self._shard.retrieve, list(document_rows), False, True)
        return {int(record.id): _vectors_of(record) for record in records}

    def search(
        self, query: VectorData, distance: Distance, limit: int, *, within: Sequence[int] | None = None, exact: bool
    ) -> list[Hit]:
        nearest = _to_edge(_lengthened(query) if distance == "cosine" and query.kind != "sparse" else query)
        parameters = _parameters(query, limit, exact)
        asked = limit + 1
        while True:
            points = self._nearest(query.name, nearest, asked, within, parameters)
            if len(points) < asked or points[-1].score != points[limit - 1].score or asked > limit + _MOST_TIES:
                break
            # More points than fit have the score of the last one: which of them come first must not be chance.
            asked = min(limit + 1 + _MOST_TIES, 8 * asked)
        hits = [
            Hit(int(point.id), int((point.payload or {}).get(_SEQUENCE, -1)), score_of(distance, float(point.score)))
            for point in points
        ]
        return sorted(hits, key=lambda hit: (-hit.score, hit.document_row))[:limit]

    def _nearest(
        self, name: str, query: Any, limit: int, within: Sequence[int] | None, parameters: qdrant.SearchParams
    ) -> list[qdrant.ScoredPoint]:
        request = qdrant.QueryRequest(
            limit=limit,
            query=qdrant.Query.Nearest(query, using=file_name(name)),
            filter=None if within is None else qdrant.Filter(must=[qdrant.HasIdCondition(set(within))]),
            with_payload=True,
            params=parameters,
        )
        try:
            return _call(self._shard.query, request)
        except IndexFailedError as error:
            # An index of the collection that no point of this shard has had a vector for.
            if _UNKNOWN_NAME in str(error):
                return []
            raise

    def optimize(self) -> None:
        _call(self._shard.optimize)

    def close(self) -> None:
        _call(self._shard.close)
