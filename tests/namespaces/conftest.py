"""A second organization, and filled namespaces."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from headwater.settings import Settings


@pytest.fixture
async def stranger(app: Any, settings: Settings, anonymous: httpx2.AsyncClient) -> AsyncIterator[httpx2.AsyncClient]:
    """A client with the admin key of another organization."""
    token = (settings.data / "private-token").read_text().strip()
    made = await anonymous.post(
        "/v1/private/organizations",
        json={"organization_name": "Other", "users": [{"email": "b@example.com", "user_name": "Bea", "role": "admin"}]},
        headers={"Authorization": f"Bearer {token}"},
    )
    assert made.status_code == 200, made.text
    headers = {"Authorization": f"Bearer {made.json()['key']}"}
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://headwater", headers=headers) as client:
        yield client
