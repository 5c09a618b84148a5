"""A real server of two workers: what must hold across processes, and for the generated SDK."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx2
import mixpeek
import pytest
from mixpeek.exceptions import ConflictException, ForbiddenException, NotFoundException, UnauthorizedException

from ..conftest import Server, generated_client
from .conftest import ADMIN

KEYS = f"{ADMIN}/api-keys"
EMAIL = "admin@localhost.local"


@pytest.fixture
def live(shared_server: Server) -> Server:
    return shared_server


def connections(live: Server, secret: str, count: int, stack: ExitStack) -> list[httpx2.Client]:
    """So many open connections that both workers serve some."""
    clients = [stack.enter_context(live.client(Authorization=f"Bearer {secret}")) for _ in range(count)]
    assert {client.get("/v1/me").status_code for client in clients} == {200}
    return clients


@pytest.mark.parametrize("end", ["revoke", "rotate", "narrow", "suspend"])
def test_end_of_a_key_reaches_every_worker_at_once(live: Server, end: str) -> None:
    with ExitStack() as stack:
        admin = stack.enter_context(live.client())
        user = f"{end}@example.com"
        admin.post("/v1/organizations/users", json={"email": user, "user_name": "Ada"}).raise_for_status()
        keys = f"/v1/organizations/users/{user}/api-keys"
        secret = admin.post(keys, json={"name": "k"}).raise_for_status().json()["key"]
        clients = connections(live, secret, 12, stack)
        change = {
            "revoke": lambda: admin.delete(f"{keys}/k"),
            "rotate": lambda: admin.post(f"{keys}/k/rotate"),
            "narrow": lambda: admin.patch(f"{keys}/k", json={"expires_at": "2020-01-01T00:00:00Z"}),
            "suspend": lambda: admin.patch(f"/v1/organizations/users/{user}", json={"status": "suspended"}),
        }[end]
        change().raise_for_status()
        # Not within a second but at the next request: every worker looks before it trusts its cache.
        assert {client.get("/v1/me").status_code for client in clients} == {401}


def test_second_organization_by_command_on_a_running_server(live: Server) -> None:
    second = headwater("organizations", "create", "Second", "--email", "b@example.com", "--data", str(live.data))
    with live.client(Authorization=f"Bearer {second['key']}") as client:
        me = client.get("/v1/me").raise_for_status().json()
    assert me["organization_id"] == second["organization_id"]
    assert me["user_email"] == "b@example.com"


def test_second_organization_by_the_private_route(live: Server) -> None:
    token = (live.data / "private-token").read_text().strip()
    with live.client(Authorization=f"Bearer {token}") as operator:
        body = {"organization_name": "Third"}
        made = operator.post("/v1/private/organizations", json=body).raise_for_status().json()
    with live.client(Authorization=f"Bearer {made['key']}") as client:
        assert client.get("/v1/me").json()["organization_id"] == made["organization_id"]


def headwater(*arguments: str) -> dict[str, str]:
    command = [sys.executable, "-m", "headwater", *arguments, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return dict(json.loads(done.stdout))


def test_operator_replaces_the_protected_key_of_a_running_server(live: Server) -> None:
    made = headwater("organizations", "create", "Leaky", "--email", "l@example.com", "--data", str(live.data))
    with ExitStack() as stack:
        clients = connections(live, made["key"], 8, stack)
        reset = headwater("organizations", "reset-key", made["organization_id"], "--data", str(live.data))
        assert {client.get("/v1/me").status_code for client in clients} == {401}
        assert connections(live, reset["key"], 2, stack)
    assert (live.data / "admin-key").read_text().strip() == live.key, "another organization's key stays"


def test_private_files_are_for_the_owner_only(live: Server) -> None:
    for name in ("secret", "admin-key", "private-token"):
        assert (Path(live.data) / name).stat().st_mode & 0o777 == 0o600


@pytest.fixture
def sdk(live: Server) -> Iterator[mixpeek.ApiClient]:
    with generated_client(live) as client:
        yield client


def test_sdk_reads_account_and_organization(sdk: mixpeek.ApiClient) -> None:
    me = mixpeek.AccountApi(sdk).whoami_me()
    assert me.user_email == EMAIL
    organizations = mixpeek.OrganizationsApi(sdk)
    assert organizations.get_organization().organization_id == me.organization_id
    changed = organizations.update_organization(
        mixpeek.OrganizationUpdateRequest(rate_limit_overrides=mixpeek.BaseRateLimits(search=5))
    )
    assert changed.rate_limits.search == 5
    assert organizations.get_credits_organizations()["credit_count"] == 0


def test_sdk_manages_users(sdk: mixpeek.ApiClient) -> None:
    users = mixpeek.OrganizationUsersApi(sdk)
    users.create_user_organizations(mixpeek.UserCreateRequest(email="s@d.k", user_name="Sedike"))
    assert users.get_user_organizations_email("s@d.k")["user_name"] == "Sedike"
    changed = users.update_user_organizations_email("s@d.k", mixpeek.UserUpdateRequest(user_name="Sediko"))
    assert changed["user_name"] == "Sediko"
    listed = users.list_users_organizations(skip=0, limit=10)
    assert "s@d.k" in [user["email"] for user in listed["results"]]
    assert users.delete_user_organizations_email("s@d.k").success is True
    with pytest.raises(NotFoundException):
        users.get_user_organizations_email("s@d.k")


def test_sdk_manages_keys(sdk: mixpeek.ApiClient, live: Server) -> None:
    keys = mixpeek.OrganizationAPIKeysApi(sdk)
    made = keys.create_key_organizations_users_email(EMAIL, mixpeek.APIKeyCreateRequest(name="sdk"))
    assert made.key.startswith("sk_")
    with pytest.raises(ConflictException):
        keys.create_key_organizations_users_email(EMAIL, mixpeek.APIKeyCreateRequest(name="sdk"))
    scope = mixpeek.ResourceScopeInput(resource_type="namespace", resource_id="ns_*")
    changed = keys.update_key_organizations_users_email_name(
        EMAIL, "sdk", mixpeek.APIKeyUpdateRequest(description="d", scopes=[scope])
    )
    assert changed.scopes is not None and changed.scopes[0].resource_id == "ns_*"
    rotated = keys.rotate_key_organizations_users_email_name(EMAIL, "sdk")
    assert rotated.key_id == made.key_id and rotated.key != made.key
    assert keys.list_keys_organizations_users_email(EMAIL)["total"] >= 2
    assert keys.delete_key_organizations_users_email_name(EMAIL, "sdk").success is True
    with pytest.raises(ForbiddenException):
        keys.delete_key_organizations_users_email_name(EMAIL, "admin-key")


def test_sdk_raises_for_a_dead_key(live: Server) -> None:
    with mixpeek.ApiClient(mixpeek.Configuration(host=live.url)) as client:
        client.set_default_header("Authorization", "Bearer sk_dead")
        with pytest.raises(UnauthorizedException):
            mixpeek.AccountApi(client).whoami_me()
