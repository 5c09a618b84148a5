"""``mmr``: maximal marginal relevance, the best rows that are unlike those before them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Hashable, Sequence
from functools import partial
from typing import Annotated, ClassVar, Self

import numpy as np
from pydantic import ConfigDict, Field, model_validator

from headwater.errors import QueryTimeoutError
from headwater.query.aggregate.keys import value_keys
from headwater.retrieval.hits import Hit
from headwater.retrieval.hydrate import hydrate
from headwater.retrieval.loading import with_scores
from headwater.retrieval.rows import SCORE, Row, with_value
from headwater.retrieval.search.targets import targets_of
from headwater.retrieval.stage import Category, Run, StageCall, StageResult
from headwater.retrieval.stages.parameters import Integer, Number, Path, StageParameters
from headwater.retrieval.stages.scaling import min_max
from headwater.retrieval.stages.similarities import Floats, Metric, OfField, Similarities, Weighted, of_vectors
from headwater.retrieval.stored_vectors import load_stored_vectors
from headwater.vectors.interface import VectorData

Weight = Annotated[Number, Field(ge=0)]
Compare = Callable[[], Similarities]
Column = Sequence[VectorData | None]


class DiversityFeature(StageParameters):
    feature_uri: str = Field(description="URI of the feature, or the name of a vector index.")
    weight: Annotated[Number, Field(ge=0, le=1)] = Field(1.0, description="Its share, beside those of the others.")


class MMRParameters(StageParameters):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"lambda": 0.7, "top_k": 10}, {"diversity_fields": ["brand"], "top_k": 10}]}
    )

    other_names = {"top_n": "top_k"}

    lambda_: Annotated[Number, Field(ge=0, le=1)] = Field(
        0.7, alias="lambda", description="1 is relevance alone, 0 is diversity alone."
    )
    top_k: Annotated[Integer, Field(ge=1, le=500)] = Field(25, description="How many rows to choose.")
    diversity_feature_uri: str | None = Field(
        None, description="By which stored vectors rows are alike. By default those of the search before."
    )
    diversity_features: list[DiversityFeature] | None = Field(
        None, min_length=1, max_length=20, description="Several of them, with weights."
    )
    diversity_fields: list[Path] | None = Field(
        None, min_length=1, max_length=20, description="Paths of fields; rows are alike by those that are equal."
    )
    diversity_field_weights: dict[str, Weight] = Field(
        default_factory=dict, description="Weights of `diversity_fields`; 1 for those without."
    )
    score_field: Path = Field(SCORE, description="Path of the relevance. It is scaled to reach from 0 to 1.")
    mmr_score_field: Path = Field("scores.mmr", description="Where the score goes that a row was chosen by.")
    similarity_metric: Metric = Field("cosine", description="How vectors are compared.")

    @model_validator(mode="after")
    def _check_modes(self) -> Self:
        modes = (self.diversity_feature_uri, self.diversity_features, self.diversity_fields)
        if sum(mode is not None for mode in modes) > 1:
            raise ValueError("expected one of diversity_feature_uri, diversity_features and diversity_fields")
        unknown = self.diversity_field_weights.keys() - set(self.diversity_fields or ())
        if unknown:
            raise ValueError(f"diversity_field_weights names {min(unknown)!r}, which is not one of diversity_fields")
        if self.diversity_features and not any(one.weight for one in self.diversity_features):
            raise ValueError("a weight of diversity_features must be larger than 0")
        if self.diversity_fields and not any(map(self.field_weight, self.diversity_fields)):
            raise ValueError("a weight of diversity_fields must be larger than 0")
        return self

    def field_weight(self, path: str) -> float:
        return self.diversity_field_weights.get(path, 1.0)


class MMR:
    stage_id: ClassVar[str] = "mmr"
    category: ClassVar[Category] = "sort"
    description: ClassVar[str] = "Choose the best rows that are unlike those chosen before them."
    icon: ClassVar[str] = "shuffle"
    parameters: type[MMRParameters] = MMRParameters
    reads_documents: ClassVar[bool] = False
    per_document: ClassVar[frozenset[str]] = frozenset()

    async def run(self, run: Run, call: StageCall[MMRParameters], hits: list[Hit]) -> StageResult:
        asked = call.parameters
        if asked.diversity_fields is not None or not asked.mmr_score_field.startswith("scores."):
            hits = await hydrate(run.context, hits)
        hits, scores = await with_scores(run, hits, asked.score_field)
        if not hits:
            return StageResult([])
        compare, warnings = await _comparison(run, asked, hits)
        # A thousand vectors take milliseconds to compare.
        chosen = await asyncio.to_thread(_chosen, scores, compare, asked, run.deadline)
        kept = [with_value(hits[index], asked.mmr_score_field, score) for index, score in chosen]
        return StageResult(kept, warnings=warnings)


def _chosen(
    scores: Sequence[float | None], compare: Compare | None, asked: MMRParameters, deadline: float
) -> list[tuple[int, float]]:
    similarities = None if compare is None else compare()
    return choose(relevance(scores), similarities, asked.lambda_, asked.top_k, deadline=deadline)


def relevance(scores: Sequence[float | None]) -> Floats:
    """From 0 to 1; rows without a score have none."""
    scaled = iter(min_max([score for score in scores if score is not None]))
    return np.array([0.0 if score is None else next(scaled) for score in scores])


def choose(
    relevance: Floats, similarities: Similarities | None, trade_off: float, count: int, *, deadline: float
) -> list[tuple[int, float]]:
    """The indexes of the rows in the order in which they are chosen, each with the score that it had then.

    At every turn that is the largest ``λ · relevance - (1 - λ) · similarity``, the similarity being that to the most
    similar row chosen so far; of equals, the first one.
    """
    left = np.ones(len(relevance), bool)
    nearest: Floats | None = None
    chosen: list[tuple[int, float]] = []
    for _ in range(min(count, len(relevance))):
        if time.monotonic() > deadline:
            raise QueryTimeoutError(
                "mmr took longer than the execution may; put a limit before it, or choose fewer rows"
            )
        value = trade_off * relevance if nearest is None else trade_off * relevance - (1 - trade_off) * nearest
        best = int(np.argmax(np.where(left, value, -np.inf)))
        chosen.append((best, float(value[best])))
        left[best] = False
        if similarities is not None:
            found = similarities.to(best)
            nearest = found if nearest is None else np.maximum(nearest, found)
    return chosen


async def _comparison(run: Run, asked: MMRParameters, hits: Sequence[Hit]) -> tuple[Compare | None, list[str]]:
    """What makes the similarities, from what has been read of the documents."""
    if asked.diversity_fields is not None:
        return partial(by_fields, hits, asked.diversity_fields, asked), []
    features = _features(run, asked)
    if not features:
        return None, ["mmr kept the order of relevance: no search has compared vectors, and it names no feature"]
    columns = await _stored(run, hits, [uri for uri, _ in features])
    without = sum(not any(row) for row in zip(*columns, strict=True))
    warnings = [f"{without} of {len(hits)} rows have no vector to compare, so nothing is like them"] if without else []
    return partial(by_vectors, columns, [weight for _, weight in features], asked.similarity_metric), warnings


def by_fields(hits: Sequence[Hit], paths: Sequence[str], asked: MMRParameters) -> Similarities:
    """The weighted share of the fields that are equal. Fields that are missing are not."""
    rows = [Row(hit) for hit in hits]
    return Weighted([(asked.field_weight(path), OfField([_key(row.find(path)) for row in rows])) for path in paths])


def _key(values: list[object]) -> Hashable:
    keys = frozenset(value_keys(values)) - {None}
    return keys or None


def _features(run: Run, asked: MMRParameters) -> list[tuple[str, float]]:
    if asked.diversity_features is not None:
        return [(one.feature_uri, one.weight) for one in asked.diversity_features]
    uri = asked.diversity_feature_uri or (run.searched.feature_uri if run.searched else None)
    return [(uri, 1.0)] if uri else []


def by_vectors(columns: Sequence[Column], weights: Sequence[float], metric: Metric) -> Similarities:
    parts = zip(weights, (of_vectors(column, metric) for column in columns), strict=True)
    return Weighted(list(parts))


async def _stored(run: Run, hits: Sequence[Hit], uris: Sequence[str]) -> list[Column]:
    """For each feature, the vectors of the rows."""
    names = _names(run, hits, uris)
    wanted = {hit.document_row: names[hit.collection_row] for hit in hits if hit.collection_row in names}
    stored = await run.context.runtime.find(load_stored_vectors, wanted, shown=len(wanted))
    nothing: list[VectorData | None] = [None] * len(uris)
    return list(zip(*(stored.get(hit.document_row, nothing) for hit in hits), strict=True))


def _names(run: Run, hits: Sequence[Hit], uris: Sequence[str]) -> dict[int, list[str | None]]:
    """By collection, the name of the vectors of each feature."""
    context = run.context
    found = (
        context.runtime.catalogue.collection(context.scope.namespace_row, identifier)
        for identifier in dict.fromkeys(hit.collection_id for hit in hits if hit.document_row)
    )
    collections = [collection for collection in found if collection is not None]
    names: dict[int, list[str | None]] = {one.collection_row: [None] * len(uris) for one in collections}
    for index, uri in enumerate(uris):
        for target in targets_of(context, collections, uri, ["body", "stages", "mmr"]) if collections else ():
            names.setdefault(target.collection.collection_row, [None] * len(uris))[index] = target.name
    return names
