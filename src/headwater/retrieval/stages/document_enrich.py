"""``document_enrich``: fields of the documents of another collection that have the same key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, ClassVar, Literal, Self

import msgspec
from pydantic import ConfigDict, Field, model_validator

from headwater.errors import ValidationError
from headwater.query import compile_filter, parse_filter
from headwater.query.aggregate.keys import Key, key_of, shown
from headwater.retrieval.hits import Hit
from headwater.retrieval.rows import Row, placed, with_value
from headwater.retrieval.stage import Category, Run, StageCall, StageResult
from headwater.retrieval.stages.joining import check_values, find_matches, keys_of
from headwater.retrieval.stages.parameters import CachedParameters, Integer, Path
from headwater.retrieval.stages.retriever_join import by_retriever
from headwater.retrieval.stages.texts import SYSTEM_FIELDS
from headwater.store.find import Query
from headwater.tenancy.access import access_collection
from headwater.tenancy.document_acl import principal_of

Document = dict[str, Any]
Found = Mapping[Key, Sequence[Document]]
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
    retriever_id: str | None = Field(
        None, description="Id or name of a retriever whose best rows are joined, in place of those with the same key."
    )
    retriever_config: dict[str, Any] | None = Field(
        None, description="The same for a retriever that is written out: `stages`, `collection_identifiers`."
    )
    retriever_inputs: dict[str, Any] = Field(
        default_factory=dict, description="The inputs of the retriever. Templates see each document as `DOC`."
    )

    @model_validator(mode="after")
    def _check_output(self) -> Self:
        if self.output_field is None and (self.multiple or self.strategy == "append"):
            raise ValueError("a list needs an output_field to stand in")
        if self.retriever_id is not None and self.retriever_config is not None:
            raise ValueError("expected one of retriever_id and retriever_config")
        return self

    @property
    def retriever(self) -> str | dict[str, Any] | None:
        return self.retriever_config if self.retriever_id is None else self.retriever_id

    @property
    def most(self) -> int:
        """Documents for each row."""
        return self.limit if self.multiple else 1


class DocumentEnrich:
    stage_id: ClassVar[str] = "document_enrich"
    category: ClassVar[Category] = "enrich"
    description: ClassVar[str] = "Add fields of the documents of another collection that have the same key."
    icon: ClassVar[str] = "combine"
    parameters: type[DocumentEnrichParameters] = DocumentEnrichParameters
    reads_documents: ClassVar[bool] = True
    per_document: ClassVar[frozenset[str]] = frozenset({"retriever_config", "retriever_inputs"})

    async def run(self, run: Run, call: StageCall[DocumentEnrichParameters], hits: list[Hit]) -> StageResult:
        asked = call.parameters
        applies = compile_filter(parse_filter(asked.when, [*_LOCATION, "when"]))
        wanted = [hit for hit in hits if applies(Row(hit))]
        if asked.retriever is None:
            matches = await _by_key(run, asked, wanted)
        else:
            matches = await by_retriever(run, asked, asked.retriever, wanted)
        found = {id(hit): documents for hit, documents in zip(wanted, matches, strict=True)}
        rows = [joined(hit, found[id(hit)], asked) if id(hit) in found else hit for hit in hits]
        kept = [row for row in rows if row is not None]
        return StageResult(kept, {"matched": sum(map(bool, matches)), "dropped": len(hits) - len(kept)})


async def _by_key(run: Run, asked: DocumentEnrichParameters, hits: Sequence[Hit]) -> list[list[Document]]:
    """For each row, the documents with one of its keys, those of its first key before those of the others."""
    query = _query(run, asked)
    keys = [keys_of(Row(hit).find(asked.source_field)) for hit in hits]
    found = await _found(run, asked, query, list(dict.fromkeys(key for own in keys for key in own)))
    return [_distinct([document for key in own for document in found.get(key, ())]) for own in keys]


def _query(run: Run, asked: DocumentEnrichParameters) -> Query:
    context = run.context
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
    matches = await run.context.runtime.find(
        find_matches, query, asked.target_field, values, asked.most, shown=len(values)
    )
    return {key_of(value): [msgspec.json.decode(document) for document in documents] for value, documents in matches}


def joined(hit: Hit, matches: Sequence[Document], asked: DocumentEnrichParameters) -> Hit | None:
    """The row with what was found for it; None when nothing was and the row is not wanted without."""
    if not matches:
        return _without(hit, asked) if asked.allow_missing else None
    if not asked.multiple:
        return _placed(hit, picked(matches[0], asked.fields_to_merge), asked)
    return _placed(hit, [picked(document, asked.fields_to_merge) for document in matches[: asked.limit]], asked)


def _distinct(documents: list[Document]) -> list[Document]:
    return list({document["document_id"]: document for document in documents}.values())


def _without(hit: Hit, asked: DocumentEnrichParameters) -> Hit:
    if asked.output_field is None or asked.strategy == "append":
        return hit
    return with_value(hit, asked.output_field, [] if asked.multiple else None)


def picked(document: dict[str, Any], paths: Sequence[str] | None) -> dict[str, Any]:
    """The document, or those of its fields."""
    if paths is None:
        return document
    row = Row(Hit(0, 1, document.get("collection_id", ""), document.get("document_id", ""), document=document))
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
