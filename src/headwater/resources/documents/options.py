"""What a request asks of the answer: ``return_vectors`` and the like, read alike on every document route."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, Request

from headwater.errors import ValidationError
from headwater.resources.documents.expand import parse_expand
from headwater.store.documents.render import PLAIN, RenderOptions

_TRUE = frozenset({"true", "1", "yes", "on", "t", "y"})
_FALSE = frozenset({"false", "0", "no", "off", "f", "n", ""})


def parse_flag(name: str, text: str) -> bool:
    """A boolean of the query string. Raises ``ValidationError``."""
    folded = text.strip().lower()
    if folded in _TRUE:
        return True
    if folded in _FALSE:
        return False
    raise ValidationError.at(["query", name], f"{name} must be true or false, not {text[:40]!r}", "bool_parsing")


def parse_names(texts: list[str]) -> bool | list[str]:
    """``return_vector_names``: true, false, or names that are comma-separated or repeated."""
    names = [name.strip() for text in texts for name in text.split(",") if name.strip()]
    if len(names) <= 1:
        folded = names[0].lower() if names else ""
        if folded == "true":
            return True
        if folded in ("", "false"):
            return False
    return names


async def render_options(request: Request) -> RenderOptions:
    # Most requests ask for nothing, and a get is fast enough to notice the parsing.
    if not request.scope["query_string"]:
        return PLAIN
    query = request.query_params
    signed = [parse_flag(name, query[name]) for name in ("return_url", "return_presigned_urls") if name in query]
    vectors = parse_flag("return_vectors", query.get("return_vectors", ""))
    names = parse_names(query.getlist("return_vector_names"))
    return RenderOptions(any(signed), vectors, names or None)


#: The options of a route that answers with documents.
Options = Annotated[RenderOptions, Depends(render_options)]


async def _expand_names(request: Request) -> tuple[str, ...]:
    if not request.scope["query_string"]:
        return ()
    return parse_expand(request.query_params.getlist("expand"), ["query", "expand"])


#: What an answer with one document shows inside of it.
Expand = Annotated[tuple[str, ...], Depends(_expand_names)]


async def _cascade(request: Request) -> tuple[bool, bool]:
    if not request.scope["query_string"]:
        return False, False
    cascade, dry_run = (parse_flag(name, request.query_params.get(name, "")) for name in ("cascade", "dry_run"))
    if dry_run and not cascade:
        raise ValidationError.at(["query", "dry_run"], "dry_run goes with cascade=true", "missing_cascade")
    if cascade:
        _refuse_unknown(request, "cascade", "dry_run")
    return cascade, dry_run


def _refuse_unknown(request: Request, *known: str) -> None:
    """Elsewhere a parameter that nobody knows does no harm, but a mistyped ``dry_run`` would delete."""
    for name in request.query_params:
        if name not in known:
            message = f"{name[:80]}: unknown parameter; accepted are {', '.join(known)}"
            raise ValidationError.at(["query", name], message, "extra_forbidden")


#: ``cascade`` and ``dry_run`` of a delete.
Cascade = Annotated[tuple[bool, bool], Depends(_cascade)]


async def no_mistyped_dry_run(request: Request) -> None:
    """For the delete that always cascades, where one may say so, too."""
    _refuse_unknown(request, "cascade", "dry_run")


def _parameter(name: str, kind: str, description: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "query",
        "required": False,
        "schema": {"type": kind, **({"default": False} if kind == "boolean" else {})},
        "description": description,
    }


#: For ``openapi_extra``: the parameters are read by ``render_options``, not by FastAPI.
LINK_PARAMETERS: list[dict[str, Any]] = [
    _parameter(
        "return_url",
        "boolean",
        "Give each of `document_blobs` a `presigned_url`, and show links to files in place of root texts that refer"
        " to one. Links are good for an hour, need no key, and die with the key that asked for them.",
    ),
    _parameter("return_presigned_urls", "boolean", "The same as `return_url`."),
]
OPTION_PARAMETERS = [
    *LINK_PARAMETERS,
    _parameter("return_vectors", "boolean", "Show every vector as a root key, in the form it was sent in."),
    _parameter(
        "return_vector_names",
        "string",
        "`true` lists the names of the vectors in `_vectors`; a comma-separated list shows just those vectors.",
    ),
]

EXPAND_PARAMETER: dict[str, Any] = {
    "name": "expand",
    "in": "query",
    "required": False,
    "schema": {"type": "string"},
    "description": "Comma-separated names of what to show inside the document, under `_expanded`: `parent`, `ancestors`"
    " (the topmost first), `children` (up to 100), `root_object`, or the dotted path of a field that holds ids of"
    " documents (up to 50). What is not there is null.",
    "example": "parent,children",
}

CASCADE_PARAMETERS = [
    _parameter("cascade", "boolean", "Delete everything that was made from the document, too."),
    _parameter("dry_run", "boolean", "With `cascade`: only count what would be deleted."),
]
