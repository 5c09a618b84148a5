"""Repairing lineage below documents that came late or moved, a slice at a time."""

from __future__ import annotations

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
def repair_lineage(tx: Transaction, command: RepairLineage) -> None:
    """What one slice leaves over is enqueued in its own transaction, so that no crash loses the rest."""
    namespace = load_namespace(tx.connection, command.namespace_row)
    # A namespace that was deleted meanwhile has nothing to repair.
    if namespace is not None:
        continue_repair(tx, namespace, list(command.waiting))


def decode_waiting(waiting: list[list[str | int]]) -> list[Unrepaired]:
    """The job's ``waiting`` argument."""
    return msgspec.convert(waiting, list[Unrepaired])
