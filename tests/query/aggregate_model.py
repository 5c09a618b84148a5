"""An aggregation in the plainest Python that says what it means: nothing is shared with the engine but the plan."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

from headwater.query.aggregate import Group, Having, Metric, Plan

Document = dict[str, Any]
#: A document, and the path and element that it is unwound to.
Row = tuple[Document, str | None, Any]


def model(plan: Plan, documents: list[Document]) -> list[tuple[Document, Document]]:
    """The rows of the answer as (group, metrics)."""
    groups: list[tuple[list[Any], list[Row]]] = [] if plan.groups else [([], [])]
    for row in [row for document in documents for row in unwound(plan, document)]:
        for key in itertools.product(*(group_values(group, read(row, group.path)) for group in plan.groups)):
            members = next((rows for found, rows in groups if same(found, list(key))), None)
            if members is None:
                groups.append((list(key), [row]))
            else:
                members.append(row)
    answer = [
        (
            {group.name: value for group, value in zip(plan.groups, key, strict=True)},
            {metric.name: compute(metric, rows) for metric in plan.metrics},
        )
        for key, rows in groups
    ]
    answer = [(group, metrics) for group, metrics in answer if all(meets(test, metrics) for test in plan.having)]
    answer.sort(key=lambda row: [place(value) for value in row[0].values()])
    if plan.order is not None:
        answer = ordered(answer, plan.order.name, plan.order.descending)
    return answer[: plan.limit]


def unwound(plan: Plan, document: Document) -> Iterator[Row]:
    if plan.unwind is None:
        yield document, None, None
        return
    for found in at(document, plan.unwind):
        for element in found if isinstance(found, list) else [found]:
            if isinstance(found, list) or element is not None:
                yield document, plan.unwind, element


def read(row: Row, path: str) -> list[Any]:
    document, unwind, element = row
    if unwind is not None and path == unwind:
        return [element]
    if unwind is not None and path.startswith(unwind + "."):
        return at(element, path[len(unwind) + 1 :])
    return at(document, path)


def at(value: Any, path: str) -> list[Any]:
    if isinstance(value, list):
        return [found for element in value for found in at(element, path)]
    name, _, rest = path.partition(".")
    if not isinstance(value, dict) or name not in value:
        return []
    return at(value[name], rest) if rest else [value[name]]


def plain(values: list[Any]) -> list[Any]:
    flat = [item for value in values for item in (value if isinstance(value, list) else [value])]
    return [item for item in flat if isinstance(item, str | int | float | bool)]


def same(one: Any, other: Any) -> bool:
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def distinct(values: list[Any]) -> list[Any]:
    found: list[Any] = []
    for value in values:
        if not any(same(value, known) for known in found):
            found.append(value)
    return found


def group_values(group: Group, values: list[Any]) -> list[Any]:
    found = [transformed(group, value) for value in plain(values)]
    return distinct([value for value in found if value is not None]) or [None]


def transformed(group: Group, value: Any) -> Any:
    if group.buckets is not None:
        return bucket(group, value)
    if group.date_trunc is None and group.date_part is None:
        return value
    moment = date(value)
    if moment is None:
        return None
    return truncated(moment, group.date_trunc) if group.date_trunc else part(moment, str(group.date_part))


def bucket(group: Group, value: Any) -> str | None:
    assert group.buckets is not None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    bounds = group.buckets.boundaries
    for number, (low, high) in enumerate(itertools.pairwise(bounds)):
        if low < value <= high or (number == 0 and value == low):
            return f"{low}-{high}"
    return group.buckets.default


def date(value: Any) -> datetime | None:
    if not isinstance(value, str) or len(value) < 10 or not value[:4].isdigit() or value[4] != "-":
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


def truncated(moment: datetime, unit: str) -> str:
    day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    start = {
        "year": day.replace(month=1, day=1),
        "month": day.replace(day=1),
        "week": day - timedelta(days=moment.isoweekday() - 1),
        "day": day,
        "hour": moment.replace(minute=0, second=0, microsecond=0),
        "minute": moment.replace(second=0, microsecond=0),
        "second": moment.replace(microsecond=0),
    }[unit]
    return start.strftime("%Y-%m-%dT%H:%M:%SZ").rjust(20, "0")  # years have four digits


def part(moment: datetime, unit: str) -> int:
    formats = {"year": "%Y", "month": "%m", "week": "%V", "day": "%d", "hour": "%H", "minute": "%M", "second": "%S"}
    if unit == "dayOfWeek":
        return int(moment.strftime("%w")) + 1
    return int(moment.strftime(formats.get(unit, "%j")))


def compute(metric: Metric, rows: list[Row]) -> Any:
    if metric.function == "count":
        return len(rows)
    assert metric.path is not None
    values = [value for row in rows for value in read(row, metric.path) if value is not None]
    scalars = plain(values)
    numbers = [Fraction(value) for value in scalars if not isinstance(value, bool | str)]
    match metric.function:
        case "first" | "last":
            return values[0 if metric.function == "first" else -1] if values else None
        case "push":
            return values
        case "add_to_set":
            return sorted(distinct(scalars), key=place)
        case "count_distinct":
            return len(distinct(scalars))
        case "sum":
            total = sum(numbers, Fraction(0))
            return int(total) if total.denominator == 1 and abs(total) < 2**63 else float(total)
        case "avg":
            return float(sum(numbers) / len(numbers)) if numbers else None
    return extreme(scalars, max if metric.function == "max" else min)


def extreme(scalars: list[Any], choose: Any) -> Any:
    numbers = [value for value in scalars if not isinstance(value, bool | str)]
    texts = sorted(value for value in scalars if isinstance(value, str))
    dates = [(value, moment) for value in texts if (moment := date(value)) is not None]
    if numbers:
        return choose(numbers)
    if dates:
        best = choose(moment for _, moment in dates)
        return next(value for value, moment in dates if moment == best)
    return choose(texts) if texts else None


def place(value: Any) -> tuple[int, Any]:
    """Numbers, strings, booleans, the rest."""
    if isinstance(value, bool):
        return 3, value
    if isinstance(value, str):
        return 2, value
    return (1, value) if isinstance(value, int | float) else (4, 0)


def ordered(rows: list[tuple[Document, Document]], name: str, descending: bool) -> list[tuple[Document, Document]]:
    def key(row: tuple[Document, Document]) -> tuple[int, Any] | None:
        found = plain([row[1].get(name, row[0].get(name))])
        return (max if descending else min)(map(place, found)) if found else None

    last = [row for row in rows if key(row) is None]
    rows = [row for row in rows if key(row) is not None]
    for index in range(len(rows)):  # an insertion sort, which is plainly stable
        while index > 0 and before(key(rows[index]), key(rows[index - 1]), descending):
            rows[index - 1], rows[index] = rows[index], rows[index - 1]
            index -= 1
    return rows + last


def before(one: Any, other: Any, descending: bool) -> bool:
    return bool(one > other if descending else one < other)


def meets(test: Having, metrics: Document) -> bool:
    found, wanted = metrics[test.metric], test.value
    if test.operator in ("eq", "ne"):
        return (place(found) == place(wanted) and not isinstance(found, list | dict)) == (test.operator == "eq")
    if place(found)[0] != place(wanted)[0] or place(found)[0] > 2:
        return False
    if isinstance(wanted, str) and date(wanted) is not None:
        found, wanted = date(found), date(wanted)
        if found is None:
            return False
    return {
        "gt": found > wanted,
        "gte": found >= wanted,
        "lt": found < wanted,
        "lte": found <= wanted,
    }[test.operator]
