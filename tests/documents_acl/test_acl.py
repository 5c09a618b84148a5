"""The rules alone, without a server."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.errors import ValidationError
from headwater.query import Fields, compile_filter
from headwater.store.documents.acl import acl_of, new_acl, owned_by, parse_acl, readable_by, writable_by
from headwater.store.find import query

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


#: Names that filters could take for one another, or for something else than texts.
NAMES = st.sampled_from(
    [
        "p",
        "P",
        "ß",
        "ss",
        "é",
        "e\u0301",
        "1",
        "1.0",
        "true",
        "null",
        "*",
        "p.q",
        " p",
        "2024-01-01",
        "2024-01-01T00:00:00Z",
    ]
)
STORED = st.none() | st.fixed_dictionaries(
    {"read": st.lists(NAMES, max_size=2), "write": st.lists(NAMES, max_size=2), "public": st.booleans()},
    optional={"owner": NAMES},
)
#: User fields that look like an ACL.
DECOYS = st.sampled_from(
    [{}, {"_internal._acl.owner": "p"}, {"_acl": {"public": True}}, {"_internal": {"_acl": {"owner": "p"}}}]
)


@given(NAMES, STORED, DECOYS)
def test_searches_and_reads_have_one_rule(principal: str, acl: dict[str, Any] | None, body: dict[str, Any]) -> None:
    internal = {"metadata": {"_acl": {"owner": principal}}} | ({} if acl is None else {"_acl": acl})
    encode = msgspec.json.encode
    fields = Fields("d", "c", encode(body), encode(internal), None, msgspec.json.decode)
    assert compile_filter(query.readable_by(principal))(fields) == readable_by(acl, principal)
