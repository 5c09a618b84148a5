"""Models that run here: text embedding and re-ranking, in a process of their own."""
