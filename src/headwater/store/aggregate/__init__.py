"""Aggregations over stored documents: by the field index where it holds all that is asked for, else by a scan.

The answer is the same either way, and a test says so for each.
"""

from headwater.store.aggregate.encoded import EncodedRows, encoded_groups, encoded_values
from headwater.store.aggregate.sources import Aggregated, Facets, ValueCount, aggregate_documents, facets

__all__ = [
    "Aggregated",
    "EncodedRows",
    "Facets",
    "ValueCount",
    "aggregate_documents",
    "encoded_groups",
    "encoded_values",
    "facets",
]
