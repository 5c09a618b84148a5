"""Presigned URLs of S3 (Signature Version 4). obstore makes them too, but without what ours have to say: the type and
length that a PUT must have, the name and type that a GET answers with.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from urllib.parse import quote, urlsplit

from headwater.blobs.interface import LINK_SECONDS, checked_seconds
from headwater.blobs.keys import References
from headwater.blobs.presentation import disposition, served_type
from headwater.kit.clock import now_milliseconds

_ALGORITHM = "AWS4-HMAC-SHA256"
_MAX_URL = 2083
_NOTHING: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class S3Signer:
    """See ``Signer``. Its links lead to the store itself, so they end with their time and with the file, not with an
    API key of ours."""

    #: Scheme, host and bucket, and the prefix of all keys if there is one.
    base_url: str
    region: str
    access_key_id: str
    secret_access_key: str = field(repr=False)
    references: References

    def download(
        self, key: str, *, expires_seconds: int = LINK_SECONDS, content_type: str = "", filename: str = ""
    ) -> str:
        answer = {
            "response-content-type": served_type(content_type),
            "response-content-disposition": disposition(content_type, filename),
        }
        url = self.presign("GET", key, expires_seconds, answer)
        if len(url) > _MAX_URL:
            # A long name outside ASCII, which is encoded twice. Clients would refuse the URL.
            answer["response-content-disposition"] = disposition(content_type, "")
            url = self.presign("GET", key, expires_seconds, answer)
        return url

    def upload(
        self,
        key: str,
        *,
        expires_seconds: int = LINK_SECONDS,
        content_type: str,
        size_bytes: int | None = None,
    ) -> str:
        headers = {"content-type": content_type}
        if size_bytes is not None:
            headers["content-length"] = str(size_bytes)
        return self.presign("PUT", key, expires_seconds, headers=headers)

    def presign(
        self,
        method: str,
        key: str,
        expires_seconds: int,
        query: Mapping[str, str] = _NOTHING,
        headers: Mapping[str, str] = _NOTHING,
    ) -> str:
        """A URL for that method. ``query`` is a part of it, and the request must come with these ``headers``."""
        moment = datetime.fromtimestamp(now_milliseconds() / 1000, UTC).strftime("%Y%m%dT%H%M%SZ")
        area = f"{moment[:8]}/{self.region}/s3/aws4_request"
        split = urlsplit(f"{self.base_url}/{key}")
        signed = {"host": split.netloc, **headers}
        text = _query(
            {
                "X-Amz-Algorithm": _ALGORITHM,
                "X-Amz-Credential": f"{self.access_key_id}/{area}",
                "X-Amz-Date": moment,
                "X-Amz-Expires": str(checked_seconds(expires_seconds)),
                "X-Amz-SignedHeaders": ";".join(sorted(signed)),
                **query,
            }
        )
        lines = [f"{name}:{signed[name].strip()}" for name in sorted(signed)]
        request = "\n".join([method, split.path, text, *lines, "", ";".join(sorted(signed)), "UNSIGNED-PAYLOAD"])
        to_sign = "\n".join([_ALGORITHM, moment, area, sha256(request.encode()).hexdigest()])
        signature = hmac.new(self._key(area), to_sign.encode(), sha256).hexdigest()
        return f"{split.scheme}://{split.netloc}{split.path}?{text}&X-Amz-Signature={signature}"

    def _key(self, area: str) -> bytes:
        key = f"AWS4{self.secret_access_key}".encode()
        for part in area.split("/"):
            key = hmac.digest(key, part.encode(), sha256)
        return key


def _query(values: Mapping[str, str]) -> str:
    return "&".join(f"{name}={quote(values[name], safe='-_.~')}" for name in sorted(values))
