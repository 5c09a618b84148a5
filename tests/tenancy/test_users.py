"""The users' routes."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from .conftest import ADMIN

pytestmark = pytest.mark.anyio

USERS = "/v1/organizations/users"
ADA = {"email": "ada@example.com", "user_name": "Ada Lovelace"}


@pytest.fixture
async def ada(admin: httpx2.AsyncClient) -> dict[str, Any]:
    answer = await admin.post(USERS, json=ADA)
    assert answer.status_code == 200
    return dict(answer.json())


async def test_created_user_is_read_back(admin: httpx2.AsyncClient, ada: dict[str, Any]) -> None:
    assert ada["role"] == "member"
    assert ada["status"] == "active"
    assert ada["user_id"].startswith("usr_")
    for path in ("ada@example.com", "ada%40example.com"):
        assert (await admin.get(f"{USERS}/{path}")).json() == ada


async def test_same_email_twice_conflicts(admin: httpx2.AsyncClient, ada: dict[str, Any]) -> None:
    answer = await admin.post(USERS, json=ADA)
    assert answer.status_code == 409
    assert answer.json()["error"]["type"] == "AlreadyExistsError"
    assert (await admin.get(USERS)).json()["total"] == 2


async def test_list_pages_and_filters(admin: httpx2.AsyncClient, ada: dict[str, Any]) -> None:
    await admin.post(USERS, json={"email": "g@h.i", "user_name": "Grace", "role": "viewer", "status": "pending"})

    async def emails(**parameters: Any) -> tuple[list[str], int]:
        body = (await admin.get(USERS, params=parameters)).json()
        return [user["email"] for user in body["results"]], body["total"]

    assert await emails() == (["admin@localhost.local", "ada@example.com", "g@h.i"], 3)
    assert await emails(skip=1, limit=1) == (["ada@example.com"], 3)
    assert await emails(role="viewer") == (["g@h.i"], 1)
    assert await emails(status="active", role="member") == (["ada@example.com"], 1)
    assert (await admin.get(USERS, params={"limit": 1001})).status_code == 422
    assert (await admin.get(USERS, params={"role": "king"})).status_code == 422


async def test_update_changes_what_is_given(admin: httpx2.AsyncClient, ada: dict[str, Any]) -> None:
    answer = await admin.patch(f"{USERS}/{ADA['email']}", json={"role": "viewer", "metadata": {"a": 1}})
    assert answer.status_code == 200
    assert answer.json() == ada | {
        "role": "viewer",
        "metadata": {"a": 1},
        "updated_at": answer.json()["updated_at"],
    }


async def test_deleted_user_is_gone_with_all_keys(admin: httpx2.AsyncClient, ada: dict[str, Any]) -> None:
    key = (await admin.post(f"{USERS}/{ADA['email']}/api-keys", json={"name": "mine"})).json()["key"]
    headers = {"Authorization": f"Bearer {key}"}
    assert (await admin.get("/v1/me", headers=headers)).status_code == 200
    answer = await admin.delete(f"{USERS}/{ADA['email']}")
    assert answer.json()["success"] is True
    assert (await admin.get("/v1/me", headers=headers)).status_code == 401
    assert (await admin.get(f"{USERS}/{ADA['email']}")).status_code == 404
    assert (await admin.post(USERS, json=ADA)).status_code == 200
    assert (await admin.get("/v1/me", headers=headers)).status_code == 401


async def test_suspended_user_cannot_get_keys(admin: httpx2.AsyncClient, ada: dict[str, Any]) -> None:
    await admin.patch(f"{USERS}/{ADA['email']}", json={"status": "suspended"})
    answer = await admin.post(f"{USERS}/{ADA['email']}/api-keys", json={"name": "mine"})
    assert answer.status_code == 409
    assert (await admin.get(f"{USERS}/{ADA['email']}/api-keys")).json()["total"] == 0


async def test_holder_of_the_protected_key_cannot_be_suspended_or_deleted(admin: httpx2.AsyncClient) -> None:
    for answer in (await admin.patch(ADMIN, json={"status": "suspended"}), await admin.delete(ADMIN)):
        assert answer.status_code == 403
        assert answer.json()["error"]["code"] == "api_key_protected"
    assert (await admin.get("/v1/me")).status_code == 200


async def test_unknown_user(admin: httpx2.AsyncClient) -> None:
    for method, path in [
        ("GET", ""),
        ("PATCH", ""),
        ("DELETE", ""),
        ("GET", "/api-keys"),
        ("POST", "/api-keys"),
        ("PATCH", "/api-keys/x"),
        ("DELETE", "/api-keys/x"),
        ("POST", "/api-keys/x/rotate"),
    ]:
        body = {"name": "name"} if method in ("POST", "PATCH") and path.startswith("/api-keys") else {}
        answer = await admin.request(method, f"{USERS}/no@body.x{path}", json=body)
        assert answer.status_code == 404, (method, path)
        assert answer.json()["error"]["details"] == {"resource": "user", "id": "no@body.x"}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"email": "a@b.c"},
        {"email": "a b@c", "user_name": "Ada"},
        {"email": "a@b.c", "user_name": "A"},
        {"email": "a@b.c", "user_name": "A" * 101},
        {"email": "a@b.c", "user_name": "Ada", "role": "king"},
        {"email": "a@b.c", "user_name": "Ada", "organization_id": "org_other"},
    ],
)
async def test_bad_user_is_refused(admin: httpx2.AsyncClient, body: dict[str, Any]) -> None:
    assert (await admin.post(USERS, json=body)).status_code == 422
    assert (await admin.get(USERS)).json()["total"] == 1
