"""Which store the settings name."""

from __future__ import annotations

from headwater.blobs.interface import BlobStore
from headwater.blobs.local import LocalBlobs
from headwater.errors import BadRequestError, NotEnabledError
from headwater.kit.secrets import Secret
from headwater.settings import Settings

_NEEDED = ("s3_bucket", "s3_access_key_id", "s3_secret_access_key")


def open_blobs(settings: Settings, secret: Secret) -> BlobStore:
    """The store of this process. Whoever opened it closes it.

    ``NotEnabledError`` when its package is not installed, ``BadRequestError`` when a setting of it is missing.
    """
    return LocalBlobs(settings, secret) if settings.blobs == "local" else _open_s3(settings)


def _open_s3(settings: Settings) -> BlobStore:
    missing = [f"HEADWATER_{name.upper()}" for name in _NEEDED if not getattr(settings, name)]
    if missing:
        raise BadRequestError(f"HEADWATER_BLOBS=s3 needs {', '.join(missing)} as well")
    try:
        from headwater.blobs.s3 import S3Blobs
    except ImportError as error:
        raise NotEnabledError(
            "HEADWATER_BLOBS=s3 needs a package that is not installed; run: pip install 'headwater[s3]'",
            details={"feature": "s3"},
        ) from error
    return S3Blobs(settings)
