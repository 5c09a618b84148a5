"""Length means nothing to cosine, however small it is: Edge alone would rank short vectors last."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from headwater.vectors.edge import EdgeShard
from headwater.vectors.interface import PointChange, VectorData, VectorSpec


def vector(*rows: list[float]) -> VectorData:
    kind = "dense" if len(rows) == 1 else "multi"
    return VectorData("e", kind, len(rows), len(rows[0]), np.array(rows, "<f4").tobytes())


@pytest.mark.parametrize("length", [1e-3, 3.4e-4, 1e-4, 1e-10, 1e-19])
@pytest.mark.parametrize("kind", ["dense", "multi"])
def test_a_short_vector_ranks_by_its_direction(tmp_path: Path, length: float, kind: str) -> None:
    specs = [VectorSpec("e", kind, 2, "cosine")]  # type: ignore[arg-type]
    more = [[0.0, -1.0]] if kind == "multi" else []
    shard = EdgeShard.create(tmp_path, specs)
    near, far = vector([length, length], *more), vector([1.0, -0.9], *more)
    shard.apply([PointChange(1, 1, [near]), PointChange(2, 2, [far])], specs)
    query = vector([1.0, 1.0], *([[1.0, 1.0]] if more else []))
    hits = shard.search(query, "cosine", 2, exact=True)
    shard.close()
    assert [hit.document_row for hit in hits] == [1, 2]


def test_other_distances_keep_the_length(tmp_path: Path) -> None:
    specs = [VectorSpec("e", "dense", 2, "dot")]
    shard = EdgeShard.create(tmp_path, specs)
    shard.apply([PointChange(1, 1, [vector([1e-5, 1e-5])])], specs)
    [found] = shard.fetch([1])[1]
    shard.close()
    assert found.data == vector([1e-5, 1e-5]).data
