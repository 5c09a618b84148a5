"""Operation ids: a write whose id was used before would fail, so no two may be equal."""

from __future__ import annotations

import subprocess
import sys

from headwater.kit.clock import now_milliseconds
from headwater.store.protocol import OPERATION_SHIFT, new_operation_id

_MINT = """
from headwater.store.protocol import new_operation_id
print(*(new_operation_id() for _ in range(20_000)))
"""


def test_ids_of_two_processes_at_once_are_all_different_and_ordered() -> None:
    minting = [subprocess.Popen([sys.executable, "-c", _MINT], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    minted = [list(map(int, process.communicate()[0].split())) for process in minting]
    assert [len(ids) for ids in minted] == [20_000, 20_000]
    assert len({number for ids in minted for number in ids}) == 40_000
    assert all(ids == sorted(ids) for ids in minted)


def test_id_tells_its_time_and_fits_a_signed_column() -> None:
    before = now_milliseconds()
    minted = new_operation_id()
    # A process that mints more than a thousand in a millisecond runs ahead of the clock by as much.
    assert before <= minted >> OPERATION_SHIFT <= now_milliseconds() + 100
    assert minted < 2**63
