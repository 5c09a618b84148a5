"""Pages: which parameter counts, and what the envelope says."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError as ModelError

from headwater.errors import ValidationError
from headwater.http.pagination import Page, PageBody, PageQuery, pagination_envelope, resolve_page


@pytest.mark.parametrize(
    ("query", "body", "page"),
    [
        ({}, None, Page(10, 0)),
        ({"limit": 5}, None, Page(5, 0)),
        ({"page_size": 7}, None, Page(7, 0)),
        ({"limit": 5, "page_size": 7}, None, Page(5, 0)),
        ({"page": 3}, None, Page(10, 20)),
        ({"page": 3, "offset": 4}, None, Page(10, 4)),
        ({"offset": 4, "cursor": "c"}, None, Page(10, 0, "c")),
        ({"limit": 5}, {"limit": 6}, Page(6, 0)),
        ({"limit": 5}, {"page_size": 6}, Page(6, 0)),
        ({"limit": 5, "offset": 9}, {}, Page(5, 9)),
        ({"offset": 9}, {"limit": 10, "offset": 0}, Page(10, 0)),
        ({}, {"limit": 10, "offset": 0, "page": 2}, Page(10, 10)),
        ({}, {"next_cursor": "n"}, Page(10, 0, "n")),
        ({}, {"after": "a"}, Page(10, 0, "a")),
        ({"cursor": "q"}, {"cursor": "b"}, Page(10, 0, "b")),
        ({"cursor": "q"}, {"limit": 10, "offset": 0}, Page(10, 0, "q")),
        ({"include_total": True}, {}, Page(10, 0, None, True)),
        ({"include_total": True}, {"include_total": False}, Page(10, 0, None, False)),
        ({}, {"limit": None, "offset": None, "page": None}, Page(10, 0)),
    ],
)
def test_precedence(query: dict[str, Any], body: dict[str, Any] | None, page: Page) -> None:
    assert resolve_page(PageQuery(**query), None if body is None else PageBody(**body)) == page


@pytest.mark.parametrize("body", [{"limit": 0}, {"limit": 1001}, {"page_size": 0}, {"offset": -1}, {"page": 0}])
def test_out_of_range(body: dict[str, Any]) -> None:
    with pytest.raises(ModelError):
        PageBody(**body)


def test_a_deep_offset_points_to_the_cursor() -> None:
    with pytest.raises(ValidationError, match="next_cursor"):
        resolve_page(PageQuery(page=1002))
    assert resolve_page(PageQuery(page=1002), max_offset=None).offset == 10_010


def test_first_middle_and_last_page() -> None:
    first = pagination_envelope(Page(10, 0), path="/v1/things", has_more=True, next_cursor="c")
    assert first == {
        "total": None,
        "page": 1,
        "page_size": 10,
        "total_pages": None,
        "next_page": "/v1/things?limit=10&offset=10",
        "previous_page": None,
        "next_cursor": "c",
    }
    middle = pagination_envelope(Page(10, 10), path="/v1/things", has_more=True, next_cursor="d")
    assert (middle["page"], middle["previous_page"]) == (2, "/v1/things?limit=10&offset=0")
    last = pagination_envelope(Page(10, 20), path="/v1/things", has_more=False, next_cursor="e")
    assert (last["page"], last["next_page"], last["next_cursor"]) == (3, None, None)


def test_with_a_cursor_there_are_no_page_numbers() -> None:
    page = pagination_envelope(Page(10, 0, "c"), path="/v1/things", has_more=True, next_cursor="d")
    assert (page["page"], page["next_page"], page["previous_page"], page["next_cursor"]) == (None, None, None, "d")


@pytest.mark.parametrize(("total", "pages"), [(0, 0), (1, 1), (10, 1), (11, 2)])
def test_totals_are_shown_when_asked_for(total: int, pages: int) -> None:
    asked = pagination_envelope(Page(10, 0, None, True), path="/v1/things", has_more=False, total=total)
    assert (asked["total"], asked["total_pages"]) == (total, pages)
    unasked = pagination_envelope(Page(10, 0), path="/v1/things", has_more=False, total=total)
    assert (unasked["total"], unasked["total_pages"]) == (None, None)


def test_links_keep_other_parameters() -> None:
    envelope = pagination_envelope(
        Page(2, 2, None, True), path="/v1/things", has_more=True, parameters={"status": ["a", "b"]}
    )
    assert envelope["next_page"] == "/v1/things?limit=2&offset=4&include_total=true&status=a&status=b"
