"""From what an engine measures to a score of which larger is always better.

========== ===========================================
cosine     the cosine, from -1 to 1
dot        the product
euclidean  1 / (1 + distance), from 1 for equal vectors
manhattan  1 / (1 + distance), from 1 for equal vectors
sparse     the product; BM25 for text
multi      the sum, over the query's rows, of the best cosine or product with any row of the document
========== ===========================================
"""

from __future__ import annotations

from headwater.vectors.interface import Distance


def score_of(distance: Distance, measured: float) -> float:
    """``measured`` is a similarity for cosine and dot, a distance for the others."""
    if distance in ("cosine", "dot"):
        return measured
    return 1 / (1 + measured)
