"""The organization's routes and whoami."""

from __future__ import annotations

import httpx2
import pytest

from .conftest import MakeKey

pytestmark = pytest.mark.anyio


async def test_whoami_tells_organization_user_and_key(admin: httpx2.AsyncClient) -> None:
    answer = await admin.get("/v1/me")
    assert answer.status_code == 200
    body = answer.json()
    assert body["organization_name"] == "Local"
    assert body["account_type"] == "enterprise"
    assert body["user_email"] == "admin@localhost.local"
    assert body["key"] == {
        "name": "admin-key",
        "key_type": "standard",
        "permissions": ["read", "write", "delete", "admin"],
        "expires_at": None,
    }
    assert body["principal_scoped"] is False
    assert (await admin.get("/v1/account")).json() == body


async def test_any_key_may_ask_who_it_is(anonymous: httpx2.AsyncClient, make_key: MakeKey) -> None:
    secret, key = await make_key(scopes=[{"resource_type": "namespace", "resource_id": "ns_x"}])
    answer = await anonymous.get("/v1/me", headers={"Authorization": f"Bearer {secret}"})
    assert answer.status_code == 200
    assert answer.json()["key"]["name"] == key.name


async def test_organization_never_shows_its_internals(admin: httpx2.AsyncClient) -> None:
    answer = await admin.get("/v1/organizations")
    assert answer.status_code == 200
    assert set(answer.json()) == {
        "organization_id",
        "organization_name",
        "account_type",
        "credit_count",
        "rate_limits",
        "metadata",
        "logo_url",
        "billing_email",
        "notifications_email",
        "default_llm_credentials",
        "auto_billing_enabled",
        "billing_cycle_start",
        "current_month_usage",
        "created_at",
        "updated_at",
        "users",
    }


async def test_update_keeps_what_is_absent_or_null(admin: httpx2.AsyncClient) -> None:
    before = (await admin.get("/v1/organizations")).json()
    answer = await admin.patch(
        "/v1/organizations", json={"organization_name": "Acme", "billing_email": None, "metadata": {"a": 1}}
    )
    assert answer.status_code == 200
    after = (await admin.get("/v1/organizations")).json()
    assert after == answer.json()
    assert after == before | {
        "organization_name": "Acme",
        "metadata": {"a": 1},
        "updated_at": after["updated_at"],
    }
    replaced = await admin.patch("/v1/organizations", json={"metadata": {"b": 2}})
    assert replaced.json()["metadata"] == {"b": 2}
    assert replaced.json()["organization_name"] == "Acme"


@pytest.mark.parametrize("name", ["rate_limits", "rate_limit_overrides"])
async def test_rate_limits_are_set_by_category(admin: httpx2.AsyncClient, name: str) -> None:
    answer = await admin.patch("/v1/organizations", json={name: {"search": 7}})
    assert answer.json()["rate_limits"] == {
        "metadata": 1000,
        "data": 1000,
        "search": 7,
        "upload": 1000,
        "compute": 1000,
    }


@pytest.mark.parametrize(
    "body",
    [
        {"organization_name": ""},
        {"organization_name": "a" * 101},
        {"billing_email": "nobody"},
        {"rate_limits": {"search": 0}},
        {"rate_limits": {"search": True}},
        {"rate_limits": {"surch": 1}},
        {"metadata": []},
        {"organisation_name": "Acme"},
    ],
)
async def test_bad_update_is_refused_and_stores_nothing(admin: httpx2.AsyncClient, body: dict[str, object]) -> None:
    before = (await admin.get("/v1/organizations")).json()
    answer = await admin.patch("/v1/organizations", json=body)
    assert answer.status_code == 422
    assert answer.json()["error"]["type"] == "ValidationError"
    assert (await admin.get("/v1/organizations")).json() == before


async def test_credits(admin: httpx2.AsyncClient) -> None:
    answer = await admin.get("/v1/organizations/credits")
    assert answer.json() == {"credit_count": 0, "current_month_usage": 0, "effective_monthly_credit_cap": None}
