"""The stages of a pipeline, each in the module of its id."""
