"""Links to the files of exports: whoever has one may fetch the file until the link expires, and nothing else."""

from __future__ import annotations

import msgspec

from headwater.errors import SignatureError
from headwater.kit.clock import now_milliseconds
from headwater.kit.secrets import Secret
from headwater.kit.signing import read_signed, sign

#: The path that a token is the last segment of.
PATH = "/v1/_storage"
_PURPOSE = "downloads"
#: Ours have some two hundred characters.
_MAX_LENGTH = 1024


class Link(msgspec.Struct, array_like=True, frozen=True):
    """One file of one export of one organization, until a moment in milliseconds."""

    organization_id: str
    export_id: str
    name: str
    expires_at: int


def write_link(secret: Secret, link: Link) -> str:
    """The token of the link."""
    return sign(secret.derive(_PURPOSE), msgspec.json.encode(link))


def read_link(secret: Secret, token: str) -> Link:
    """The link of a token that we wrote and that has not expired. Raises ``SignatureError``."""
    payload = read_signed(secret.derive(_PURPOSE), token) if len(token) <= _MAX_LENGTH else None
    if payload is None:
        raise SignatureError(
            "The link is not one of this server, or it was changed; copy all of it, or ask for a new one"
        )
    link = msgspec.json.decode(payload, type=Link)
    if link.expires_at <= now_milliseconds():
        raise SignatureError("The link has expired; export again for a new one", code="link_expired")
    return link
