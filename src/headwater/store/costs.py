"""What a search costs, and which way of searching so is taken. Figures are in docs/decisions/0013."""

from __future__ import annotations

#: Collections of no more points are compared with a query point by point, even if there is a graph of them.
SMALL = 50_000
#: A graph is asked for no more than one in so many points: it leads badly to those that are further away.
_GRAPH_SHARE = 1_000

#: Microseconds, at 384 dimensions: to compare a point that is named by its id, a point of a whole collection, to follow
#: a graph at all, and to hand over a point that was found.
_NAMED, _COMPARED, _GRAPH, _FOUND = 1.1, 0.07, 400.0, 7.0
#: Points looked at for each that would do if those that match are spread evenly.
_MARGIN = 1.5


def is_for_a_graph(documents: int, wanted: float) -> bool:
    """Whether to follow a graph to the nearest points, rather than to compare all of them."""
    return documents > SMALL and wanted * _GRAPH_SHARE <= documents


def naming_is_cheaper(matching: int, documents: int, wanted: int) -> bool:
    """Whether to compare the ``matching`` documents by their ids, rather than to look for the ``wanted`` nearest of
    them among the nearest of all."""
    looked_at = _MARGIN * wanted * documents / max(1, matching)
    searched = _GRAPH if is_for_a_graph(documents, looked_at) else _COMPARED * documents
    return _NAMED * matching < searched + _FOUND * min(looked_at, documents)
