"""Searching: feature search, the stages that follow it, and the pipelines made of both."""
