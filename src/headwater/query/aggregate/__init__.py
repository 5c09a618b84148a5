"""Groups of documents and functions over them. Every other way to compute an aggregation must agree with these."""

from headwater.query.aggregate.answer import ResultRow
from headwater.query.aggregate.budget import MAX_GROUPS, MemoryBudget
from headwater.query.aggregate.engine import Aggregation, Row, aggregate
from headwater.query.aggregate.plan import Buckets, Group, Having, Metric, Order, Plan

__all__ = [
    "MAX_GROUPS",
    "Aggregation",
    "Buckets",
    "Group",
    "Having",
    "MemoryBudget",
    "Metric",
    "Order",
    "Plan",
    "ResultRow",
    "Row",
    "aggregate",
]
