"""What a list is asked for in its query string: texts, some of them JSON, that become the fields of a body."""

from __future__ import annotations

from typing import Annotated, Any

import pydantic
from fastapi import Depends, Query

from headwater.errors import ValidationError
from headwater.http.envelope import validation_items
from headwater.kit import strict_json
from headwater.resources.documents.list_request import ListFields

#: No filter, sort or group needs more; the limit of bodies is a setting that a query string does not know.
_MAX_JSON_DEPTH = 64
#: How the reader of bodies begins its messages.
_OF_BODIES = "the body is not valid JSON: "


def _described(name: str) -> str:
    return str(ListFields.model_fields[name].description)


_FILTERS = Query(description="A filter as URL-encoded JSON. JSON that does not parse is refused.")
_LISTED = "A comma-separated list, or the parameter repeated."


async def _list_query(
    filters: Annotated[str | None, _FILTERS] = None,
    search: Annotated[str | None, Query(description=_described("search"))] = None,
    sort: Annotated[str | None, Query(description=_described("sort"))] = None,
    group_by: Annotated[str | None, Query(description=_described("group_by"))] = None,
    select: Annotated[list[str] | None, Query(description=f"{_described('select')} {_LISTED}")] = None,
    expand: Annotated[list[str] | None, Query(description=f"{_described('expand')} {_LISTED}")] = None,
    partition: Annotated[str | None, Query(description='`{"index": 0, "count": 4}`: one of disjoint parts.')] = None,
    explain: Annotated[bool | None, Query(description=_described("explain"))] = None,
) -> ListFields:
    sent = {
        "filters": _json("filters", filters),
        "search": search,
        "sort": _json("sort", sort, or_text=True),
        "group_by": _json("group_by", group_by, or_text=True),
        "select": _split(select),
        "expand": _split(expand),
        "partition": _json("partition", partition),
        "explain": explain,
    }
    return _validated(sent)


async def _count_query(filters: Annotated[str | None, _FILTERS] = None) -> ListFields:
    return _validated({"filters": _json("filters", filters)})


#: ``query: ListParameters`` in a list route declares and reads the query parameters.
ListParameters = Annotated[ListFields, Depends(_list_query)]
#: ``query: CountParameters``: what a count may be asked for.
CountParameters = Annotated[ListFields, Depends(_count_query)]


def _validated(sent: dict[str, Any]) -> ListFields:
    try:
        return ListFields.model_validate(sent)
    except pydantic.ValidationError as error:
        raise ValidationError(validation_items(error.errors(), "query")) from None


def _json(name: str, text: str | None, *, or_text: bool = False) -> Any:
    """The JSON of a parameter; with ``or_text``, what does not begin like an object is the text that it is."""
    if not text or (or_text and not text.lstrip().startswith("{")):
        return text or None
    try:
        return strict_json.decode(text.encode(), _MAX_JSON_DEPTH)
    except strict_json.InvalidJSONError as error:
        raise ValidationError.at(
            ["query", name], f"{name} is not JSON: {error.message.removeprefix(_OF_BODIES)}", error.kind
        ) from None


def _split(texts: list[str] | None) -> list[str] | None:
    return [name for text in texts for name in text.split(",") if name] if texts else None
