"""What the field index knows of a filter in one collection, for a search whose order comes from elsewhere.

All functions here are for ``Runtime.find``.
"""

from __future__ import annotations

from typing import NamedTuple

import apsw
import msgspec
import numpy as np

from headwater.catalog.tables.collections import document_count
from headwater.store.costs import naming_is_cheaper
from headwater.store.find.budget import Budget
from headwater.store.find.candidates import choose_driver
from headwater.store.find.query import CREATION, Explain, Query
from headwater.store.find.rendering import COLLECTED, select
from headwater.store.find.streams import Stream

_decode_rows = msgspec.json.Decoder(list[int]).decode


class Narrowed(NamedTuple):
    #: In the collection.
    documents: int
    #: About how many may match, counted no further than ``COLLECTED``; None when the index cannot tell.
    size: int | None
    #: Every match is among these, as ``packed_rows`` makes them. None: look among the nearest instead.
    rows: bytes | None
    explain: Explain


def narrow(connection: apsw.Connection, budget: Budget, query: Query, collection_row: int, wanted: int) -> Narrowed:
    """Name the documents that may match, if they are few or the ``wanted`` nearest matches may be far down."""
    explain = Explain()
    documents = document_count(connection, collection_row)
    driver = choose_driver(connection, query, collection_row, explain, sized=True)
    if driver.located is None:
        return Narrowed(documents, None, None, explain)
    if driver.size >= COLLECTED or not naming_is_cheaper(driver.size, documents, wanted):
        return Narrowed(documents, max(driver.size, 1), None, explain)
    sql, parameters = select(driver.located, driver.place)
    # One row of the statement costs much less than one for each document.
    rows = connection.execute(f"SELECT json_group_array(document_row) FROM ({sql})", parameters).get
    packed = np.unique(np.array(_decode_rows(rows), "<i8"))
    return Narrowed(documents, len(packed), packed.tobytes(), explain)


class Matching(NamedTuple):
    """As ``packed_rows`` makes them, in ascending order."""

    rows: bytes
    explain: Explain


def matching_rows(connection: apsw.Connection, budget: Budget, query: Query, collection_row: int) -> Matching:
    """All documents of the collection that match."""
    explain = Explain()
    stream = Stream(connection, collection_row, query, CREATION, budget, explain)
    rows = np.fromiter((record[0] for record, _ in stream.records()), "<i8")
    rows.sort()
    return Matching(rows.tobytes(), explain)
