"""Random plans over random documents: the engine answers what the plain model answers."""

from __future__ import annotations

import random
from typing import Any, get_args

from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.query.aggregate import Buckets, Group, Having, Metric, Order, Plan, aggregate
from headwater.query.aggregate.plan import Comparison, Function, PartUnit, TruncUnit
from tests.query.aggregate_model import at, model

DATES = ["2026-01-05", "2026-01-05T00:00:00Z", "2026-01-05T01:30:00+02:00", "2025-12-29T23:59:59.5", "2024-02-29"]
dates = st.one_of(
    st.sampled_from([*DATES, "2024-02-30", "24-1-1"]),
    st.datetimes().map(lambda moment: moment.isoformat()[:19] + "Z"),
)
small = st.sampled_from([0, 1, 1.0, 2, 2.5, True, False, None, "a", "B", "1"])
scalars = st.one_of(
    small,
    st.sampled_from(["", "true", 0.1, 1e300, 2**53 + 1]),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False, width=32),
)
leaves = st.one_of(small, scalars, st.lists(small, max_size=3))
items = st.one_of(st.none(), scalars, st.fixed_dictionaries({}, optional={"kind": leaves, "size": leaves}))
documents = st.fixed_dictionaries(
    {"a": small, "items": st.one_of(items, st.lists(items, max_size=3))},
    optional={"b": leaves, "at": st.one_of(dates, dates, leaves)},
)
paths = st.sampled_from(["a", "b", "at", "items", "items.kind", "items.size", "none"])
dated = st.sampled_from(["at", "at", "a", "b"])

groups = st.one_of(
    st.builds(Group, st.just("?"), paths),
    st.builds(Group, st.just("?"), dated, date_trunc=st.sampled_from(get_args(TruncUnit))),
    st.builds(Group, st.just("?"), dated, date_part=st.sampled_from(get_args(PartUnit))),
    st.builds(
        Group,
        st.just("?"),
        paths,
        buckets=st.builds(
            Buckets,
            st.lists(st.integers(-5, 5), min_size=1, max_size=4, unique=True).map(lambda found: tuple(sorted(found))),
            st.sampled_from(["other", "rest"]),
        ),
    ),
)
functions = st.sampled_from(get_args(Function))


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    found = draw(st.lists(groups, max_size=3))
    named = tuple(
        Group(f"g{number}", group.path, group.date_trunc, group.date_part, group.buckets)
        for number, group in enumerate(found)
    )
    metrics = tuple(
        Metric(f"m{number}", function, draw(paths))
        for number, function in enumerate(draw(st.lists(functions, min_size=1, max_size=4)))
    )
    names = st.sampled_from([metric.name for metric in metrics])
    either = st.sampled_from([part.name for part in (*named, *metrics)])
    having = st.builds(Having, names, st.sampled_from(get_args(Comparison)), st.one_of(scalars, dates))
    return Plan(
        named,
        metrics,
        unwind=draw(st.sampled_from([None, "items", "items.kind"])),
        having=tuple(draw(st.lists(having, max_size=2))),
        order=draw(st.none() | st.builds(Order, either, st.booleans())),
        limit=draw(st.none() | st.integers(1, 5)),
    )


def rows_of(plan: Plan, found: list[dict[str, Any]]) -> list[dict[str, list[Any]]]:
    return [{path: at(document, path) for path in plan.paths} for document in found]


def typed(value: Any) -> Any:
    """Tells true from 1, which Python does not."""
    if isinstance(value, dict):
        return {key: typed(member) for key, member in value.items()}
    if isinstance(value, list | tuple):
        return [typed(member) for member in value]
    return (isinstance(value, bool), value)


@settings(max_examples=1500, deadline=None)
@given(plans(), st.lists(documents, max_size=8))
def test_engine_and_model_agree(plan: Plan, found: list[dict[str, Any]]) -> None:
    assert typed(aggregate(plan, rows_of(plan, found))) == typed(model(plan, found))


@settings(max_examples=300, deadline=None)
@given(st.lists(documents, max_size=8), st.randoms(use_true_random=False))
def test_order_of_documents_matters_only_to_first_last_and_push(
    found: list[dict[str, Any]], shuffle: random.Random
) -> None:
    names = [name for name in get_args(Function) if name not in ("first", "last", "push")]
    plan = Plan((Group("a", "a"),), tuple(Metric(name, name, "b") for name in names))
    rows = rows_of(plan, found)
    before = aggregate(plan, rows)
    shuffle.shuffle(rows)
    assert typed(aggregate(plan, rows)) == typed(before)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(dates, dates, small), max_size=6))
def test_dates_agree(found: list[Any]) -> None:
    parts = (*(Group(name, "at", date_part=name) for name in get_args(PartUnit)),)
    starts = (*(Group(name, "at", date_trunc=name) for name in get_args(TruncUnit)),)
    extremes = (Metric("min", "min", "at"), Metric("max", "max", "at"))
    rows = [{"at": value} for value in found]
    for plan in (Plan(parts, extremes), Plan(starts, extremes), Plan((), extremes)):
        assert typed(aggregate(plan, rows_of(plan, rows))) == typed(model(plan, rows))
