"""Commands that start the jobs which move many documents."""

from __future__ import annotations

from typing import Any

import msgspec

from headwater.store.commands.base import Command, handles
from headwater.store.commands.collections import require_collection
from headwater.store.documents import write
from headwater.store.transaction import Transaction
from headwater.store.transfer.export import ExportPlan
from headwater.store.transfer.mapping import Explode, Mapping

EXPORT_JOB = "collections.export"
IMPORT_JOB = "collections.import"


class ImportTarget(msgspec.Struct, kw_only=True):
    """Where rows go and what they become. Part of a job's arguments, so it is plain."""

    organization_id: str
    namespace_row: int
    collection_row: int
    mapping: Mapping
    explode: Explode | None = None
    dry_run: bool = False


class ImportPlan(msgspec.Struct):
    """An import of one file of an export."""

    target: ImportTarget
    export_id: str
    name: str


class StartExport(Command):
    """Have an export written by the job lane. The same export that is being written already is joined."""

    plan: ExportPlan
    #: Equal for exports that would hold the same.
    digest: str


class StartImport(Command):
    """Have the rows of an export imported by the job lane. The same import that is under way already is joined."""

    organization_id: str
    namespace_row: int
    plan: ImportPlan
    digest: str


@handles(StartExport)
def start_export(tx: Transaction, command: StartExport) -> dict[str, Any]:
    """``{"task_id"}``"""
    plan = command.plan
    require_collection(tx, plan.organization_id, plan.namespace_row, plan.collection_row)
    task_id = tx.enqueue(
        EXPORT_JOB,
        msgspec.to_builtins(plan),
        organization_id=plan.organization_id,
        namespace_row=plan.namespace_row,
        unique_key=f"{EXPORT_JOB}:{plan.collection_row}:{command.digest}",
    )
    return {"task_id": task_id}


@handles(StartImport)
def start_import(tx: Transaction, command: StartImport) -> dict[str, Any]:
    """``{"task_id"}``. Raises ``ConflictError`` for a frozen collection."""
    row = command.plan.target.collection_row
    write.require_writable(require_collection(tx, command.organization_id, command.namespace_row, row))
    task_id = tx.enqueue(
        IMPORT_JOB,
        msgspec.to_builtins(command.plan),
        organization_id=command.organization_id,
        namespace_row=command.namespace_row,
        unique_key=f"{IMPORT_JOB}:{row}:{command.digest}",
    )
    return {"task_id": task_id}
