"""Repairing lineage below documents that came late or moved, a slice at a time."""

from __future__ import annotations

from typing import Any

import msgspec

from headwater.catalog.tables.namespaces import load_namespace
from headwater.store.commands.base import Command, handles
from headwater.store.documents.lineage import Unrepaired, continue_repair
from headwater.store.transaction import Transaction


class RepairLineage(Command):
    """Go on with a repair. ``waiting``: ``[document_id, after_row]`` of parents with children left to look at."""

    namespace_row: int
    waiting: list[Unrepaired]


@handles(RepairLineage)
def repair_lineage(tx: Transaction, command: RepairLineage) -> dict[str, Any]:
    """``{"looked_at": documents}``. What one slice leaves over is enqueued with it: no crash loses the rest."""
    namespace = load_namespace(tx.connection, command.namespace_row)
    # A namespace that was deleted meanwhile has nothing to repair.
    if namespace is None:
        return {"looked_at": 0}
    return {"looked_at": continue_repair(tx, namespace, list(command.waiting))}


def decode_waiting(waiting: list[list[str | int]]) -> list[Unrepaired]:
    """The job's ``waiting`` argument."""
    return msgspec.convert(waiting, list[Unrepaired])
