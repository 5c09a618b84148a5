"""The operator's routes: further organizations, guarded by the token of the data directory."""

from __future__ import annotations

import httpx2
import pytest

from headwater.runtime import Runtime

pytestmark = pytest.mark.anyio

PRIVATE = "/v1/private/organizations"


@pytest.fixture
def operator(anonymous: httpx2.AsyncClient, runtime: Runtime) -> httpx2.AsyncClient:
    token = (runtime.settings.data / "private-token").read_text().strip()
    anonymous.headers["Authorization"] = f"Bearer {token}"
    return anonymous


async def test_second_organization_with_its_own_key(operator: httpx2.AsyncClient, admin_key: str) -> None:
    body = {
        "organization_name": "Second",
        "users": [
            {"email": "g@h.i", "user_name": "Grace", "role": "admin"},
            {"email": "m@n.o", "user_name": "Mary"},
        ],
        "metadata": {"plan": 9},
        "credit_count": 5,
        "account_type": "pro",
    }
    answer = await operator.post(PRIVATE, json=body)
    assert answer.status_code == 200, answer.text
    made = answer.json()
    assert made["organization_name"] == "Second"
    assert (made["account_type"], made["credit_count"], made["metadata"]) == ("pro", 5, {"plan": 9})
    key = {"Authorization": f"Bearer {made['key']}"}
    me = (await operator.get("/v1/me", headers=key)).json()
    assert me["organization_id"] == made["organization_id"]
    assert me["user_email"] == made["user_email"] == "g@h.i"
    assert me["key"]["permissions"] == ["read", "write", "delete", "admin"]
    assert (await operator.get("/v1/organizations/users", headers=key)).json()["total"] == 2
    first = (await operator.get("/v1/me", headers={"Authorization": f"Bearer {admin_key}"})).json()
    assert first["organization_id"] != made["organization_id"]


async def test_organization_without_users_gets_an_administrator(operator: httpx2.AsyncClient) -> None:
    made = (await operator.post(PRIVATE, json={"organization_name": "Bare"})).json()
    assert made["user_email"] == "admin@localhost.local"


async def test_bootstrap_key_adds_a_key_and_leaves_the_others(operator: httpx2.AsyncClient) -> None:
    made = (await operator.post(PRIVATE, json={"organization_name": "Second"})).json()
    path = f"{PRIVATE}/{made['organization_id']}/users/admin@localhost.local/bootstrap-key"
    answers = [await operator.post(path)]
    answers += [await operator.post(path, json=body) for body in ({}, {"name": "x"})]
    assert [answer.json()["name"] for answer in answers] == ["bootstrap-key", "bootstrap-key-2", "x"]
    for secret in (made["key"], *(answer.json()["key"] for answer in answers)):
        me = await operator.get("/v1/me", headers={"Authorization": f"Bearer {secret}"})
        assert me.json()["organization_id"] == made["organization_id"]


async def test_bootstrap_key_of_nobody(operator: httpx2.AsyncClient, runtime: Runtime) -> None:
    made = (await operator.post(PRIVATE, json={"organization_name": "Second"})).json()
    nobody = await operator.post(f"{PRIVATE}/{made['organization_id']}/users/no@body.x/bootstrap-key")
    assert nobody.json()["error"]["details"] == {"resource": "user", "id": "no@body.x"}
    nowhere = await operator.post(f"{PRIVATE}/org_nope/users/no@body.x/bootstrap-key")
    assert nowhere.status_code == 404
    assert nowhere.json()["error"]["details"] == {"resource": "organization", "id": "org_nope"}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"organization_name": ""}, 422),
        ({"organization_name": "a" * 101}, 422),
        ({"organization_name": "x", "organization_id": "org_mine"}, 422),
        ({"organization_name": "x", "users": [{"email": "a@b.c", "user_name": "Ada", "status": "pending"}]}, 409),
        ({"organization_name": "x", "users": [{"email": "a@b.c", "user_name": "Ada"}] * 2}, 409),
    ],
)
async def test_bad_organization_is_refused_whole(
    operator: httpx2.AsyncClient, runtime: Runtime, body: dict[str, object], status: int
) -> None:
    counts = "SELECT (SELECT count(*) FROM organizations) + (SELECT count(*) FROM users)"
    before = runtime.reader.connection.execute(counts).get
    answer = await operator.post(PRIVATE, json=body)
    assert answer.status_code == status, answer.text
    assert runtime.reader.connection.execute(counts).get == before


async def test_admin_key_is_not_the_operators_token(operator: httpx2.AsyncClient, admin_key: str) -> None:
    answer = await operator.post(
        PRIVATE, json={"organization_name": "x"}, headers={"Authorization": f"Bearer {admin_key}"}
    )
    assert answer.status_code == 401
