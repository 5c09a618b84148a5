"""The text index: BM25 over the fields that a namespace declares as ``text``.

A document's weights stand in its row of ``vectors``, beside its vectors and apart from them, so nothing that shows or
copies vectors meets them. They are a point of the vector index like any vector, under a name that no caller can give.
Which fields are meant is in ``indexes``, how a write keeps a document's weights right in ``weights``.
"""
