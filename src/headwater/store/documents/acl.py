"""Document ACLs: what the principal of a key may do with a document.

``_internal._acl`` is ``{"owner"?, "read": [...], "write": [...], "public": bool}``. The principal None is a key of the
organization itself: it may do everything. A document without an ACL is for such keys alone. Whoever may write may read.

A document that a principal may not read is not there for it: every answer is the one for an id that nobody has.
"""

from __future__ import annotations

from typing import Any

import msgspec

from headwater.errors import ForbiddenError, NotFoundError, ValidationError
from headwater.store.documents.records import DocumentRow

MAX_LISTED = 256
MAX_PRINCIPAL_LENGTH = 256

Acl = dict[str, Any]
_LISTS = ("read", "write")
_MEMBERS = frozenset({*_LISTS, "public"})


class _Internal(msgspec.Struct):
    acl: Acl | None = msgspec.field(name="_acl", default=None)


_decoder = msgspec.json.Decoder(_Internal)


def acl_of(internal: bytes) -> Acl | None:
    """The ACL in a document's ``_internal``."""
    # Most documents have none, and this look is much cheaper than decoding.
    return _decoder.decode(internal).acl if b'"_acl"' in internal else None


def readable_by(acl: Acl | None, principal: str | None) -> bool:
    if principal is None:
        return True
    if acl is None:
        return False
    return acl.get("public") is True or principal in acl.get("read", ()) or writable_by(acl, principal)


def writable_by(acl: Acl | None, principal: str | None) -> bool:
    if owned_by(acl, principal):
        return True
    return acl is not None and principal in acl.get("write", ())


def owned_by(acl: Acl | None, principal: str | None) -> bool:
    """Whether the principal may change the ACL itself."""
    return principal is None or (acl is not None and acl.get("owner") == principal)


def can_read(document: DocumentRow, principal: str | None) -> bool:
    return principal is None or readable_by(acl_of(document.internal), principal)


def require_readable(document: DocumentRow | None, document_id: str, principal: str | None) -> DocumentRow:
    """The document. ``NotFoundError`` when it is None or hidden from the principal: the two are one."""
    if document is None or not can_read(document, principal):
        raise NotFoundError.of("document", document_id)
    return document


def require_writable(document: DocumentRow | None, document_id: str, principal: str | None) -> DocumentRow:
    """The document. ``NotFoundError`` when it is hidden, ``ForbiddenError`` when it may be read but not changed."""
    document = require_readable(document, document_id, principal)
    if principal is not None:
        check_writable(acl_of(document.internal), document_id, principal)
    return document


def check_writable(acl: Acl | None, document_id: str, principal: str | None) -> None:
    """``ForbiddenError`` when the principal may not change a document that it may read."""
    if principal is not None and not writable_by(acl, principal):
        raise _forbidden(document_id, principal, "write", "change it; ask its owner for the right to write")


def require_owned(document: DocumentRow | None, document_id: str, principal: str | None) -> DocumentRow:
    """The document. ``NotFoundError`` when it is hidden, ``ForbiddenError`` for everybody but its owner."""
    document = require_readable(document, document_id, principal)
    if principal is not None and not owned_by(acl_of(document.internal), principal):
        raise _forbidden(document_id, principal, "owner", "change its ACL; only its owner and organization keys may")
    return document


def _forbidden(document_id: str, principal: str, right: str, what: str) -> ForbiddenError:
    return ForbiddenError(
        f"The principal {principal!r} may read the document {document_id}, but not {what}",
        details={"resource": "document", "id": document_id, "required_right": right},
        code="document_acl",
    )


def new_acl(owner: str | None = None) -> Acl:
    """An ACL that lets nobody in but its owner."""
    return ({} if owner is None else {"owner": owner}) | {"read": [], "write": [], "public": False}


def parse_acl(sent: dict[str, Any], at: list[str | int]) -> Acl:
    """The members of an ACL that a request sets. ``null`` is absent. Raises ``ValidationError``."""
    for name in sent:
        if name not in _MEMBERS:
            message = f"unknown key {name!r}; accepted are {', '.join(sorted(_MEMBERS))}"
            raise ValidationError.at([*at, name], message, "extra_forbidden")
    given = {name: value for name, value in sent.items() if value is not None}
    for name in _LISTS:
        _check_list(given.get(name, []), [*at, name])
    if type(given.get("public", False)) is not bool:
        raise ValidationError.at([*at, "public"], "public must be true or false", "bool_type")
    return given


def _check_list(listed: Any, at: list[str | int]) -> None:
    if type(listed) is not list or len(listed) > MAX_LISTED:
        raise ValidationError.at(at, f"{at[-1]} must be a list of up to {MAX_LISTED} principals", "list_type")
    for number, principal in enumerate(listed):
        if type(principal) is not str or not 1 <= len(principal) <= MAX_PRINCIPAL_LENGTH:
            message = f"a principal must be a string of 1 to {MAX_PRINCIPAL_LENGTH} characters"
            raise ValidationError.at([*at, number], message, "string_type")
