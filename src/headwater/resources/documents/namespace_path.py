"""Routes that name their namespace in the path instead of ``X-Namespace``."""

from __future__ import annotations

from dataclasses import replace

from headwater.context import Context
from headwater.tenancy.access import access_namespace


def in_namespace(ctx: Context, identifier: str) -> Context:
    """The context as if ``X-Namespace`` had named that namespace. Raises ``NotFoundError``."""
    return replace(ctx, namespace=access_namespace(ctx, identifier))
