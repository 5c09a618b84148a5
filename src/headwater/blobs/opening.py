"""Which store the settings name."""

from __future__ import annotations

from headwater.blobs.interface import BlobStore
from headwater.blobs.local import LocalBlobs
from headwater.kit.secrets import Secret
from headwater.settings import Settings


def open_blobs(settings: Settings, secret: Secret) -> BlobStore:
    """The store of this process. Whoever opened it closes it."""
    return LocalBlobs(settings, secret)
