"""Both stores, each empty."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from headwater.blobs.interface import BlobStore
from headwater.blobs.local import LocalBlobs
from headwater.kit.secrets import Secret
from headwater.settings import Settings

SECRET = Secret(b"s" * 32)


@pytest.fixture
def directory(settings: Settings) -> Path:
    settings.data.mkdir()
    return settings.data


@pytest.fixture
async def local(settings: Settings, directory: Path, anyio_backend: str) -> AsyncIterator[LocalBlobs]:
    store = LocalBlobs(settings, SECRET)
    yield store
    await store.close()


@pytest.fixture(params=["local"])
def store(request: pytest.FixtureRequest) -> BlobStore:
    found: BlobStore = request.getfixturevalue(request.param)
    return found
