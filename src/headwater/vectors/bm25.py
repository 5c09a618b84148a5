"""BM25 as sparse vectors: a document weighs its words, a query names them, the index knows how rare each is.

Only the storage process computes these: importing this loads the engine.
"""

from __future__ import annotations

import numpy as np
import qdrant_edge as qdrant

from headwater.vectors.interface import VectorData
from headwater.vectors.names import LEXICAL

#: How many words a text has on average. A constant, so that a document's weights do not move with its neighbours'.
AVERAGE_WORDS = 256
SATURATION, LENGTH_NORMALIZATION = 1.2, 0.75
#: Cutting a text into words goes at some 30 MB a second, and other writes wait for it.
MAX_CHARACTERS = 500_000

_model = qdrant.Bm25(qdrant.Bm25Config(k=SATURATION, b=LENGTH_NORMALIZATION, avg_len=AVERAGE_WORDS, language="english"))


def document_weights(text: str) -> VectorData | None:
    """What the text's words weigh; None when it has none but stop words."""
    return _vector(_model.embed_document(text[:MAX_CHARACTERS]))


def query_words(text: str) -> VectorData | None:
    """The words of a query, cut as those of documents are; None when it has none but stop words."""
    return _vector(_model.embed_query(text[:MAX_CHARACTERS]))


def _vector(found: qdrant.SparseVector) -> VectorData | None:
    if not found.indices:
        return None
    indices = np.asarray(found.indices, "<u4")
    order = np.argsort(indices)
    values = np.asarray(found.values, "<f4")[order]
    return VectorData(LEXICAL, "sparse", 1, len(values), values.tobytes(), indices[order].tobytes())
