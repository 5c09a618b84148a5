"""Feature search: the nearest documents to vectors and texts, under a filter, in one ranking."""
