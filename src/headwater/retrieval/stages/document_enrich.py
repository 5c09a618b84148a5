"""``document_enrich``: fields of the documents of another collection that have the same key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, ClassVar, Literal, Self

import msgspec
from pydantic import ConfigDict, Field, model_validator

from headwater.errors import NotEnabledError, ValidationError
from headwater.query import compile_filter, parse_filter
from headwater.query.aggregate.keys import Key, key_of, shown
from headwater.retrieval.hits import Hit
from headwater.retrieval.rows import Row, placed, with_value
from headwater.retrieval.stage import Category, Run, StageCall, StageResult
from headwater.retrieval.stages.joining import check_values, find_matches, keys_of
from headwater.retrieval.stages.parameters import CachedParameters, Integer, Path
from headwater.retrieval.stages.texts import SYSTEM_FIELDS
from headwater.store.find import Query
from headwater.tenancy.access import access_collection
from headwater.tenancy.document_acl import principal_of

Found = Mapping[Key, Sequence[dict[str, Any]]]
_LOCATION: list[str | int] = ["body", "stages", "document_enrich"]
#: What a document keeps of its own when all of another one is merged into it.
_OWN = SYSTEM_FIELDS | {"score"}


class DocumentEnrichParameters(CachedParameters):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "target_collection_id": "brands",
                    "source_field": "brand_id",
                    "target_field": "document_id",
                    "fields_to_merge": ["name", "country"],
                    "output_field": "brand",
                }
            ]
        }
    )

    other_names = {
        "collection_id": "target_collection_id",
        "lookup_field": "target_field",
        "result_field": "output_field",
        "select_fields": "fields_to_merge",
    }

    target_collection_id: str | None = Field(None, description="Id or name of the collection that has the fields.")
    source_field: Path = Field("source_object_id", description="Path of the key in the rows.")
    target_field: Path = Field("document_id", description="Path of the key in the documents of the other collection.")
    fields_to_merge: list[Path] | None = Field(None, max_length=1000, description="What is taken; all by default.")
    output_field: Path | None = Field(
        None,
        description="Where it goes. By default into the row itself, which keeps its ids, its score and `_internal`.",
    )
    strategy: Literal["enrich", "replace", "append"] = Field(
        "enrich",
        description="`enrich` adds fields, `replace` takes the place of what is there, `append` adds to a list.",
    )
    when: dict[str, Any] | None = Field(None, description="Only rows that match this filter; others stay as they are.")
    allow_missing: bool = Field(True, description="Keep rows that nothing is found for, with null as `output_field`.")
    multiple: bool = Field(False, description="All that is found, as a list, in place of the first.")
    limit: Annotated[Integer, Field(ge=1, le=1000)] = Field(10, description="With `multiple`: documents for each row.")
    retriever_id: str | None = Field(None, description="Joins by a retriever are not part of this deployment.")
    retriever_config: dict[str, Any] | None = Field(None, description="As `retriever_id`.")
    retriever_inputs: dict[str, Any] | None = Field(None, description="As `retriever_id`.")

    @model_validator(mode="after")
    def _check_output(self) -> Self:
        if self.output_field is None and (self.multiple or self.strategy == "append"):
            raise ValueError("a list needs an output_field to stand in")
        return self


class DocumentEnrich:
    stage_id: ClassVar[str] = "document_enrich"
    category: ClassVar[Category] = "enrich"
    description: ClassVar[str] = "Add fields of the documents of another collection that have the same key."
    icon: ClassVar[str] = "combine"
    parameters: type[DocumentEnrichParameters] = DocumentEnrichParameters
    reads_documents: ClassVar[bool] = True
    per_document: ClassVar[frozenset[str]] = frozenset()

    async def run(self, run: Run, call: StageCall[DocumentEnrichParameters], hits: list[Hit]) -> StageResult:
        asked = call.parameters
        query = _query(run, asked)
        applies = compile_filter(parse_filter(asked.when, [*_LOCATION, "when"]))
        keys = [keys_of(row.find(asked.source_field)) if applies(row := Row(hit)) else None for hit in hits]
        found = await _found(run, asked, query, list(dict.fromkeys(key for own in keys for key in own or ())))
        rows = [hit if own is None else joined(hit, own, found, asked) for hit, own in zip(hits, keys, strict=True)]
        kept = [row for row in rows if row is not None]
        return StageResult(kept, {"matched_values": len(found), "dropped": len(hits) - len(kept)})


def _query(run: Run, asked: DocumentEnrichParameters) -> Query:
    context = run.context
    if asked.retriever_id is not None or asked.retriever_config is not None:
        raise NotEnabledError(
            "document_enrich joins by a key here, not by a retriever; send target_collection_id, source_field and"
            " target_field",
            details={"feature": "document_enrich.retriever"},
        )
    if not asked.target_collection_id:
        message = "document_enrich needs target_collection_id, the collection that has the fields"
        raise ValidationError.at([*_LOCATION, "target_collection_id"], message, "missing")
    collection = access_collection(context, asked.target_collection_id)
    return Query(context.scope.namespace_row, (collection.collection_row,), principal=principal_of(context))


async def _found(run: Run, asked: DocumentEnrichParameters, query: Query, keys: list[Key]) -> Found:
    values = [shown(key) for key in keys]
    check_values(values)
    if not values:
        return {}
    most = asked.limit if asked.multiple else 1
    matches = await run.context.runtime.find(find_matches, query, asked.target_field, values, most, shown=len(values))
    return {key_of(value): [msgspec.json.decode(document) for document in documents] for value, documents in matches}


def joined(hit: Hit, keys: Sequence[Key], found: Found, asked: DocumentEnrichParameters) -> Hit | None:
    """The row with what was found for its keys; None when nothing was and the row is not wanted without."""
    matches = _distinct([document for key in keys for document in found.get(key, ())])
    if not matches:
        return _without(hit, asked) if asked.allow_missing else None
    if not asked.multiple:
        return _placed(hit, picked(matches[0], asked.fields_to_merge), asked)
    every = [picked(document, asked.fields_to_merge) for document in matches[: asked.limit]]
    return _placed(hit, every, asked)


def _distinct(documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return list({document["document_id"]: document for document in documents}.values())


def _without(hit: Hit, asked: DocumentEnrichParameters) -> Hit:
    if asked.output_field is None or asked.strategy == "append":
        return hit
    return with_value(hit, asked.output_field, [] if asked.multiple else None)


def picked(document: dict[str, Any], paths: Sequence[str] | None) -> dict[str, Any]:
    """The document, or those of its fields."""
    if paths is None:
        return document
    row = Row(Hit(0, 1, document["collection_id"], document["document_id"], document=document))
    fields: dict[str, Any] = {}
    for path in paths:
        if row.find(path):
            fields = placed(fields, path.split("."), row.value(path))
    return fields


def _placed(hit: Hit, value: Any, asked: DocumentEnrichParameters) -> Hit:
    if asked.output_field is None:
        return _merged(hit, value, asked)
    before = Row(hit).value(asked.output_field)
    if asked.strategy == "append":
        items = before if isinstance(before, list) else [] if before is None else [before]
        value = items + (value if isinstance(value, list) else [value])
    elif asked.strategy == "enrich" and isinstance(before, dict) and isinstance(value, dict):
        value = before | value
    return with_value(hit, asked.output_field, value)


def _merged(hit: Hit, fields: dict[str, Any], asked: DocumentEnrichParameters) -> Hit:
    """Into the row itself."""
    if asked.fields_to_merge is None:
        fields = {name: value for name, value in fields.items() if name not in _OWN}
    if asked.strategy == "enrich":
        return replace(hit, added=hit.added | fields)
    own = {name: value for name, value in (hit.document or {}).items() if name in _OWN}
    return replace(hit, document=own, added=fields)
