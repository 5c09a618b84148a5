"""The job ``lineage.repair``: goes on with a repair that was too long for one transaction."""

from __future__ import annotations

from typing import Any

from headwater.store.commands.lineage import RepairLineage, decode_waiting
from headwater.store.interface import Store


async def repair_lineage(store: Store, arguments: dict[str, Any]) -> dict[str, Any]:
    """One slice; what is left is another job. Running it again changes nothing."""
    waiting = decode_waiting(arguments["waiting"])
    outcome: dict[str, Any] = await store.execute(
        RepairLineage(namespace_row=arguments["namespace_row"], waiting=waiting)
    )
    return outcome
    return {}
