"""What filters, sorts and searches mean, as pure functions over one document. No database, no HTTP.

``parse_filter`` turns a request's filter into a ``Filter``; ``compile_filter`` turns that into a function over anything
that can say which values stand at a path. Every other way to answer a query must agree with these.
"""

from headwater.query.dates import instant
from headwater.query.fields import Fields, PlainFields, Readable
from headwater.query.filters import AllOf, AnyOf, Condition, Filter, Not, paths_of
from headwater.query.matching import Predicate, compile_filter, matches
from headwater.query.ordering import MAX_SORTED_LENGTH, elements, sort_rank
from headwater.query.parsing import MAX_CONDITIONS, MAX_DEPTH, parse_filter
from headwater.query.searching import compile_search

__all__ = [
    "MAX_CONDITIONS",
    "MAX_DEPTH",
    "MAX_SORTED_LENGTH",
    "AllOf",
    "AnyOf",
    "Condition",
    "Fields",
    "Filter",
    "Not",
    "PlainFields",
    "Predicate",
    "Readable",
    "compile_filter",
    "compile_search",
    "elements",
    "instant",
    "matches",
    "parse_filter",
    "paths_of",
    "sort_rank",
]
