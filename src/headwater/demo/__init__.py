"""Real input to try the warehouse on: the Python standard library of this machine."""
