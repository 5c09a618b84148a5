"""Importing into a collection: rows of the request while it waits, files of exports of any size by the job lane."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import urlsplit

import msgspec
from pydantic import BaseModel

from headwater.catalog.tables.collections import Collection
from headwater.context import Context
from headwater.errors import ForbiddenError, NotEnabledError, NotFoundError, ValidationError
from headwater.resources.transfers.schemas_import import (
    ExplodeSpec,
    ImportMapping,
    ImportRequest,
    InferenceRequest,
    ValidationRequest,
)
from headwater.resources.transfers.waiting import wait_for_task
from headwater.store.commands.transfers import ImportPlan, ImportTarget, StartImport
from headwater.store.documents.idempotency import fingerprint
from headwater.store.documents.write import require_writable
from headwater.store.transfer import mapping as rules
from headwater.store.transfer.files import EXPORTS, Manifest, load_manifest
from headwater.store.transfer.incoming import MAX_ERRORS, Numbered, Preparer, Report, import_rows
from headwater.store.transfer.inference import InferredField, infer
from headwater.store.transfer.links import PATH, read_link
from headwater.tenancy.access import access_collection, document_scope

_SOURCES = frozenset({"download_url", "s3_path"})
_ROWS = frozenset({"rows", "first_row"})


async def import_collection(ctx: Context, identifier: str, request: ImportRequest) -> dict[str, Any]:
    """Import what the request holds or names. Raises ``ValidationError`` for a mapping that cannot be applied."""
    collection = access_collection(ctx, identifier)
    if request.seed_ledger:
        raise NotEnabledError(
            "seed_ledger is not part of this deployment; leave it out: an import that is repeated changes nothing",
            details={"feature": "seed_ledger"},
        )
    target = _target(ctx, collection, request)
    require_writable(collection)
    export = request.export or {}
    stored = sorted(_SOURCES & export.keys())
    if stored:
        report, warnings = await _import_stored(ctx, target, str(export[stored[0]]), stored[0])
    else:
        report, warnings = await _import_rows(ctx, collection, target, _rows(export)), []
    if report.skipped > MAX_ERRORS:
        warnings.append(f"only the first {MAX_ERRORS} errors are listed")
    return {**msgspec.to_builtins(report), "dry_run": request.dry_run, "warnings": warnings}


def _target(ctx: Context, collection: Collection, request: ImportRequest) -> ImportTarget:
    mapping = _mapping(request.mapping)
    problem = next(rules.check(mapping, {}, {}), None)
    if problem is not None:
        raise ValidationError.at(
            ["body", "mapping", "fields"], f"{problem.field or 'the mapping'} {problem.error}", "mapping"
        )
    return ImportTarget(
        organization_id=ctx.scope.organization_id,
        namespace_row=ctx.scope.namespace_row,
        collection_row=collection.collection_row,
        mapping=mapping,
        explode=None if request.explode is None else _explode(request.explode),
        dry_run=request.dry_run,
    )


def _mapping(sent: ImportMapping) -> rules.Mapping:
    return msgspec.convert(_without_nulls(sent), rules.Mapping)


def _without_nulls(model: BaseModel) -> dict[str, Any]:
    return model.model_dump(exclude_none=True)


def _explode(sent: ExplodeSpec) -> rules.Explode:
    join = sent.vector_join
    if join is None:
        return rules.Explode(sent.explode_axis)
    return rules.Explode(sent.explode_axis, join.array, join.key, join.index, join.vector_field)


def _rows(export: dict[str, Any]) -> list[Numbered]:
    """The rows of a request with their numbers."""
    if "rows" not in export or not export.keys() <= _ROWS:
        return [(0, export)] if export else []
    rows, first = export["rows"], export.get("first_row", 0)
    if type(first) is not int or first < 0:
        raise ValidationError.at(
            ["body", "export", "first_row"], "first_row must be a whole number, 0 or more", "int_type"
        )
    if type(rows) is not list:
        raise ValidationError.at(["body", "export", "rows"], "rows must be a list of objects", "list_type")
    return [(first + place, _row(row)) for place, row in enumerate(rows)]


def _row(row: Any) -> dict[str, Any] | ValidationError:
    return row if type(row) is dict else ValidationError.at(["row"], "a row must be a JSON object", "dict_type")


async def _import_rows(ctx: Context, collection: Collection, target: ImportTarget, rows: list[Numbered]) -> Report:
    async def turn(_: Report) -> None:
        # Other requests of this worker get their turn.
        await asyncio.sleep(0)

    preparer = Preparer(collection, target, ctx.runtime.settings)
    report = await import_rows(ctx.runtime.store, preparer, target, rows, turn=turn)
    ctx.runtime.catalogue.expire()
    return report


async def _import_stored(ctx: Context, target: ImportTarget, source: str, name: str) -> tuple[Report, list[str]]:
    manifest = _manifest(ctx, source, name)
    if manifest.format != "json":
        raise ValidationError.at(
            ["body", "export", name],
            f"that export is {manifest.format}; only exports of format json can be imported",
            "export_format",
        )
    plan = ImportPlan(target, manifest.export_id, manifest.documents.name)
    outcome = await ctx.execute(
        StartImport(
            organization_id=target.organization_id,
            namespace_row=target.namespace_row,
            plan=plan,
            digest=fingerprint(msgspec.to_builtins(plan)).hex(),
        )
    )
    report = msgspec.convert(await wait_for_task(ctx, outcome["task_id"]), Report)
    ctx.runtime.catalogue.expire()
    return report, [] if manifest.vectors else ["the export was made without include_vectors, so it holds no vectors"]


def _manifest(ctx: Context, source: str, name: str) -> Manifest:
    """The export that a link or a path of ours names. Another organization's looks like one that is gone."""
    at: list[str | int] = ["body", "export", name]
    export_id = _export_id(ctx, source, name, at)
    manifest = load_manifest(ctx.runtime.settings.data, export_id)
    if manifest is None or manifest.organization_id != ctx.scope.organization_id:
        raise NotFoundError.of("export", export_id)
    if name == "s3_path" and ctx.key.scopes and not _in_scope(ctx, manifest):
        raise ForbiddenError("The scopes of this API key do not cover this request", code="scope_required")
    return manifest


def _in_scope(ctx: Context, manifest: Manifest) -> bool:
    """Whether the key could have made the export: unlike a link, a path is no permission."""
    return manifest.namespace_id == ctx.scope.namespace_id and document_scope(ctx).reaches(manifest.collection_row)


def _export_id(ctx: Context, source: str, name: str, at: list[str | int]) -> str:
    path = urlsplit(source).path if name == "download_url" else source
    *folders, last = path.split("/")
    if name == "download_url" and path.endswith(f"{PATH}/{last}"):
        return read_link(ctx.runtime.secret, last).export_id
    if name == "s3_path" and len(folders) == 2 and folders[0] == EXPORTS:
        return folders[1]
    raise ValidationError.at(
        at, f"{name} must be that of an export of this server; nothing else is fetched", "export_source"
    )


def infer_schema(request: InferenceRequest) -> dict[str, Any]:
    """What the fields of the sample are, and what each could become."""
    rows = (request.sample_rows or [])[: request.sample_size]
    fields, warnings = infer(rows, request.known_index_dims or {})
    if not rows:
        warnings.append("there are no sample_rows to look at")
    return {"fields": [_inferred(field) for field in fields], "warnings": warnings}


def _inferred(field: InferredField) -> dict[str, Any]:
    shown: dict[str, Any] = msgspec.to_builtins(field)
    target = shown["suggested_target"]
    return shown | {"suggested_target": {name: value for name, value in target.items() if value is not None}}


def validate_mapping(request: ValidationRequest) -> dict[str, Any]:
    """Everything that is wrong with the mapping."""
    types = {field.path: field.type for field in request.source_fields or ()}
    found = list(rules.check(_mapping(request.mapping), types, request.known_index_dims or {}))
    return {"ok": not found, "errors": [{"field": problem.field, "error": problem.error} for problem in found]}
