"""The sets that ``located`` names, as SQL: their rows, whether a row is in one, and about how many there are."""

from __future__ import annotations

from typing import Any

import apsw

from headwater.store.find.located import SQL, Both, Either, Leaf, Located, Native, Place, Range, Without

#: A set with fewer documents is collected and put in order; of a larger one, the first matches come sooner in a walk.
COLLECTED = 20_000
_LOOKS = (256, 4096, COLLECTED)
_COLUMNS = "document_row, created_at, document_id"


def select(located: Located, place: Place) -> SQL:
    """The set as rows of ``(document_row, created_at, document_id)``. See ``is_distinct``."""
    if isinstance(located, Leaf):
        return _union([(f"SELECT {_COLUMNS} FROM field_values WHERE {sql}", with_) for sql, with_ in _wheres(located)])
    if isinstance(located, Native):
        sql, parameters = located.where
        return f"SELECT d.document_row, d.created_at, d.document_id FROM documents d WHERE {sql}", parameters
    if isinstance(located, Either):
        return _union([select(part, place) for part in located.parts])
    if isinstance(located, Without):
        return _rows_but(located, place)
    first, *others = located.parts
    sql, parameters = select(first, place)
    conditions = [holds(other, place) for other in others]
    where = "".join(f" AND {condition}" for condition, _ in conditions)
    return f"SELECT {_COLUMNS} FROM ({sql}) r WHERE 1{where}", (*parameters, *_joined(conditions))


def is_distinct(located: Located) -> bool:
    """Whether ``select`` names no document twice."""
    if isinstance(located, Leaf):
        # Several ranges are joined by UNION.
        return located.distinct or len(located.ranges) != 1
    if isinstance(located, Both):
        return is_distinct(located.parts[0])
    return True


def holds(located: Located, place: Place) -> SQL:
    """A condition about the row ``r``: whether its document is in the set."""
    if isinstance(located, Leaf) and all(item.single for item in located.ranges) and len(located.ranges) <= 8:
        return _any([_probe(item) for item in located.ranges])
    if isinstance(located, Either):
        return _any([holds(part, place) for part in located.parts])
    if isinstance(located, Both):
        conditions = [holds(part, place) for part in located.parts]
        return "(" + " AND ".join(sql for sql, _ in conditions) + ")", _joined(conditions)
    if isinstance(located, Without):
        sql, parameters = holds(located.part, place)
        return f"NOT {sql}", parameters
    sql, parameters = select(located, place)
    return f"r.document_row IN (SELECT document_row FROM ({sql}))", parameters


def _probe(item: Range) -> SQL:
    sql, parameters = item.where
    return (
        f"EXISTS (SELECT 1 FROM field_values WHERE {sql}"
        " AND field_values.created_at = r.created_at AND field_values.document_id = r.document_id)",
        parameters,
    )


def _wheres(leaf: Leaf) -> list[SQL]:
    return [item.where for item in leaf.ranges] or [("0", ())]


def _rows_but(located: Without, place: Place) -> SQL:
    sql, parameters = holds(located.part, place)
    rows = f"SELECT {_COLUMNS} FROM documents r WHERE collection_row = ? AND NOT {sql}"
    return rows, (place.collection_row, *parameters)


def _union(parts: list[SQL]) -> SQL:
    if not parts:
        return f"SELECT {_COLUMNS} FROM field_values WHERE 0", ()
    return " UNION ".join(sql for sql, _ in parts), _joined(parts)


def _any(parts: list[SQL]) -> SQL:
    if not parts:
        return "0", ()
    return "(" + " OR ".join(sql for sql, _ in parts) + ")", _joined(parts)


def _joined(parts: list[SQL]) -> tuple[Any, ...]:
    return tuple(parameter for _, parameters in parts for parameter in parameters)


def estimate(connection: apsw.Connection, located: Located, place: Place, most: int) -> int:
    """About how many documents the set has, counted no further than ``most``."""
    if isinstance(located, Both):
        return min(estimate(connection, part, place, most) for part in located.parts)
    if isinstance(located, Either):
        return min(most, sum(estimate(connection, part, place, most) for part in located.parts))
    if isinstance(located, Without):
        return most
    sql, parameters = select(located, place)
    if isinstance(located, Leaf):
        sql = sql.replace(" UNION ", " UNION ALL ")
    row = connection.execute(f"SELECT count(*) FROM (SELECT 1 FROM ({sql}) LIMIT ?)", (*parameters, most)).fetchone()
    return int(row[0]) if row else 0


def arranged(connection: apsw.Connection, located: Located, place: Place) -> tuple[Located, int]:
    """The same set with the smallest part of an intersection in front, which leads while the others are asked about;
    and about how many documents that part has, at most ``COLLECTED``."""
    if not isinstance(located, Both):
        return located, estimate(connection, located, place, COLLECTED)
    sizes = [0] * len(located.parts)
    # Most intersections have a small part, and then nobody needs to know how large the others are.
    for most in _LOOKS:
        sizes = [estimate(connection, part, place, most) for part in located.parts]
        if min(sizes) < most:
            break
    order = sorted(range(len(sizes)), key=sizes.__getitem__)
    return Both(tuple(located.parts[number] for number in order), located.exact), sizes[order[0]]
