"""What a collection's stored body follows from: its namespace, its sources, its extractor. Pure functions."""
