"""``document_schema``: what it finds, and schemas that would hang or leave the server."""

from __future__ import annotations

from typing import Any

import pytest

from headwater.errors import ValidationError
from headwater.store.documents.schema_validation import check_document_schema, enforce, violations

SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["title"],
    "properties": {
        "title": {"type": "string", "minLength": 2},
        "metadata": {"properties": {"price": {"type": "number", "minimum": 0}}},
        "tags": {"type": "array", "items": {"$ref": "#/definitions/tag"}, "uniqueItems": True},
    },
    "patternProperties": {"^x_": {"type": "integer"}},
    "additionalProperties": False,
    "definitions": {"tag": {"type": "string", "pattern": "^[a-z]+$"}},
}


@pytest.mark.parametrize(
    ("stored", "found"),
    [
        ({"title": "ok", "metadata": {"price": 1}, "tags": ["a", "b"], "x_1": 5}, []),
        ({}, [("", "required")]),
        ({"title": "ok", "metadata": {"price": "1"}}, [("metadata.price", "type")]),
        ({"title": "ok", "metadata": {"price": -1}}, [("metadata.price", "minimum")]),
        ({"title": "ok", "tags": ["a", "B"]}, [("tags.1", "pattern")]),
        ({"title": "ok", "tags": ["a", "a"]}, [("tags", "uniqueItems")]),
        ({"title": "ok", "x_1": "5"}, [("x_1", "type")]),
        ({"title": "ok", "other": 1}, [("", "additionalProperties")]),
        ({"title": 1, "tags": {}}, [("title", "type"), ("tags", "type")]),
    ],
)
def test_violations_name_path_and_rule(stored: dict[str, Any], found: list[tuple[str, str]]) -> None:
    assert [(each["path"], each["validator"]) for each in violations(SCHEMA, stored)] == found


@pytest.mark.parametrize(
    ("values", "unique"),
    [([1, True], True), ([1, 1.0], False), ([{"a": [1]}, {"a": [1.0]}], False), ([[], {}], True), ([0, False], True)],
)
def test_items_are_equal_as_json_is(values: list[Any], unique: bool) -> None:
    assert (violations({"properties": {"a": {"uniqueItems": True}}}, {"a": values}) == []) is unique


def test_modes() -> None:
    body = {"document_schema": SCHEMA, "schema_validation": "off"}
    assert enforce(body, {}, ["body"]) == []
    assert enforce({"document_schema": None, "schema_validation": "strict"}, {}, ["body"]) == []
    assert len(enforce({**body, "schema_validation": "warn"}, {}, ["body"])) == 1
    with pytest.raises(ValidationError) as caught:
        enforce({**body, "schema_validation": "strict"}, {"title": "x", "tags": [1]}, ["body", "documents", 3])
    assert caught.value.details is not None
    locations = [item["location"] for item in caught.value.details["validation_errors"]]
    assert locations == [["body", "documents", 3, "title"], ["body", "documents", 3, "tags", 0]]


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "http://localhost:9/schema.json"},
        {"properties": {"a": {"$ref": "file:///etc/passwd"}}},
        {"properties": {"a": {"$id": "http://localhost:9/x", "$ref": "other.json"}}},
        {"$ref": "#/definitions/nothing"},
        {"pattern": "(?=x)y"},
        {"pattern": "(a)\\1"},
        {"patternProperties": {"(": {}}},
        {"type": 5},
        {"properties": []},
    ],
)
def test_schemas_that_are_refused_when_set(schema: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        check_document_schema(schema)
    assert caught.value.code == "document_schema_invalid"


def test_a_pattern_cannot_be_made_to_backtrack() -> None:
    # Python's own engine would need longer than the universe has.
    schema = {"properties": {"a": {"pattern": "^(a+)+$"}}, "patternProperties": {"^(b+)+$": {"type": "string"}}}
    assert len(violations(schema, {"a": "a" * 10_000 + "!", "b" * 10_000 + "!": 1})) == 1


def _bomb() -> dict[str, Any]:
    doubled = {f"d{n}": {"allOf": [{"$ref": f"#/definitions/d{n + 1}"}] * 2} for n in range(40)}
    return {"definitions": {**doubled, "d40": {}}, "$ref": "#/definitions/d0"}


def _wrapped(levels: int) -> dict[str, Any]:
    """A circle with many levels between one turn and the next: the stack ends before the count of turns."""
    schema: dict[str, Any] = {"$ref": "#"}
    for _ in range(levels):
        schema = {"allOf": [schema]}
    return schema


@pytest.mark.parametrize(
    "schema", [{"$ref": "#"}, {"allOf": [{"$ref": "#"}]}, _wrapped(10), _wrapped(50), _bomb()], ids=range(5)
)
def test_endless_references_end_in_an_error(schema: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="circles"):
        violations(schema, {"a": 1})


def test_messages_and_numbers_of_violations_are_bounded() -> None:
    found = violations({"additionalProperties": {"type": "string"}}, {f"k{n}": ["x" * 5000] for n in range(500)})
    assert len(found) == 100
    assert max(len(each["message"]) for each in found) <= 300
