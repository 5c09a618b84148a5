"""The API keys' routes: made once, shown once, changed, rotated and ended for good."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from headwater.catalog.tables.api_keys import ApiKey
from headwater.errors import ForbiddenError
from headwater.runtime import Runtime
from headwater.store.commands.api_keys import RevokeApiKey, RotateApiKey

from .conftest import ADMIN

pytestmark = pytest.mark.anyio

KEYS = f"{ADMIN}/api-keys"


@pytest.fixture
async def made(admin: httpx2.AsyncClient) -> dict[str, Any]:
    answer = await admin.post(KEYS, json={"name": "ingest", "permissions": ["read", "write", "read"]})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def me(client: httpx2.AsyncClient, secret: str) -> int:
    return (await client.get("/v1/me", headers={"Authorization": f"Bearer {secret}"})).status_code


async def test_secret_is_shown_once(admin: httpx2.AsyncClient, made: dict[str, Any]) -> None:
    secret = made["key"]
    assert await me(admin, secret) == 200
    assert made["key_prefix"] == secret[:10] + "..."
    listed = await admin.get(KEYS)
    assert secret not in listed.text
    shown = next(key for key in listed.json()["results"] if key["name"] == "ingest")
    # The three requests in between may have been noted by now.
    assert shown | {"last_used_at": None} == {name: value for name, value in made.items() if name != "key"}
    assert shown["permissions"] == ["read", "write"]
    assert shown["internal_id"] == shown["organization_id"]


async def test_permissions_default_to_everything_but_admin(admin: httpx2.AsyncClient) -> None:
    answer = await admin.post(KEYS, json={"name": "plain", "permissions": None, "scopes": None})
    assert answer.json()["permissions"] == ["read", "write", "delete"]
    assert answer.json()["scopes"] == []


async def test_name_is_unique_among_active_keys(admin: httpx2.AsyncClient, made: dict[str, Any]) -> None:
    answer = await admin.post(KEYS, json={"name": "ingest"})
    assert answer.status_code == 409
    assert answer.json()["error"]["details"] == {"resource": "api_key", "name": "ingest"}
    assert (await admin.delete(f"{KEYS}/ingest")).status_code == 200
    assert (await admin.post(KEYS, json={"name": "ingest"})).status_code == 200


async def test_name_of_an_expired_key_is_free(admin: httpx2.AsyncClient) -> None:
    past = {"name": "brief", "expires_at": "2020-01-01T00:00:00Z"}
    expired = (await admin.post(KEYS, json=past)).json()
    assert expired["status"] == "expired"
    assert await me(admin, expired["key"]) == 401
    assert (await admin.post(KEYS, json={"name": "brief"})).status_code == 200


async def test_change_is_effective_at_the_next_request(admin: httpx2.AsyncClient, made: dict[str, Any]) -> None:
    headers = {"Authorization": f"Bearer {made['key']}"}
    assert (await admin.get("/v1/organizations", headers=headers)).status_code == 200
    scope = {"resource_type": "namespace", "resource_id": "ns_x"}
    answer = await admin.patch(f"{KEYS}/ingest", json={"scopes": [scope], "name": "renamed"})
    assert answer.status_code == 200
    assert answer.json()["scopes"] == [scope]
    assert answer.json()["permissions"] == ["read", "write"]
    assert (await admin.get("/v1/organizations", headers=headers)).status_code == 403
    answer = await admin.patch(f"{KEYS}/{made['key_id']}", json={"scopes": []})
    assert answer.json()["scopes"] == []
    assert (await admin.get("/v1/organizations", headers=headers)).status_code == 200


async def test_expiry_is_set_and_removed(admin: httpx2.AsyncClient, made: dict[str, Any]) -> None:
    answer = await admin.patch(f"{KEYS}/ingest", json={"expires_at": "2200-01-01T02:00:00+02:00"})
    assert answer.json()["expires_at"] == "2200-01-01T00:00:00.000Z"
    assert (await admin.patch(f"{KEYS}/ingest", json={"description": "x"})).json()["expires_at"] is not None
    assert (await admin.patch(f"{KEYS}/ingest", json={"expires_at": None})).json()["expires_at"] is None


async def test_name_can_be_used_by_another_user(admin: httpx2.AsyncClient, made: dict[str, Any]) -> None:
    await admin.post("/v1/organizations/users", json={"email": "a@b.c", "user_name": "Ada"})
    assert (await admin.post("/v1/organizations/users/a@b.c/api-keys", json={"name": "ingest"})).status_code == 200
    taken = await admin.post(KEYS, json={"name": "second"})
    assert (await admin.patch(f"{KEYS}/{taken.json()['key_id']}", json={"name": "ingest"})).status_code == 409


@pytest.mark.parametrize("end", [{"status": "revoked"}, {"status": "expired"}])
async def test_dead_key_stays_dead(admin: httpx2.AsyncClient, made: dict[str, Any], end: dict[str, str]) -> None:
    answer = await admin.patch(f"{KEYS}/ingest", json=end)
    assert answer.json()["status"] == end["status"]
    for revival in ({"status": "active"}, {"expires_at": "2200-01-01T00:00:00Z"}, {"expires_at": None}):
        refused = await admin.patch(f"{KEYS}/ingest", json=revival)
        assert refused.status_code == 409, revival
        assert refused.json()["error"]["type"] == "ConflictError"
    assert (await admin.post(f"{KEYS}/ingest/rotate")).status_code == 409
    assert await me(admin, made["key"]) == 401


async def test_revoked_key_is_hidden_unless_asked_for(admin: httpx2.AsyncClient, made: dict[str, Any]) -> None:
    assert (await admin.delete(f"{KEYS}/{made['key_id']}?force=true")).json()["success"] is True
    assert await me(admin, made["key"]) == 401
    names = [key["name"] for key in (await admin.get(KEYS)).json()["results"]]
    assert names == ["admin-key"]
    every = (await admin.get(KEYS, params={"include_revoked": True})).json()
    assert every["total"] == 2
    revoked = every["results"][1]
    assert revoked["status"] == "revoked"
    assert revoked["revoked_at"] is not None
    assert revoked["revoked_by"] == revoked["user_id"]
    assert (await admin.delete(f"{KEYS}/ingest")).status_code == 404


async def test_rotation_kills_the_old_secret_at_once(admin: httpx2.AsyncClient, made: dict[str, Any]) -> None:
    assert await me(admin, made["key"]) == 200
    answer = await admin.post(f"{KEYS}/ingest/rotate")
    assert answer.status_code == 200
    fresh = answer.json()
    assert fresh["key_id"] == made["key_id"]
    assert fresh["permissions"] == made["permissions"]
    assert fresh["key_hash"] != made["key_hash"]
    assert fresh["key_prefix"] == fresh["key"][:10] + "..."
    assert await me(admin, made["key"]) == 401
    assert await me(admin, fresh["key"]) == 200


async def test_admin_key_is_protected(
    admin: httpx2.AsyncClient, runtime: Runtime, owner: ApiKey, made: dict[str, Any]
) -> None:
    for name in ("admin-key", owner.key_id):
        for answer in (
            await admin.patch(f"{KEYS}/{name}", json={"description": "x"}),
            await admin.delete(f"{KEYS}/{name}", params={"force": True}),
            await admin.post(f"{KEYS}/{name}/rotate"),
        ):
            assert answer.status_code == 403
            assert answer.json()["error"]["code"] == "api_key_protected"
    assert (await admin.patch(f"{KEYS}/ingest", json={"name": "admin-key"})).status_code == 403
    await admin.post("/v1/organizations/users", json={"email": "a@b.c", "user_name": "Ada"})
    usurper = await admin.post("/v1/organizations/users/a@b.c/api-keys", json={"name": "admin-key"})
    assert usurper.status_code == 403
    with pytest.raises(ForbiddenError):
        await runtime.store.execute(
            RevokeApiKey(organization_id=owner.organization_id, key_id=owner.key_id, actor="me")
        )
    assert (await admin.get("/v1/me")).status_code == 200


async def test_operator_may_force_the_admin_key(admin: httpx2.AsyncClient, runtime: Runtime, owner: ApiKey) -> None:
    await runtime.store.execute(
        RotateApiKey(
            organization_id=owner.organization_id,
            key_id=owner.key_id,
            digest=b"0" * 32,
            key_prefix="sk_",
            force=True,
        )
    )
    assert (await admin.get("/v1/me")).status_code == 401


async def test_reader_lists_only_its_own_keys(admin: httpx2.AsyncClient) -> None:
    await admin.post("/v1/organizations/users", json={"email": "a@b.c", "user_name": "Ada"})
    own = "/v1/organizations/users/a@b.c/api-keys"
    secret = (await admin.post(own, json={"name": "r", "permissions": ["read"]})).json()["key"]
    headers = {"Authorization": f"Bearer {secret}"}
    assert (await admin.get(own, headers=headers)).json()["total"] == 1
    answer = await admin.get(KEYS, headers=headers)
    assert answer.status_code == 403
    assert answer.json()["error"]["details"] == {"required_permission": "admin"}


async def test_key_confined_to_a_namespace_cannot_mint_another(admin: httpx2.AsyncClient) -> None:
    scopes = [{"resource_type": "namespace", "resource_id": "*"}]
    answer = await admin.post(KEYS, json={"name": "n", "permissions": ["admin"], "scopes": scopes})
    headers = {"Authorization": f"Bearer {answer.json()['key']}"}
    for method, path in [("POST", KEYS), ("PATCH", f"{KEYS}/n"), ("POST", f"{KEYS}/n/rotate"), ("PATCH", ADMIN)]:
        refused = await admin.request(method, path, json={"scopes": [], "name": "m"}, headers=headers)
        assert refused.status_code == 403, (method, path)
        assert refused.json()["error"]["code"] == "scope_required"


async def test_key_of_an_end_user_keeps_its_principal(admin: httpx2.AsyncClient) -> None:
    made = (await admin.post(KEYS, json={"name": "p", "principal_id": "user-7"})).json()
    assert made["principal_id"] == "user-7"
    rotated = (await admin.post(f"{KEYS}/p/rotate")).json()
    changed = (await admin.patch(f"{KEYS}/p", json={"permissions": ["read"], "name": "q"})).json()
    listed = (await admin.get(KEYS)).json()["results"]
    assert [rotated["principal_id"], changed["principal_id"]] == ["user-7", "user-7"]
    assert {key["name"]: key["principal_id"] for key in listed} == {"admin-key": None, "q": "user-7"}
    account = (await admin.get("/v1/me", headers={"Authorization": f"Bearer {rotated['key']}"})).json()
    assert account["principal_scoped"] is True


@pytest.mark.parametrize("principal", ["user-8", None])
async def test_principal_cannot_be_changed(admin: httpx2.AsyncClient, principal: str | None) -> None:
    await admin.post(KEYS, json={"name": "p", "principal_id": "user-7"})
    answer = await admin.patch(f"{KEYS}/p", json={"principal_id": principal})
    assert answer.status_code == 422
    assert answer.json()["error"]["details"]["validation_errors"][0]["type"] == "extra_forbidden"


@pytest.mark.parametrize("principal", ["", "x" * 257, 7])
async def test_malformed_principal_is_refused(admin: httpx2.AsyncClient, principal: Any) -> None:
    assert (await admin.post(KEYS, json={"name": "p", "principal_id": principal})).status_code == 422


async def test_origin_is_checked_on_a_real_request(admin: httpx2.AsyncClient) -> None:
    body = {"name": "web", "allowed_origins": ["https://*.example.com"]}
    secret = (await admin.post(KEYS, json=body)).json()["key"]
    headers = {"Authorization": f"Bearer {secret}"}
    for origin, status in [("https://a.example.com", 200), ("https://evil.net", 403)]:
        answer = await admin.get("/v1/me", headers=headers | {"Origin": origin})
        assert answer.status_code == status


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": ""},
        {"name": "a" * 101},
        {"name": "x", "description": "a" * 501},
        {"name": "x", "permissions": []},
        {"name": "x", "permissions": ["root"]},
        {"name": "x", "permissions": "read"},
        {"name": "x", "rate_limit_override": 0},
        {"name": "x", "expires_at": "soon"},
        {"name": "x", "expires_at": "9999-12-31T23:59:59-12:00"},
        {"name": "x", "expires_at": "0001-01-01T00:00:00Z"},
        {"name": "x", "expires_at": 1e300},
        {"name": "x", "scopes": [{"resource_type": "galaxy", "resource_id": "*"}]},
        {"name": "x", "scopes": [{"resource_type": "namespace", "resource_id": ""}]},
        {"name": "x", "scopes": [{"resource_type": "namespace", "resource_id": "*", "operations": ["fly"]}]},
        {"name": "x", "scopes": [{"resource_type": "namespace", "resource_id": "*", "operation": ["read_data"]}]},
        {"name": "x", "allowed_origins": ["example.com"]},
        {"name": "x", "allowed_origins": ["https://example.com/"]},
        {"name": "x", "key": "sk_chosen"},
        {"name": "x", "key_hash": "00"},
    ],
)
async def test_bad_key_is_refused(admin: httpx2.AsyncClient, body: dict[str, Any]) -> None:
    answer = await admin.post(KEYS, json=body)
    assert answer.status_code == 422, answer.text
    assert (await admin.get(KEYS)).json()["total"] == 1
