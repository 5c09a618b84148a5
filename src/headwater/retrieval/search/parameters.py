"""What a feature search may be asked, in every spelling that clients use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from headwater.retrieval.stages.parameters import CachedParameters, Integer, Number, Path, StageParameters

MAX_SEARCHES = 10
MAX_POOL = 5000
DEFAULT_TOP_K = 25
DEFAULT_SEARCH_TOP_K = 100
DEFAULT_PAGE = 10
#: What is searched by where nothing says it.
DEFAULT_FEATURE = "mixpeek://text_extractor@v1/embedding"

Fusion = Literal["rrf", "dbsf", "weighted", "max", "learned"]
Names = Annotated[list[str], BeforeValidator(lambda sent: [sent] if isinstance(sent, str) else sent)]
_COLLECTIONS = {"collections": "collection_identifiers", "collection_ids": "collection_identifiers"}
_LISTS = ("features", "feature_searches", "queries", "feature_uris")
#: Keys of a single search that stands right in the parameters of its stage.
_INLINE = ("query", "query_input", "input", "vector", "input_mapping")


class Search(StageParameters):
    """One ranking by one feature."""

    other_names = {
        **_COLLECTIONS,
        "uri": "feature_uri",
        "feature_address": "feature_uri",
        "vector_index": "feature_uri",
        "vector_name": "feature_uri",
        "query_input": "query",
        "input": "query",
        "vector": "query",
        "limit": "top_k",
        "score_threshold": "min_score",
        "pre_filters": "filters",
    }

    feature_uri: str = Field(
        DEFAULT_FEATURE,
        max_length=1000,
        description="The feature to compare by: `mixpeek://extractor@version/output`, or the name of a vector index.",
    )
    query: Any = Field(
        None,
        description="`{input_mode, …}`: `text` with `value`, `vector` with `value` (a list, a list of rows, or"
        " `{indices, values}`), `document` with `document_ref: {collection_id, document_id}`. A plain text or list is"
        " taken for one of the first two.",
    )
    input_mapping: dict[str, str] | None = Field(None, description="`{text: name}`: the input to search for.")
    top_k: Annotated[Integer, Field(ge=1, le=10_000)] | None = Field(
        None, description=f"Documents that this ranking contributes (default {DEFAULT_SEARCH_TOP_K})."
    )
    min_score: Number | None = Field(None, description="Documents with a lower score of this search are left out.")
    weight: Annotated[Number, Field(ge=0, le=1)] = Field(1.0, description="Of this ranking in the fusion.")
    lexical: bool = Field(False, description="Compare words (BM25 over the text indexes) and not vectors.")
    optional: bool = Field(False, description="Skip the search where the index holds no vectors.")
    on_empty: Literal["error", "skip", "random"] = Field("error", description="What to do with an empty query.")
    filters: dict[str, Any] | None = Field(None, description="Documents that this ranking may contain.")
    collection_identifiers: Names | None = Field(None, description="Where to look, in place of the stage's.")
    query_preprocessing: dict[str, Any] | None = Field(None, description="For content that an extractor splits.")


class Facet(StageParameters):
    key: Path = Field(description="Path of the field whose values are counted.")
    limit: Annotated[Integer, Field(ge=1, le=1000)] = Field(10, description="Values that are shown.")
    exact: bool = Field(False, description="Read and ignored: counts are always exact.")


class SearchGroups(StageParameters):
    other_names = {"group_size": "max_per_group"}

    field: Path = Field(description="Path of the field that the documents of a group share.")
    max_per_group: Annotated[Integer, Field(ge=1, le=100)] = Field(1, description="Documents shown of each group.")
    limit: Annotated[Integer, Field(ge=1, le=500)] = Field(25, description="Groups, in place of `final_top_k`.")
    output_mode: Literal["first", "all", "flatten"] = Field(
        "all", description="`all` a row for each group, `first` its best document, `flatten` its documents as rows."
    )


def _facet(sent: Any) -> Any:
    return {"key": sent} if isinstance(sent, str) else sent


class FeatureSearchParameters(CachedParameters):
    """One or more rankings by features, fused into one."""

    other_names = {
        **_COLLECTIONS,
        **dict.fromkeys(_LISTS, "searches"),
        "top_k": "final_top_k",
        "limit": "final_top_k",
        "fusion_method": "fusion",
    }

    searches: Annotated[list[Search], Field(max_length=MAX_SEARCHES)] = Field(
        [], description="The rankings. Without any, the documents that match the filters, without a score."
    )
    final_top_k: Annotated[Integer, Field(ge=1, le=MAX_POOL)] | None = Field(
        None, description=f"Documents of the answer (default: the largest `top_k`, else {DEFAULT_TOP_K})."
    )
    fusion: Fusion = Field("rrf", description="How several rankings become one.")
    learning_config: dict[str, Any] | None = Field(None, description="For `learned`.")
    collection_identifiers: Names | None = Field(None, description="Where to look, in place of the retriever's.")
    facets: list[Annotated[Facet, BeforeValidator(_facet)]] | None = Field(
        None, description="Fields whose values are counted over all documents that match the filters."
    )
    group_by: SearchGroups | None = Field(None, description="Gather documents that share a value.")
    rollup: Literal["root_object"] | None = Field(
        None, description="Only the best document of each root object; those without one stand for themselves."
    )
    query_preprocessing: dict[str, Any] | None = Field(None, description="For content that an extractor splits.")
    auto_preprocess: bool = Field(True, description="Read and ignored: no query here needs to be split.")
    hard_timeout_ms: Annotated[Integer, Field(ge=1)] | None = Field(
        None, description="Time after which the search gives up and answers nothing (default 5000)."
    )
    feature_extractor: Any = Field(None, description="Read and ignored: the index tells which model embeds a text.")
    interactive: bool = Field(False, description="Read and ignored.")
    degrade_retry: Any = Field(None, description="Read and ignored.")

    @model_validator(mode="wrap")
    @classmethod
    def _inline_search(cls, data: Any, handler: Callable[[Any], Self]) -> Self:
        """Also the form of a stage that is a single search by itself."""
        return handler(_with_searches(data, cls.other_names) if isinstance(data, dict) else data)


def _with_searches(data: dict[str, Any], other_names: Mapping[str, str]) -> dict[str, Any]:
    if any(data.get(name) is not None for name in ("searches", *_LISTS)):
        return data
    if not any(data.get(name) is not None for name in _INLINE):
        return data
    of_search = {*Search.model_fields, *Search.other_names} - FeatureSearchParameters.model_fields.keys()
    single = {name: value for name, value in data.items() if name in of_search}
    rest = {name: value for name, value in data.items() if name not in of_search or name in other_names}
    return {**rest, "searches": [single]}
