"""The command ``headwater``. One module a noun; each is loaded only when its command runs."""

from __future__ import annotations

from headwater.cli.application import main

__all__ = ["main"]
