"""The field index: typed values of declared and often used paths, kept beside the records in the same transaction.

The index only finds documents, the record decides: an answer never depends on which paths are indexed. What an entry
is stands in ``entries``, how it follows every write in ``maintain``, how paths come and go in ``paths``.
"""
