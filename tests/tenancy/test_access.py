"""One test for each condition of ``tenancy/access.py``."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from headwater.catalog.tables.api_keys import ApiKey
from headwater.catalog.tables.collections import Collection
from headwater.catalog.tables.namespaces import Namespace
from headwater.errors import BadRequestError, ForbiddenError, HeadwaterError, NotFoundError, UnauthorizedError
from headwater.runtime import Runtime
from headwater.store.commands.api_keys import RevokeApiKey, RotateApiKey
from headwater.store.commands.users import CreateUser, NewUser, UpdateUser
from headwater.tenancy.access import (
    authenticate,
    authenticate_private,
    authorize,
    require_permission,
    resolve_namespace,
)
from headwater.tenancy.keys import digest_of, new_secret

from .conftest import MakeKey

pytestmark = pytest.mark.anyio


def refusal(runtime: Runtime, authorization: str | None, origin: str | None = None) -> HeadwaterError:
    with pytest.raises(HeadwaterError) as caught:
        authenticate(runtime, authorization, origin)
    return caught.value


def same_as_unknown(runtime: Runtime, error: HeadwaterError) -> bool:
    unknown = refusal(runtime, f"Bearer {new_secret()}")
    return (type(error), error.message, error.details, error.code) == (
        UnauthorizedError,
        unknown.message,
        None,
        None,
    )


async def test_valid_key_is_let_in(runtime: Runtime, make_key: MakeKey) -> None:
    secret, key = await make_key()
    assert authenticate(runtime, f"Bearer {secret}", None).key_id == key.key_id
    assert authenticate(runtime, f"bearer   {secret} ", None).key_id == key.key_id


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "sk_x", "Basic c2s6", "BearerX sk_x"])
async def test_missing_or_malformed_header(runtime: Runtime, header: str | None) -> None:
    assert isinstance(refusal(runtime, header), UnauthorizedError)


async def test_unknown_key(runtime: Runtime) -> None:
    assert isinstance(refusal(runtime, "Bearer of-another-form"), UnauthorizedError)


async def test_oversized_token(runtime: Runtime) -> None:
    assert same_as_unknown(runtime, refusal(runtime, "Bearer " + "a" * 100_000))


async def test_token_that_is_not_ascii(runtime: Runtime) -> None:
    assert same_as_unknown(runtime, refusal(runtime, "Bearer schlüssel\xff"))


async def test_wrong_checksum_costs_no_database_call(runtime: Runtime) -> None:
    good = new_secret()
    bad = good[:-1] + ("a" if good[-1] != "a" else "b")
    statements: list[str] = []
    runtime.reader.connection.trace_v2(1, lambda event: statements.append(event["sql"]))
    try:
        assert same_as_unknown_message(refusal(runtime, f"Bearer {bad}"))
        assert statements == []
        assert same_as_unknown_message(refusal(runtime, f"Bearer {good}"))
        assert statements != [], "the tracer sees look-ups"
    finally:
        runtime.reader.connection.trace_v2(0, None)


def same_as_unknown_message(error: HeadwaterError) -> bool:
    return error.message.startswith("The API key is not valid")


async def test_digest_must_equal(runtime: Runtime, make_key: MakeKey, monkeypatch: pytest.MonkeyPatch) -> None:
    secret, key = await make_key()
    other = dataclasses.replace(key, digest=b"x" * 32)
    monkeypatch.setattr(runtime.catalogue, "api_key", lambda _: other)
    assert same_as_unknown_message(refusal(runtime, f"Bearer {secret}"))


async def test_expired_key(runtime: Runtime, make_key: MakeKey) -> None:
    secret, _ = await make_key(expires_in=-1)
    assert same_as_unknown(runtime, refusal(runtime, f"Bearer {secret}"))


async def test_key_that_expires_later(runtime: Runtime, make_key: MakeKey) -> None:
    secret, key = await make_key(expires_in=3_600_000)
    assert authenticate(runtime, f"Bearer {secret}", None).key_id == key.key_id


async def test_key_expires_by_the_clock_while_it_is_cached(
    runtime: Runtime, make_key: MakeKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret, key = await make_key(expires_in=3_600_000)
    authenticate(runtime, f"Bearer {secret}", None)
    monkeypatch.setattr("headwater.tenancy.access.now_milliseconds", lambda: key.expires_at)
    assert same_as_unknown(runtime, refusal(runtime, f"Bearer {secret}"))


async def test_revoked_key_is_dead_at_the_next_request(runtime: Runtime, make_key: MakeKey) -> None:
    secret, key = await make_key()
    authenticate(runtime, f"Bearer {secret}", None)
    await runtime.store.execute(RevokeApiKey(organization_id=key.organization_id, key_id=key.key_id, actor="me"))
    assert same_as_unknown(runtime, refusal(runtime, f"Bearer {secret}"))


async def test_rotated_secret_is_dead_at_the_next_request(runtime: Runtime, make_key: MakeKey) -> None:
    secret, key = await make_key()
    authenticate(runtime, f"Bearer {secret}", None)
    fresh = new_secret()
    await runtime.store.execute(
        RotateApiKey(
            organization_id=key.organization_id,
            key_id=key.key_id,
            digest=digest_of(runtime.secret, fresh),
            key_prefix="sk_",
        )
    )
    assert same_as_unknown(runtime, refusal(runtime, f"Bearer {secret}"))
    assert authenticate(runtime, f"Bearer {fresh}", None).key_id == key.key_id


async def test_owner_who_is_not_active(runtime: Runtime, make_key: MakeKey, owner: ApiKey) -> None:
    secret, key = await make_key()
    suspended = dataclasses.replace(key, user_status="suspended")
    runtime.catalogue._entries[("key", key.digest)] = suspended
    # The cache is only asked while nothing was committed, which holds here.
    runtime.catalogue._refresh()
    runtime.catalogue._entries[("key", key.digest)] = suspended
    assert same_as_unknown_message(refusal(runtime, f"Bearer {secret}"))


async def test_suspending_a_user_kills_their_keys_for_good(runtime: Runtime, owner: ApiKey) -> None:
    from headwater.store.commands.api_keys import CreateApiKey
    from headwater.tenancy.bootstrap import admin_key

    organization, secret = owner.organization_id, new_secret()
    user = NewUser(user_id="usr_1", email="a@b.c", role="member", status="active", body={"user_name": "Ada"})
    await runtime.store.execute(CreateUser(organization_id=organization, user=user))
    key = admin_key(runtime.secret, secret, created_by="usr_1", name="mine")
    await runtime.store.execute(CreateApiKey(organization_id=organization, user_id="usr_1", key=key))
    authenticate(runtime, f"Bearer {secret}", None)
    for status in ("suspended", "active"):
        await runtime.store.execute(
            UpdateUser(organization_id=organization, user_id="usr_1", actor="me", status=status)
        )
        assert same_as_unknown(runtime, refusal(runtime, f"Bearer {secret}"))


@pytest.mark.parametrize(
    ("allowed", "origin", "let_in"),
    [
        (None, "https://evil.example", True),
        ([], "https://evil.example", True),
        (["https://docs.example.com"], None, True),
        (["https://docs.example.com"], "https://docs.example.com", True),
        (["https://docs.example.com"], "http://docs.example.com", False),
        (["https://docs.example.com"], "https://docs.example.com.evil.net", False),
        (["https://*.example.com"], "https://a.example.com", True),
        (["https://*.example.com"], "https://a.b.example.com", True),
        (["https://*.example.com"], "https://example.com", False),
        (["https://*.example.com"], "https://evilexample.com", False),
        (["https://*.example.com"], "http://a.example.com", False),
        (["https://*.example.com"], "https://evil.net/.example.com", False),
        (["https://*.example.com"], "null", False),
        (["https://*.example.com"], "https://[", False),
        (["https://*.example.com", "http://localhost:3000"], "http://localhost:3000", True),
    ],
)
async def test_origin(
    runtime: Runtime, make_key: MakeKey, allowed: list[str] | None, origin: str | None, let_in: bool
) -> None:
    secret, key = await make_key(allowed_origins=allowed)
    if let_in:
        assert authenticate(runtime, f"Bearer {secret}", origin).key_id == key.key_id
    else:
        error = refusal(runtime, f"Bearer {secret}", origin)
        assert isinstance(error, ForbiddenError)
        assert error.code == "origin_not_allowed"


async def test_private_token(runtime: Runtime) -> None:
    token = (runtime.settings.data / "private-token").read_text().strip()
    authenticate_private(runtime, f"Bearer {token}")
    for wrong in (None, "Bearer " + token[:-1], "Bearer x", token):
        with pytest.raises(UnauthorizedError):
            authenticate_private(runtime, wrong)


async def test_private_token_is_not_an_api_key_nor_the_reverse(runtime: Runtime, admin_key: str) -> None:
    token = (runtime.settings.data / "private-token").read_text().strip()
    assert isinstance(refusal(runtime, f"Bearer {token}"), UnauthorizedError)
    with pytest.raises(UnauthorizedError):
        authenticate_private(runtime, f"Bearer {admin_key}")


@pytest.mark.parametrize("content", [None, "", "\n"])
async def test_private_route_without_a_token_file_is_closed(runtime: Runtime, content: str | None) -> None:
    path = runtime.settings.data / "private-token"
    path.unlink()
    if content is not None:
        path.write_text(content)
    for header in (None, "Bearer ", "Bearer x"):
        with pytest.raises(UnauthorizedError):
            authenticate_private(runtime, header)


async def test_permission_is_required(owner: ApiKey) -> None:
    reader = dataclasses.replace(owner, body={"permissions": ["read"]})
    require_permission(reader, "read")
    with pytest.raises(ForbiddenError) as caught:
        require_permission(reader, "write")
    assert caught.value.details == {"required_permission": "write"}


def scoped(owner: ApiKey, *scopes: dict[str, Any]) -> ApiKey:
    return dataclasses.replace(owner, body={"permissions": ["admin"], "scopes": list(scopes)})


def passes(key: ApiKey, namespace: Namespace | None, collection: Collection | None = None) -> bool:
    try:
        authorize(key, "write", namespace=namespace, collection=collection)
    except ForbiddenError:
        return False
    return True


COLLECTION = Collection(3, 7, "col_one", "shelf", {}, 0, 0)


@pytest.mark.parametrize(
    ("kind", "identifier", "in_namespace", "in_collection", "in_organization"),
    [
        ("namespace", "ns_one", True, True, False),
        ("namespace", "first", True, True, False),
        ("namespace", "ns_*", True, True, False),
        ("namespace", "ns_two", False, False, False),
        ("collection", "col_one", False, True, False),
        ("collection", "shelf", False, True, False),
        ("collection", "col_two", False, False, False),
        ("organization", "*", True, True, True),
        ("organization", "org_other", False, False, False),
        ("api_key", "*", False, False, False),
        ("document", "*", False, False, False),
    ],
)
async def test_what_a_scope_covers(
    owner: ApiKey,
    namespace: Namespace,
    kind: str,
    identifier: str,
    in_namespace: bool,
    in_collection: bool,
    in_organization: bool,
) -> None:
    key = scoped(owner, {"resource_type": kind, "resource_id": identifier})
    assert passes(key, namespace) is in_namespace
    assert passes(key, namespace, COLLECTION) is in_collection
    assert passes(key, None) is in_organization


async def test_no_scopes_is_unrestricted(owner: ApiKey, namespace: Namespace) -> None:
    assert passes(scoped(owner), namespace)
    assert passes(scoped(owner), None)


async def test_one_scope_has_to_cover_and_allow(owner: ApiKey, namespace: Namespace) -> None:
    covers = {"resource_type": "namespace", "resource_id": "ns_one", "operations": ["read_data"]}
    allows = {"resource_type": "namespace", "resource_id": "ns_two", "operations": ["write_data"]}
    assert not passes(scoped(owner, covers, allows), namespace)
    both = {"resource_type": "namespace", "resource_id": "ns_one", "operations": ["write_data"]}
    assert passes(scoped(owner, covers, both), namespace)


async def test_scope_does_not_replace_the_permission(owner: ApiKey, namespace: Namespace) -> None:
    key = dataclasses.replace(
        owner,
        body={"permissions": ["read"], "scopes": [{"resource_type": "namespace", "resource_id": "*"}]},
    )
    assert not passes(key, namespace)


@pytest.mark.parametrize("identifier", [None, ""])
async def test_namespace_header_is_required(runtime: Runtime, owner: ApiKey, identifier: str | None) -> None:
    with pytest.raises(BadRequestError):
        resolve_namespace(runtime, owner, identifier)


async def test_unknown_namespace(runtime: Runtime, owner: ApiKey) -> None:
    with pytest.raises(NotFoundError) as caught:
        resolve_namespace(runtime, owner, "ns_nope")
    assert caught.value.details == {"resource": "namespace", "id": "ns_nope"}
