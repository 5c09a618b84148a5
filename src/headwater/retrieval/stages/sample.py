"""``sample``: some of the rows, by chance or by a rule, in the order in which they came."""

from __future__ import annotations

import math
import random
from collections.abc import Hashable, Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field

from headwater.retrieval.hits import Hit
from headwater.retrieval.hydrate import hydrate
from headwater.retrieval.rows import Row
from headwater.retrieval.stage import Category, Run, StageCall, StageResult
from headwater.retrieval.stages.keys import json_key
from headwater.retrieval.stages.parameters import Integer, Path, StageParameters


class SampleParameters(StageParameters):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"count": 20, "strategy": "stratified", "stratify_by": "brand", "seed": 7}]}
    )
    other_names = {
        "size": "count",
        "limit": "count",
        "method": "strategy",
        "group_field": "stratify_by",
        "samples_per_group": "min_per_stratum",
    }

    count: Annotated[Integer, Field(ge=1, le=1000)] = Field(10, description="How many rows to keep.")
    strategy: Literal["random", "stratified", "reservoir", "systematic"] = Field(
        "random",
        description="`random` and `reservoir` by chance, `stratified` a share of each value, `systematic` every n-th.",
    )
    stratify_by: Path | None = Field(None, description="`stratified`: path of the value; without one, it is `random`.")
    min_per_stratum: Annotated[Integer, Field(ge=0)] = Field(
        1, description="`stratified`: rows of each value, as far as there are and `count` allows."
    )
    seed: Integer | None = Field(None, description="The same seed and rows give the same sample.")
    preserve_top_k: Annotated[Integer, Field(ge=0)] = Field(
        0, description="So many of the rows with the best scores are kept in any case."
    )


class Sample:
    stage_id: ClassVar[str] = "sample"
    category: ClassVar[Category] = "reduce"
    description: ClassVar[str] = "Keep some rows, by chance or by a rule."
    icon: ClassVar[str] = "dices"
    parameters: type[SampleParameters] = SampleParameters
    reads_documents: ClassVar[bool] = False
    per_document: ClassVar[frozenset[str]] = frozenset()

    async def run(self, run: Run, call: StageCall[SampleParameters], hits: list[Hit]) -> StageResult:
        asked = call.parameters
        if asked.strategy == "stratified" and asked.stratify_by is not None:
            hits = await hydrate(run.context, hits)
        best = _best(hits, min(asked.preserve_top_k, asked.count))
        others = [index for index in range(len(hits)) if index not in best]
        kept = best.union(_sampled(hits, others, asked.count - len(best), asked))
        return StageResult([hits[index] for index in sorted(kept)], {"sampled_from": len(hits)})


def _best(hits: Sequence[Hit], count: int) -> set[int]:
    scored = [index for index, hit in enumerate(hits) if hit.score is not None]
    scored.sort(key=lambda index: -(hits[index].score or 0.0))
    return set(scored[:count])


def _sampled(hits: Sequence[Hit], indexes: list[int], count: int, asked: SampleParameters) -> list[int]:
    count = min(count, len(indexes))
    if asked.strategy == "systematic":
        return indexes[:: math.ceil(len(indexes) / count)] if count else []
    chance = random.Random(asked.seed)
    if asked.strategy != "stratified" or asked.stratify_by is None:
        return chance.sample(indexes, count)
    strata: dict[Hashable, list[int]] = {}
    for index in indexes:
        strata.setdefault(json_key(Row(hits[index]).value(asked.stratify_by)), []).append(index)
    shares = allocated([len(members) for members in strata.values()], count, asked.min_per_stratum)
    parts = zip(strata.values(), shares, strict=True)
    return [index for members, share in parts for index in chance.sample(members, share)]


def allocated(sizes: Sequence[int], count: int, least: int) -> list[int]:
    """How many rows each stratum gives: its share of all rows by largest remainder, but at least ``least`` or all it
    has. Where there are too many strata for that, the last ones give fewer. ``count`` is at most the sum of sizes."""
    total = sum(sizes)
    quotas = [count * size / total for size in sizes]
    floors = [min(least, size) for size in sizes]
    shares = [max(math.floor(quota), floor) for quota, floor in zip(quotas, floors, strict=True)]
    while sum(shares) < count:
        open_ = [index for index, share in enumerate(shares) if share < sizes[index]]
        shares[max(open_, key=lambda index: quotas[index] - shares[index])] += 1
    while sum(shares) > count:
        rich = [index for index, share in enumerate(shares) if share > floors[index]]
        if rich:
            shares[max(rich, key=lambda index: shares[index] - quotas[index])] -= 1
        else:
            shares[max(index for index, share in enumerate(shares) if share)] -= 1
            floors = [min(floor, share) for floor, share in zip(floors, shares, strict=True)]
    return shares
