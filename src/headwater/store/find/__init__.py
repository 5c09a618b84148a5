"""Finding documents: what a filter matches, in which order, by the field index where it helps.

``find_page``, ``count``, ``walk`` and ``find_groups`` read one snapshot of the database. Each takes a ``Budget``: what
exceeds it raises instead of going on, so that a caller can try in a thread and leave what is heavy to a lane.
"""

from headwater.store.find.budget import Budget, BudgetExceededError
from headwater.store.find.counting import Counted, count
from headwater.store.find.fields import fields_of
from headwater.store.find.grouping import Group, GroupPage, find_groups
from headwater.store.find.pages import FoundPage, find_page, position_in_creation, walk
from headwater.store.find.query import Explain, Order, Partition, Position, Query

__all__ = [
    "Budget",
    "BudgetExceededError",
    "Counted",
    "Explain",
    "FoundPage",
    "Group",
    "GroupPage",
    "Order",
    "Partition",
    "Position",
    "Query",
    "count",
    "fields_of",
    "find_groups",
    "find_page",
    "position_in_creation",
    "walk",
]
