"""Headwater: a self-hosted document warehouse for multimodal data."""

__version__ = "0.1.0"
