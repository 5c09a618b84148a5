"""The command ``headwater``. One module a noun; what serves, stores or computes is imported when a command runs."""

from __future__ import annotations

from headwater.cli.application import main

__all__ = ["main"]
