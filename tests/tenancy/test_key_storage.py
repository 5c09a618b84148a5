"""A secret is in one answer and nowhere else; guessing is slowed down for the one who guesses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx2
import pytest

from headwater.settings import Settings

from .conftest import ADMIN

pytestmark = pytest.mark.anyio


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"failed_keys_per_minute": 50})


def files_with(directory: Path, secret: str) -> list[str]:
    return sorted(
        str(path.relative_to(directory))
        for path in directory.rglob("*")
        if path.is_file() and secret.encode() in path.read_bytes()
    )


async def test_plaintext_is_in_no_file_and_no_log(
    admin: httpx2.AsyncClient,
    settings: Settings,
    admin_key: str,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    made = (await admin.post(f"{ADMIN}/api-keys", json={"name": "a"})).json()["key"]
    rotated = (await admin.post(f"{ADMIN}/api-keys/a/rotate")).json()["key"]
    token = (settings.data / "private-token").read_text().strip()
    operator = {"Authorization": f"Bearer {token}"}
    second = await admin.post("/v1/private/organizations", json={"organization_name": "B"}, headers=operator)
    for secret in (made, rotated, second.json()["key"]):
        await admin.get("/v1/me", headers={"Authorization": f"Bearer {secret}"})
        # A secret in the wrong place, such as a path, must not be written down either.
        await admin.get(f"{ADMIN}/api-keys/{secret}", headers={"X-Namespace": secret}, params={"q": secret})
        await admin.delete(f"{ADMIN}/api-keys/{secret}")
        assert files_with(settings.data, secret) == []
    assert files_with(settings.data, admin_key) == ["admin-key"]
    assert files_with(settings.data, token) == ["private-token"]
    written = "".join(capsys.readouterr()) + caplog.text
    assert "/v1/me" in written, "requests are logged"
    assert not any(secret in written for secret in (made, rotated, second.json()["key"], admin_key, token))


async def test_secret_is_shown_by_no_later_answer(admin: httpx2.AsyncClient) -> None:
    secret = (await admin.post(f"{ADMIN}/api-keys", json={"name": "a"})).json()["key"]
    for path in (f"{ADMIN}/api-keys", "/v1/me", "/v1/organizations", ADMIN, "/v1/organizations/users"):
        assert secret not in (await admin.get(path)).text


def client_from(app: Any, address: str, authorization: str) -> httpx2.AsyncClient:
    transport = httpx2.ASGITransport(app=app, client=(address, 1))
    headers = {"Authorization": authorization}
    return httpx2.AsyncClient(transport=transport, base_url="http://headwater", headers=headers)


async def test_a_thousand_bad_keys_slow_down_their_source_only(app: Any, admin_key: str) -> None:
    async with client_from(app, "10.0.0.1", "Bearer bad") as guesser:
        statuses = [(await guesser.get("/v1/me")).status_code for _ in range(1000)]
        assert statuses == [401] * 50 + [429] * 950
        refused = await guesser.get("/v1/me")
        assert 1 <= int(refused.headers["Retry-After"]) <= 60
        assert refused.json()["error"]["type"] == "TooManyRequestsError"
        # The neighbours behind the same address keep working.
        good = {"Authorization": f"Bearer {admin_key}"}
        assert (await guesser.get("/v1/me", headers=good)).status_code == 200
    async with client_from(app, "10.0.0.2", "Bearer bad") as other:
        assert (await other.get("/v1/me")).status_code == 401


async def test_no_key_at_all_is_no_guess(app: Any, anonymous: httpx2.AsyncClient) -> None:
    assert {(await anonymous.get("/v1/me")).status_code for _ in range(100)} == {401}
