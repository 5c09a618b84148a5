"""Which store the settings name."""

from __future__ import annotations

from importlib.util import find_spec

from headwater.blobs.interface import BlobStore
from headwater.blobs.local import LocalBlobs
from headwater.errors import BadRequestError, NotEnabledError
from headwater.kit.secrets import Secret
from headwater.settings import Settings

_NEEDED = ("s3_bucket", "s3_access_key_id", "s3_secret_access_key")


def open_blobs(settings: Settings, secret: Secret) -> BlobStore:
    """The store of this process. Whoever opened it closes it. Raises what ``check_blobs`` does."""
    check_blobs(settings)
    if settings.blobs == "local":
        return LocalBlobs(settings, secret)
    from headwater.blobs.s3 import S3Blobs

    return S3Blobs(settings)


def check_blobs(settings: Settings) -> None:
    """``NotEnabledError`` when the store's package is not installed, ``BadRequestError`` when a setting is missing."""
    if settings.blobs == "local":
        return
    missing = [f"HEADWATER_{name.upper()}" for name in _NEEDED if not getattr(settings, name)]
    if missing:
        raise BadRequestError(f"HEADWATER_BLOBS=s3 needs {', '.join(missing)} as well")
    if find_spec("obstore") is None:
        raise NotEnabledError(
            "HEADWATER_BLOBS=s3 needs a package that is not installed; run: pip install 'headwater[s3]'",
            details={"feature": "s3"},
        )
