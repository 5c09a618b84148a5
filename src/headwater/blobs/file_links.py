"""Links to the files of one namespace, from the references that its records have."""

from __future__ import annotations

from dataclasses import dataclass

from headwater.blobs.interface import Signer
from headwater.blobs.keys import belongs_to
from headwater.scope import NamespaceScope

_PLAIN = ("http://", "https://")


@dataclass(frozen=True, slots=True)
class FileLinks:
    """Plain data, as its signer is: it may be pickled for a lane."""

    signer: Signer
    scope: NamespaceScope

    def signed(self, reference: str, content_type: str = "", filename: str = "") -> str | None:
        """Where anybody may fetch the file for the next hour; None for a reference to anything else.

        Whoever writes a record may name any key in it, so one of another namespace is just a text.
        """
        key = self.signer.references.key_of(reference)
        if key is None or not belongs_to(key, self.scope):
            return None
        return self.signer.download(key, content_type=content_type, filename=filename)

    def fetched_at(self, reference: str, content_type: str = "", filename: str = "") -> str | None:
        """The same for what a blob refers to, where a plain http(s) URL is its own link."""
        if reference.lower().startswith(_PLAIN):
            return reference
        return self.signed(reference, content_type, filename)
