"""The base models: null is absent, typos are refused where they could do harm, and named where they could not."""

from __future__ import annotations

import pytest
from pydantic import Field, ValidationError

from headwater.http.envelope import validation_items
from headwater.http.models import ClosedModel, LenientModel, unknown_key_warnings


class Change(ClosedModel):
    name: str
    count: int = 3
    tags: list[str] = []
    note: str | None = None
    inner: str = Field("x", alias="_inner")


class Search(LenientModel):
    limit: int = 10


def test_null_is_absent_for_optional_fields() -> None:
    change = Change.model_validate({"name": "a", "count": None, "tags": None, "_inner": None})
    assert (change.count, change.tags, change.inner) == (3, [], "x")
    assert change.model_fields_set == {"name"}


def test_a_sent_null_is_kept_where_it_means_something() -> None:
    assert Change.model_validate({"name": "a", "note": None}).model_fields_set == {"name", "note"}
    assert Change.model_validate({"name": "a"}).model_fields_set == {"name"}


def test_null_for_a_required_field_is_refused() -> None:
    with pytest.raises(ValidationError):
        Change.model_validate({"name": None})


def test_unknown_keys_are_refused_or_named() -> None:
    with pytest.raises(ValidationError, match="extra_forbidden"):
        Change.model_validate({"name": "a", "nmae": "b"})
    search = Search.model_validate({"limit": 3, "limt": 4, "note": "no body"})
    assert (search.limit, search.unknown_keys()) == (3, ["limt", "note"])
    assert unknown_key_warnings(search) == ["unknown key 'limt' was ignored", "unknown key 'note' was ignored"]
    assert Search().unknown_keys() == []


def test_a_refused_key_is_told_what_is_accepted() -> None:
    with pytest.raises(ValidationError) as caught:
        Change.model_validate({"nmae": "b"})
    (item,) = validation_items(caught.value.errors(), "body")
    assert item["location"] == ["body", "nmae"]
    assert item["message"] == "nmae: unknown key; accepted are _inner, count, inner, name, note, tags"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            {"name": "a", "count": "many"},
            "count: input should be a valid integer, unable to parse string as an integer, not 'many'",
        ),
        ({"name": True}, "name: input should be a valid string, not true"),
        ({"name": ["a"]}, "name: input should be a valid string"),
        (
            {"name": "a", "count": "n" * 200},
            "count: input should be a valid integer, unable to parse string as an integer",
        ),
        ([], "body: should be a JSON object"),
    ],
)
def test_messages_name_the_short_value(body: object, message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Change.model_validate(body)
    assert [item["message"] for item in validation_items(caught.value.errors(), "body")] == [message]
