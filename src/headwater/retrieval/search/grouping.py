"""Documents of a search gathered by a value that they share, or by the object that they come from."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from headwater.context import Context
from headwater.query import Filter
from headwater.query.ordering import Rank
from headwater.retrieval.hits import Hit
from headwater.retrieval.hydrate import Hydration, hydrate
from headwater.retrieval.search.engine import Pool
from headwater.retrieval.search.parameters import MAX_POOL, SearchGroups
from headwater.store.fields.entries import TYPE_LAST
from headwater.store.find import Query
from headwater.store.find.by_rows import group_rows
from headwater.tenancy.document_acl import principal_of

ROOT_OBJECT = "root_object_id"
#: Documents that are looked at for each group in the first try.
_PER_GROUP = 4

MorePool = Callable[[int], Awaitable[Pool]]


@dataclass
class Group:
    rank: Rank
    #: Best first.
    members: list[Hit]


async def find_groups(
    context: Context, more: MorePool, path: str, limit: int, filters: Filter | None, *, keep_single: bool = False
) -> tuple[list[Group], Pool]:
    """The groups of the best documents, those with the best document first. With ``keep_single``, a document without a
    value is a group of its own."""
    size = min(MAX_POOL, limit * _PER_GROUP)
    while True:
        pool = await more(size)
        groups = await _grouped(context, pool.hits, path, filters, keep_single)
        if len(groups) > limit or pool.is_whole or size >= MAX_POOL:
            return groups[:limit], pool
        size = min(MAX_POOL, size * 4)


async def _grouped(
    context: Context, hits: Sequence[Hit], path: str, filters: Filter | None, keep_single: bool
) -> list[Group]:
    rows = tuple(sorted({hit.collection_row for hit in hits}))
    query = Query(context.scope.namespace_row, rows, filters, principal_of(context))
    points = {hit.document_row: hit.sequence for hit in hits}
    found = await context.runtime.find(group_rows, query, points, path, shown=len(points)) if points else {}
    groups: dict[tuple[Any, ...], Group] = {}
    for hit in hits:
        for rank in found[hit.document_row][1] if hit.document_row in found else ():
            single = keep_single and rank[0] == TYPE_LAST
            groups.setdefault((*rank, hit.document_row if single else None), Group(rank, [])).members.append(hit)
    return list(groups.values())


async def group_hits(context: Context, groups: Sequence[Group], asked: SearchGroups, how: Hydration) -> list[Hit]:
    """The rows of the answer, as ``output_mode`` says."""
    most = 1 if asked.output_mode == "first" else asked.max_per_group
    shown = [hit for group in groups for hit in group.members[:most]]
    # A document in several groups is loaded once, and a flat list shows it once.
    loaded = await hydrate(context, list({hit.key: hit for hit in shown}.values()), how)
    if asked.output_mode != "all":
        return loaded
    known = {hit.key for hit in loaded}
    return [_row(group, [hit for hit in group.members[:most] if hit.key in known], asked.field) for group in groups]


def _row(group: Group, members: Sequence[Hit], path: str) -> Hit:
    document = {
        "group_key": group.rank[1],
        "group_field": path,
        "count": len(group.members),
        "documents": [hit.shown() for hit in members],
    }
    return Hit(0, 0, "", "", score=group.members[0].score, document=document)


def rolled_up(groups: Sequence[Group]) -> list[Hit]:
    """The best document of each object, which says how many others of the same object were found."""
    for group in groups:
        group.members[0].added["rollup"] = {"root_object_id": group.rank[1], "matches": len(group.members)}
    return [group.members[0] for group in groups]
