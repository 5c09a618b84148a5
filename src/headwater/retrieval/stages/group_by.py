"""``group_by``: rows that share a value."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field

from headwater.query.aggregate.keys import Key, rank, shown, value_keys
from headwater.retrieval.hits import Hit
from headwater.retrieval.rows import Row
from headwater.retrieval.stage import Category, Run, StageCall, StageResult
from headwater.retrieval.stages.parameters import Direction, Integer, Path, StageParameters


class GroupByParameters(StageParameters):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"group_by_field": "source_object_id", "max_per_group": 3, "output_mode": "all"}]
        }
    )

    other_names = {"field": "group_by_field", "docs_per_group": "max_per_group"}

    group_by_field: Path = Field("source_object_id", description="Path of the field that members share.")
    max_per_group: Annotated[Integer, Field(ge=1, le=1000)] = Field(
        10, description="Members of each group that are kept, the best first."
    )
    output_mode: Literal["first", "all", "flatten"] = Field(
        "all", description="`all` a row for each group, `first` its best member, `flatten` its kept members as rows."
    )
    max_groups: Annotated[Integer, Field(ge=1, le=10_000)] | None = Field(None, description="Only the first groups.")
    sort_groups_by: Literal["score", "count", "field"] = Field(
        "score", description="The order of groups: by best score, by number of members, or by the value they share."
    )
    sort_order: Direction = Field("desc", description="Largest first, or smallest.")


class GroupBy:
    stage_id: ClassVar[str] = "group_by"
    category: ClassVar[Category] = "reduce"
    description: ClassVar[str] = "Gather rows that have the same value in a field."
    icon: ClassVar[str] = "group"
    parameters: type[GroupByParameters] = GroupByParameters
    reads_documents: ClassVar[bool] = True
    per_document: ClassVar[frozenset[str]] = frozenset()

    async def run(self, run: Run, call: StageCall[GroupByParameters], hits: list[Hit]) -> StageResult:
        asked = call.parameters
        groups = in_order(grouped(hits, asked.group_by_field), asked.sort_groups_by, asked.sort_order == "desc")
        metadata = {"total_groups": len(groups), "total_documents": len(hits), "field": asked.group_by_field}
        return StageResult(_rows(groups[: asked.max_groups], asked), metadata)


@dataclass
class Group:
    """A value, as its key, and the rows that have it, the best first."""

    key: Key
    members: list[Hit]

    @property
    def score(self) -> float | None:
        return self.members[0].score


def grouped(hits: Iterable[Hit], path: str) -> list[Group]:
    """A row with several values is in several groups, one with none in the group of null."""
    groups: dict[Key, list[Hit]] = {}
    for hit in hits:
        for key in value_keys(Row(hit).find(path)):
            groups.setdefault(key, []).append(hit)
    return [Group(key, sorted(members, key=_best_first)) for key, members in groups.items()]


def _best_first(hit: Hit) -> tuple[bool, float]:
    return hit.score is None, -(hit.score or 0.0)


def in_order(groups: list[Group], by: str, descending: bool) -> list[Group]:
    """Groups without what they are sorted by come last in either direction; equal ones as they were found."""

    def order_of(group: Group) -> Any:
        if by == "count":
            return len(group.members)
        return group.score if by == "score" else rank(shown(group.key))

    def is_placed(group: Group) -> bool:
        return group.key is not None if by == "field" else order_of(group) is not None

    placed = sorted(filter(is_placed, groups), key=order_of, reverse=descending)
    return placed + [group for group in groups if not is_placed(group)]


def _rows(groups: Sequence[Group], asked: GroupByParameters) -> list[Hit]:
    if asked.output_mode == "all":
        return [_row(group, asked) for group in groups]
    most = 1 if asked.output_mode == "first" else asked.max_per_group
    # A row that is in several groups is shown once.
    kept = {id(hit): hit for group in groups for hit in group.members[:most]}
    return list(kept.values())


def _row(group: Group, asked: GroupByParameters) -> Hit:
    document = {
        "group_key": shown(group.key),
        "group_field": asked.group_by_field,
        "count": len(group.members),
        "documents": [member.shown() for member in group.members[: asked.max_per_group]],
    }
    return Hit(0, 0, "", "", score=group.score, document=document)
