"""``deduplicate``: one row of those that are the same by fields or nearly the same by text."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable, Sequence
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from headwater.retrieval.hits import Hit
from headwater.retrieval.rows import Row
from headwater.retrieval.stage import Category, Run, StageCall, StageResult
from headwater.retrieval.stages.keys import json_key
from headwater.retrieval.stages.parameters import Number, Path, StageParameters
from headwater.retrieval.stages.similar_texts import MAX_COMPARED, SimilarTexts, normalized
from headwater.retrieval.stages.texts import text_of


class DeduplicateParameters(StageParameters):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"strategy": "field", "fields": ["sku"]},
                {"strategy": "content", "content_field": "text", "similarity_threshold": 0.9},
            ]
        }
    )

    strategy: Literal["field", "content"] = Field(
        "field", description="`field`: the same values in all fields; `content`: nearly the same text."
    )
    fields: Annotated[list[Path], Field(max_length=100)] = Field(
        default_factory=list, description="`field`: paths whose values together tell rows apart; a missing one is null."
    )
    content_field: Path = Field("content", description="`content`: path of the text.")
    similarity_threshold: Annotated[Number, Field(ge=0, le=1)] = Field(
        0.95, description="`content`: the share of their characters that duplicates have in common in the same order."
    )
    keep: Literal["first", "last"] = Field("first", description="Which of several duplicates stays.")
    case_sensitive: bool = Field(True, description="Whether case tells texts apart.")

    @model_validator(mode="after")
    def _check_fields(self) -> Self:
        if self.strategy == "field" and not self.fields:
            raise ValueError("the strategy 'field' needs fields, the paths to compare")
        return self


class Deduplicate:
    stage_id: ClassVar[str] = "deduplicate"
    category: ClassVar[Category] = "reduce"
    description: ClassVar[str] = "Keep one of several rows with the same values or nearly the same text."
    icon: ClassVar[str] = "copy-minus"
    parameters: type[DeduplicateParameters] = DeduplicateParameters
    reads_documents: ClassVar[bool] = True
    per_document: ClassVar[frozenset[str]] = frozenset()

    async def run(self, run: Run, call: StageCall[DeduplicateParameters], hits: list[Hit]) -> StageResult:
        asked = call.parameters
        if asked.strategy == "field":
            kept = await asyncio.to_thread(_distinct, hits, asked)
            return StageResult([hits[index] for index in kept], {"removed": len(hits) - len(kept)})
        texts = [_text(Row(hit), asked) for hit in hits]
        kept, uncompared = await asyncio.to_thread(
            dissimilar, texts, asked.similarity_threshold, last=asked.keep == "last"
        )
        result = StageResult([hits[index] for index in kept], {"removed": len(hits) - len(kept)})
        if uncompared:
            result.limits.append(_limit(call.name, len(texts), uncompared))
        return result


def _distinct(hits: Sequence[Hit], asked: DeduplicateParameters) -> list[int]:
    return distinct([_key(Row(hit), asked) for hit in hits], last=asked.keep == "last")


def distinct(keys: Sequence[Hashable], *, last: bool) -> list[int]:
    """The indexes of the first, or last, of each key, in order."""
    found: dict[Hashable, int] = {}
    for index, key in enumerate(keys):
        if last or key not in found:
            found[key] = index
    return sorted(found.values())


def dissimilar(texts: Sequence[str], threshold: float, *, last: bool) -> tuple[list[int], int]:
    """The indexes of texts, of which none is similar to one that is kept before it, or after it for the last; and how
    many of them could not be compared with all others."""
    seen = SimilarTexts(threshold)
    indexes = range(len(texts))
    kept = [index for index in (reversed(indexes) if last else indexes) if not seen.find(texts[index])]
    return sorted(kept), seen.uncompared


def _key(row: Row, asked: DeduplicateParameters) -> Hashable:
    return tuple(json_key(row.value(path), case_sensitive=asked.case_sensitive) for path in asked.fields)


def _text(row: Row, asked: DeduplicateParameters) -> str:
    text = normalized(text_of(row.value(asked.content_field)))
    return text if asked.case_sensitive else text.lower()


def _limit(stage: str, requested: int, uncompared: int) -> dict[str, Any]:
    return {
        "name": "compared_texts",
        "requested": requested,
        "applied": requested - uncompared,
        "ceiling": MAX_COMPARED,
        "stage": stage,
    }
