"""Any text can name a vector, and no two names meet on disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.errors import ValidationError
from headwater.store.documents.naming import new_index
from headwater.store.documents.vector_forms import pack_vector
from headwater.vectors.edge import EdgeShard
from headwater.vectors.interface import PointChange, VectorData, VectorSpec
from headwater.vectors.names import file_name, record_name

#: Several of them would lie inside the directory of another, or outside the shard.
NAMES = [
    "a",
    "a/b",
    "a..b",
    "...",
    "a/vectors",
    "../../evil",
    "..",
    ".",
    "nul\0",
    "a\nb",
    "a\\b",
    "%2F",
    "%lexical",
    "/",
    "ü é",
    "<string>_e",
]


@given(st.text(), st.text())
def test_file_names_are_safe_and_one_to_one(name: str, other: str) -> None:
    assert record_name(file_name(name)) == name
    assert not set("/\\\0\n") & set(file_name(name))
    assert (file_name(name) == file_name(other)) == (name == other)


def vector(name: str, value: float) -> VectorData:
    return VectorData(name, "dense", 1, 2, np.array([value, 1], "<f4").tobytes())


def test_odd_names_live_side_by_side_in_the_index(tmp_path: Path) -> None:
    specs = [VectorSpec(name, "dense", 2, "dot") for name in NAMES]
    shard = EdgeShard.create(tmp_path / "shard", specs[:1])
    vectors = [vector(name, number) for number, name in enumerate(NAMES)]
    shard.apply([PointChange(1, 1, vectors)], specs)
    shard.flush()
    shard.close()
    shard = EdgeShard.open(tmp_path / "shard")
    shard.apply([PointChange(2, 2, [vector(NAMES[1], 7)])], specs)
    assert {found.name: found.data for found in shard.fetch([1])[1]} == {each.name: each.data for each in vectors}
    assert [hit.document_row for hit in shard.search(vector("a/b", 1), "dot", 5, exact=True)] == [2, 1]
    shard.close()
    assert {path.name for path in tmp_path.iterdir()} == {"shard"}


@pytest.mark.parametrize("name", ["x" * 201, "ü" * 101, "/" * 67])
def test_a_name_that_no_file_can_have_is_refused(name: str) -> None:
    sent = pack_vector("e", [1, 2], ["body", "vectors", "e"], 8)
    with pytest.raises(ValidationError, match="longer than 200 bytes"):
        new_index(name, "e", None, sent)
    assert new_index(name[:60], "e", None, sent)["name"] == name[:60]
