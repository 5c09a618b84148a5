"""Documents and the principal of a key: who asks, and whether a document is there for them."""

from __future__ import annotations

from headwater.context import Context
from headwater.store.documents import acl
from headwater.store.documents.records import DocumentRow


def principal_of(ctx: Context) -> str | None:
    """The end user that the key stands for; None is a key of the organization, which no ACL confines."""
    return ctx.key.principal_id


def idempotency_scope(ctx: Context, route: str) -> str:
    """Where an ``Idempotency-Key`` holds: a replay shows a document, so it is for the same principal only."""
    principal = principal_of(ctx)
    return route if principal is None else f"{route} as {principal}"


def require_readable(ctx: Context, document: DocumentRow | None, document_id: str) -> DocumentRow:
    """The document, or ``NotFoundError`` when there is none or the caller may not see it."""
    return acl.require_readable(document, document_id, principal_of(ctx))


def require_writable(ctx: Context, document: DocumentRow | None, document_id: str) -> DocumentRow:
    """The same, and ``ForbiddenError`` when the caller may not change it.

    For an early answer only: the ACL may change until the write runs, so its command has to ask again.
    """
    return acl.require_writable(document, document_id, principal_of(ctx))
