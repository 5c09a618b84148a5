"""Documents: the unit that everything else is about."""
