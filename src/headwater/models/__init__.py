"""Models that run here: text embedding and re-ranking, in a process of their own."""

#: Where the model process listens, beside the socket of the storage process.
MODEL_SOCKET = "models.sock"
