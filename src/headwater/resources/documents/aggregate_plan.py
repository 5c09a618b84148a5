"""From the body of an aggregation to its plan: what one field alone cannot say about the others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from headwater.errors import ValidationError
from headwater.query.aggregate import Buckets, Group, Having, Metric, Order, Plan
from headwater.resources.documents.schemas_aggregate import AggregateBody, AggregationOperation

Location = list[str | int]


def plan_of(body: AggregateBody) -> Plan:
    """The plan. Raises ``ValidationError`` with the place of what does not fit together."""
    groups = (*_groups(body), *_buckets(body))
    metrics = tuple(_metrics(body))
    _require_groups(body, groups)
    having = tuple(_having(body, metrics))
    return Plan(groups, metrics, body.unwind, having, _order(body, groups, metrics), body.limit)


def _groups(body: AggregateBody) -> Iterator[Group]:
    for index, field in enumerate(body.group_by):
        if field.date_trunc is not None and field.date_part is not None:
            raise _at(["group_by", index, "date_part"], "date_part and date_trunc exclude each other; leave one out")
        yield Group(field.alias or field.field, field.field, field.date_trunc, field.date_part)


def _buckets(body: AggregateBody) -> Iterator[Group]:
    for index, bucket in enumerate(body.range_buckets):
        boundaries = tuple(bucket.boundaries)
        if any(low >= high for low, high in pairwise(boundaries)):
            raise _at(["range_buckets", index, "boundaries"], "boundaries must ascend, each larger than the one before")
        default = "other" if bucket.default_bucket is None else bucket.default_bucket
        yield Group(bucket.field, bucket.field, buckets=Buckets(boundaries, default))


def _metrics(body: AggregateBody) -> Iterator[Metric]:
    _require_unlike([operation.alias for operation in body.aggregations], "aggregations", "alias")
    for index, operation in enumerate(body.aggregations):
        path = _path_of(operation)
        if path is None and operation.function != "count":
            raise _at(
                ["aggregations", index, "field"],
                f"{operation.function} needs a field, such as metadata.price",
                "missing",
            )
        yield Metric(operation.alias, operation.function, path)


def _path_of(operation: AggregationOperation) -> str | None:
    if operation.function == "count":
        return None
    if operation.function == "count_distinct":
        return operation.distinct_field or operation.field
    return operation.field


def _require_groups(body: AggregateBody, groups: Sequence[Group]) -> None:
    names = [group.name for group in groups]
    fields = len(body.group_by)
    _require_unlike(names[:fields], "group_by", "alias")
    _require_unlike(names, "range_buckets", "field", before=fields)
    others = [operation.function for operation in body.aggregations if operation.function != "count"]
    if not groups and others:
        raise _at(
            ["group_by"], f"{others[0]} needs at least one field to group by; only count does without", "too_short"
        )


def _require_unlike(names: Sequence[str], part: str, key: str, before: int = 0) -> None:
    for index, name in enumerate(names):
        if index >= before and name in names[:index]:
            raise _at([part, index - before, key], f"the name {name!r} is taken; give each its own alias")


def _having(body: AggregateBody, metrics: Iterable[Metric]) -> Iterator[Having]:
    aliases = [metric.name for metric in metrics]
    for index, condition in enumerate(body.having):
        if condition.field not in aliases:
            raise _at(
                ["having", index, "field"],
                f"{condition.field!r} is no alias of an aggregation; there are {', '.join(aliases)}",
            )
        yield Having(condition.field, condition.operator, condition.value)


def _order(body: AggregateBody, groups: Iterable[Group], metrics: Iterable[Metric]) -> Order | None:
    if body.sort_by is None:
        return None
    names = [*(group.name for group in groups), *(metric.name for metric in metrics)]
    if body.sort_by not in names:
        raise _at(
            ["sort_by"], f"{body.sort_by!r} is no group and no alias of an aggregation; there are {', '.join(names)}"
        )
    return Order(body.sort_by, body.sort_direction == "desc")


def _at(place: Location, message: str, kind: str = "value_error") -> ValidationError:
    where = ".".join(map(str, place))
    return ValidationError.at(["body", *place], f"{where}: {message}", kind)
