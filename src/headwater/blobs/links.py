"""Links to files of the local store: a token behind an HMAC, which is all that a caller needs to bring.

The link of an API key dies with it. It is bound to the method, the file, the time, and for a PUT to the content's type
and length; whoever changes a character of it has nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from headwater.blobs.interface import LINK_SECONDS, checked_seconds
from headwater.blobs.keys import References
from headwater.errors import SignatureError
from headwater.kit.clock import now_milliseconds
from headwater.kit.secrets import Secret
from headwater.kit.signing import read_signed, sign

#: The path that a token is the last segment of.
PATH = "/v1/_storage"
_PURPOSE = "blobs"
#: What clients take for the longest URL.
_MAX_LENGTH = 2083


class BlobLink(msgspec.Struct, array_like=True, frozen=True):
    """One method on one file until a moment in milliseconds, on behalf of an API key."""

    method: str
    key: str
    expires_at: int
    key_id: str
    content_type: str = ""
    filename: str = ""
    #: What a PUT has to send.
    size_bytes: int | None = None


def signing_key(secret: Secret) -> bytes:
    return secret.derive(_PURPOSE)


@dataclass(frozen=True, slots=True)
class LocalSigner:
    """See ``Signer``."""

    secret: bytes = field(repr=False)
    public_url: str
    key_id: str
    references: References

    def download(
        self, key: str, *, expires_seconds: int = LINK_SECONDS, content_type: str = "", filename: str = ""
    ) -> str:
        return self._url(BlobLink("GET", key, _until(expires_seconds), self.key_id, content_type, filename))

    def upload(
        self,
        key: str,
        *,
        expires_seconds: int = LINK_SECONDS,
        content_type: str,
        size_bytes: int | None = None,
    ) -> str:
        return self._url(BlobLink("PUT", key, _until(expires_seconds), self.key_id, content_type, "", size_bytes))

    def _url(self, link: BlobLink) -> str:
        return f"{self.public_url.rstrip('/')}{PATH}/{sign(self.secret, msgspec.json.encode(link))}"


def _until(seconds: int) -> int:
    return now_milliseconds() + checked_seconds(seconds) * 1000


def read_link(secret: Secret, token: str) -> BlobLink | None:
    """The link of a token that a signer here wrote; None for any other text. ``SignatureError`` when it expired."""
    payload = read_signed(signing_key(secret), token) if len(token) <= _MAX_LENGTH else None
    if payload is None:
        return None
    link = msgspec.json.decode(payload, type=BlobLink)
    if link.expires_at <= now_milliseconds():
        raise SignatureError("The link has expired; ask for a new one", code="link_expired")
    return link
