"""Both stores, each empty."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from headwater.blobs.interface import BlobStore
from headwater.blobs.local import LocalBlobs
from headwater.blobs.opening import open_blobs
from headwater.kit.secrets import Secret
from headwater.settings import Settings

from .seaweed import Seaweed, running

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


@pytest.fixture(scope="session")
def seaweed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seaweed]:
    with running(tmp_path_factory.mktemp("seaweed")) as server:
        yield server


@pytest.fixture
async def s3(seaweed: Seaweed, tmp_path: Path, anyio_backend: str) -> AsyncIterator[BlobStore]:
    store = open_blobs(seaweed.settings(tmp_path), SECRET)
    yield store
    await store.close()


@pytest.fixture(params=["local", "s3"])
def store(request: pytest.FixtureRequest) -> BlobStore:
    found: BlobStore = request.getfixturevalue(request.param)
    return found
