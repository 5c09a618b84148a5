"""An export of many documents needs no more memory than one of few."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import httpx2
import pytest

from headwater.runtime import Runtime

pytestmark = pytest.mark.anyio
#: Large enough that the two collections differ by far more than the bound.
_TEXT = "x" * 4000
_FEW, _MANY = 500, 20_000
_BOUND_BYTES = 40 * 1024 * 1024

_SCRIPT = """
import resource, sys
from pathlib import Path
from headwater.catalog.database import open_reader
from headwater.settings import Settings
from headwater.store.transfer.export import ExportPlan, export

directory, namespace_row, row = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
plan = ExportPlan(export_id=f"exp_memory{row}", organization_id="org", namespace_id="ns", namespace_row=namespace_row,
                  collection_row=row, format="csv", include_vectors=True, include_lineage=True)
for _ in export(open_reader(directory), Settings(data=directory), plan):
    pass
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""


async def filled(client: httpx2.AsyncClient, name: str, count: int) -> None:
    await client.post("/v1/collections", json={"collection_name": name, "source": {"type": "none"}})
    for start in range(0, count, 2000):
        rows = [{"document_id": f"{name}-{number}", "text": _TEXT} for number in range(start, min(start + 2000, count))]
        answer = await client.post(f"/v1/collections/{name}/import", json={"export": {"rows": rows}, "mapping": {}})
        assert (answer.status_code, answer.json()["errors"]) == (200, [])


def peak(runtime: Runtime, name: str) -> int:
    """The most memory that a process has which exports the collection."""
    query = "SELECT namespace_row, collection_row FROM collections WHERE collection_name = ?"
    rows: tuple[Any, ...] = runtime.reader.connection.execute(query, (name,)).fetchone()
    arguments = [str(runtime.settings.data), *map(str, rows)]
    done = subprocess.run([sys.executable, "-c", _SCRIPT, *arguments], capture_output=True, text=True, check=True)
    return int(done.stdout)


async def test_memory_does_not_grow_with_the_collection(client: httpx2.AsyncClient, runtime: Runtime) -> None:
    await filled(client, "few", _FEW)
    await filled(client, "many", _MANY)
    few, many = peak(runtime, "few"), peak(runtime, "many")
    assert (_MANY - _FEW) * len(_TEXT) > 1.5 * _BOUND_BYTES
    assert many - few < _BOUND_BYTES, f"{few} bytes for {_FEW} documents, {many} for {_MANY}"
