"""Searches on the wire: the parameters of a feature search, with what a page of an answer may be asked for."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import ConfigDict, Field, StrictBool, StrictStr

from headwater.retrieval.paging import MAX_LIMIT
from headwater.retrieval.search.parameters import DEFAULT_FEATURE, DEFAULT_TOP_K, FeatureSearchParameters
from headwater.retrieval.stages.parameters import Integer

_EXAMPLES: list[Any] = [
    {"collection_identifiers": ["plants"], "query": {"input_mode": "text", "text": "a fern in the shade"}, "top_k": 5},
    {"query": {"input_mode": "vector", "vector": [0.1, 0.7]}, "feature_uri": "embedding", "filters": {"genus": "fern"}},
    {
        "collection_identifiers": ["plants"],
        "searches": [
            {"feature_uri": "embedding", "query": "a fern in the shade"},
            {"lexical": True, "query": "fern shade", "weight": 0.5},
        ],
        "facets": ["genus"],
        "rollup": "root_object",
        "final_top_k": 10,
    },
]


class FeatureSearchBody(FeatureSearchParameters):
    model_config = ConfigDict(json_schema_extra={"examples": _EXAMPLES})

    # A body with a query is read as one search by it, so these are for the description.
    query: dict[str, Any] | str | list[Any] | None = Field(
        None,
        description="What to search for: `{input_mode: text, text}`, `{input_mode: vector, vector}`,"
        " `{input_mode: document, document_ref: {collection_id, document_id}}`, or a plain text or vector.",
    )
    feature_uri: StrictStr = Field(DEFAULT_FEATURE, description="The feature, or the name of a vector index.")
    top_k: Annotated[Integer, Field(ge=1, le=1000)] = Field(DEFAULT_TOP_K, description="Documents of the answer.")
    filters: dict[str, Any] | None = Field(None, description="As in lists of documents; only what matches is found.")
    pagination: dict[str, Any] | None = Field(
        None, description="`{method: cursor, limit, cursor}` or `{method: offset, page_size, page_number}`."
    )
    page_size: int | None = Field(None, ge=1, le=MAX_LIMIT, strict=True, description="Rows on a page.")
    expand: list[StrictStr] | None = Field(
        None, description="Names of what to show inside each document, as in lists; `ancestors` shows its lineage."
    )
    explain: StrictBool = Field(False, description="Say how the answer was found, and why each document stands there.")
    return_vectors: StrictBool = Field(False, description="Show every vector of each document.")
    return_presigned_urls: StrictBool = Field(False, description="Give each of `document_blobs` a `presigned_url`.")
