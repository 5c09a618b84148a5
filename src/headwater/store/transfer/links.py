"""Links to the files of exports: whoever has one may fetch the file until the link expires, and nothing else."""

from __future__ import annotations

import base64
import binascii
import hmac
from hashlib import sha256

import msgspec

from headwater.errors import SignatureError
from headwater.kit.clock import now_milliseconds
from headwater.kit.secrets import Secret

#: The path that a token is the last segment of.
PATH = "/v1/_storage"
_PURPOSE = "downloads"
_MAC_BYTES = 32
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
    payload = msgspec.json.encode(link)
    return base64.urlsafe_b64encode(_mac(secret, payload) + payload).rstrip(b"=").decode()


def read_link(secret: Secret, token: str) -> Link:
    """The link of a token that we wrote and that has not expired. Raises ``SignatureError``."""
    raw = _decoded(token)
    mac, payload = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
    if not hmac.compare_digest(mac, _mac(secret, payload)):
        raise _refused()
    link = msgspec.json.decode(payload, type=Link)
    if link.expires_at <= now_milliseconds():
        raise SignatureError("The link has expired; export again for a new one", code="link_expired")
    return link


def _decoded(token: str) -> bytes:
    if len(token) > _MAX_LENGTH:
        raise _refused()
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise _refused() from None
    # Base64 ignores some bits of the last character; only the one spelling that we gave out is accepted.
    if base64.urlsafe_b64encode(raw).rstrip(b"=").decode() != token:
        raise _refused()
    return raw


def _mac(secret: Secret, payload: bytes) -> bytes:
    return hmac.digest(secret.derive(_PURPOSE), payload, sha256)


def _refused() -> SignatureError:
    return SignatureError("The link is not one of this server, or it was changed; export again for a new one")
