"""The rules alone, without a server."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from headwater.errors import ValidationError
from headwater.store.documents.acl import acl_of, new_acl, owned_by, parse_acl, readable_by, writable_by

SHARED = {"owner": "olga", "read": ["rita"], "write": ["walt"], "public": False}


@pytest.mark.parametrize(
    ("acl", "principal", "rights"),
    [
        (SHARED, None, "read write own"),
        (SHARED, "olga", "read write own"),
        (SHARED, "walt", "read write"),
        (SHARED, "rita", "read"),
        (SHARED, "nina", ""),
        (SHARED, "OLGA", ""),
        (SHARED, "", ""),
        (SHARED | {"public": True}, "nina", "read"),
        (SHARED | {"public": True}, "walt", "read write"),
        (None, None, "read write own"),
        (None, "olga", ""),
        (new_acl(), None, "read write own"),
        (new_acl(), "olga", ""),
        (new_acl("olga"), "olga", "read write own"),
    ],
)
def test_rights(acl: dict[str, Any] | None, principal: str | None, rights: str) -> None:
    found = {
        "read": readable_by(acl, principal),
        "write": writable_by(acl, principal),
        "own": owned_by(acl, principal),
    }
    assert " ".join(name for name, holds in found.items() if holds) == rights


def test_only_the_top_of_internal_holds_the_acl() -> None:
    decoy = {"metadata": {"_acl": SHARED}, "features": [{"_acl": SHARED}]}
    assert acl_of(msgspec.json.encode(decoy)) is None
    assert acl_of(msgspec.json.encode(decoy | {"_acl": new_acl("olga")})) == new_acl("olga")
    assert acl_of(b'{"metadata":{}}') is None


@pytest.mark.parametrize(
    ("sent", "place"),
    [
        ({"read": "rita"}, ["read"]),
        ({"write": {}}, ["write"]),
        ({"read": ["x"] * 257}, ["read"]),
        ({"read": ["rita", 7]}, ["read", 1]),
        ({"read": [""]}, ["read", 0]),
        ({"read": ["x" * 257]}, ["read", 0]),
        ({"public": 1}, ["public"]),
        ({"owner": "rita"}, ["owner"]),
        ({"readers": []}, ["readers"]),
    ],
)
def test_malformed_acl_names_its_place(sent: dict[str, Any], place: list[str | int]) -> None:
    with pytest.raises(ValidationError) as caught:
        parse_acl(sent, ["body"])
    assert caught.value.details is not None
    assert caught.value.details["validation_errors"][0]["location"] == ["body", *place]


def test_parsed_acl_has_what_was_sent_and_null_is_absent() -> None:
    assert parse_acl({"read": ["x"] * 256, "write": None, "public": False}, []) == {
        "read": ["x"] * 256,
        "public": False,
    }
    assert parse_acl({}, []) == {}
