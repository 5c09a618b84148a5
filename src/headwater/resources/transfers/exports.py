"""Exporting a collection: small ones are written while the request waits, others by the job lane."""

from __future__ import annotations

import apsw
import msgspec

from headwater import ids
from headwater.catalog.tables.collections import Collection, document_count
from headwater.context import Context
from headwater.errors import InternalServerError, NotEnabledError
from headwater.kit.clock import to_text
from headwater.query import parse_filter
from headwater.resources.transfers.schemas import ExportRequest
from headwater.resources.transfers.waiting import wait_for_task
from headwater.store.commands.transfers import StartExport
from headwater.store.documents.idempotency import fingerprint
from headwater.store.transfer.export import ExportPlan, export, require_format
from headwater.store.transfer.files import EXPORTS, LINK_SECONDS, ExportFile, Manifest, load_manifest
from headwater.store.transfer.links import PATH, Link, write_link
from headwater.tenancy.access import access_collection

#: A thousand documents take a tenth of a second; more of them would hold up other requests of this worker.
INLINE_DOCUMENTS = 1000


async def export_collection(ctx: Context, identifier: str, request: ExportRequest) -> dict[str, object]:
    """Write the export and answer where it is."""
    collection = access_collection(ctx, identifier)
    _refuse_what_is_not_there(request)
    plan = _plan(ctx, collection, request)
    # A wrong filter is told now, not by a job.
    parse_filter(plan.filters)
    require_format(plan.format)
    if document_count(ctx.runtime.reader.connection, collection.collection_row) <= INLINE_DOCUMENTS:
        await _write_now(ctx, plan)
        export_id = plan.export_id
    else:
        export_id = await _write_by_lane(ctx, plan)
    manifest = load_manifest(ctx.runtime.settings.data, export_id)
    if manifest is None:
        raise InternalServerError(f"the export {export_id} was removed before it could be answered; repeat the request")
    return _answer(ctx, manifest)


def _refuse_what_is_not_there(request: ExportRequest) -> None:
    feature = None
    if request.format == "webdataset":
        feature = "webdataset"
    elif request.include_media:
        feature = "include_media"
    elif request.destination is not None:
        feature = "destination"
    if feature is not None:
        raise NotEnabledError(
            f"Exports with {feature} are not part of this deployment; use json, csv or parquet and the download_url",
            details={"feature": feature},
        )


def _plan(ctx: Context, collection: Collection, request: ExportRequest) -> ExportPlan:
    assert request.format != "webdataset", "it was refused"
    return ExportPlan(
        export_id=ids.new_export_id(),
        organization_id=ctx.scope.organization_id,
        namespace_id=ctx.scope.namespace_id,
        namespace_row=ctx.scope.namespace_row,
        collection_row=collection.collection_row,
        format=request.format,
        include_vectors=request.include_vectors,
        include_lineage=request.include_lineage,
        select_fields=request.select_fields or None,
        filters=request.filters,
        sample_size=request.sample_size,
    )


async def _write_now(ctx: Context, plan: ExportPlan) -> None:
    def write(connection: apsw.Connection) -> None:
        for _ in export(connection, ctx.runtime.settings, plan):
            pass

    await ctx.runtime.reader.run(write)


async def _write_by_lane(ctx: Context, plan: ExportPlan) -> str:
    same = msgspec.to_builtins(msgspec.structs.replace(plan, export_id=""))
    outcome = await ctx.execute(StartExport(plan=plan, digest=fingerprint(same).hex()))
    result = await wait_for_task(ctx, outcome["task_id"])
    return str(result["export_id"])


def _answer(ctx: Context, manifest: Manifest) -> dict[str, object]:
    vectors = manifest.vectors
    return {
        "download_url": _url(ctx, manifest, manifest.documents),
        "s3_path": _stored_path(manifest, manifest.documents),
        "format": manifest.format,
        "document_count": manifest.document_count,
        "file_size_bytes": manifest.documents.size_bytes,
        "exported_at": to_text(manifest.exported_at),
        "vectors_download_url": None if vectors is None else _url(ctx, manifest, vectors),
        "vectors_s3_path": None if vectors is None else _stored_path(manifest, vectors),
    }


def _stored_path(manifest: Manifest, file: ExportFile) -> str:
    return f"{EXPORTS}/{manifest.export_id}/{file.name}"


def _url(ctx: Context, manifest: Manifest, file: ExportFile) -> str:
    expires_at = manifest.exported_at + LINK_SECONDS * 1000
    link = Link(manifest.organization_id, manifest.export_id, file.name, expires_at)
    return f"{ctx.public_url}{PATH}/{write_link(ctx.runtime.secret, link)}"
