"""Pages of ``docs/reference`` that are made from the code: ``python -m headwater.http.reference`` writes them.

A test fails when one of them is stale.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from inspect import cleandoc
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo

from headwater.errors import ERROR_TYPES, HeadwaterError
from headwater.http.access import ACCESS, Access
from headwater.settings import Settings

_NOTE = "<!-- Made by `python -m headwater.http.reference`; a test fails when it is stale. -->"


def settings_page() -> str:
    """Every setting: variable, default, meaning."""
    lines = [
        _NOTE,
        "# Settings",
        "Every setting is an environment variable. Lists are JSON: `HEADWATER_CORS_ORIGINS='[\"https://a.example\"]'`.",
        "| variable | type | default | meaning |\n|---|---|---|---|",
    ]
    rows = [_setting(name, field) for name, field in Settings.model_fields.items()]
    return _page(lines, rows)


def _setting(name: str, field: FieldInfo) -> str:
    annotation = field.annotation
    kind = annotation.__name__ if isinstance(annotation, type) else str(annotation)
    default = "" if field.default is None else _code(str(field.default))
    return _row(_code(f"HEADWATER_{name.upper()}"), kind, default, field.description or "")


def errors_page() -> str:
    """Every error: status, type, how one gets it and what to do."""
    lines = [
        _NOTE,
        "# Errors",
        'Every answer that is not a success is `{"success": false, "status": …, "error": {"type", "message", "code"?,'
        ' "details"}}` and carries the header `X-Request-ID`. A 503 means that nothing was stored: repeat the'
        " request after `Retry-After` seconds.",
        "| status | type | when, and what to do |\n|---|---|---|",
    ]
    kinds = sorted(_public_errors(), key=lambda kind: (kind.status, kind.__name__))
    return _page(lines, [_row(str(kind.status), _code(kind.__name__), _text(kind)) for kind in kinds])


def _public_errors() -> list[type[HeadwaterError]]:
    return [kind for kind in ERROR_TYPES.values() if kind is not HeadwaterError]


def _text(kind: type[HeadwaterError]) -> str:
    return " ".join(cleandoc(kind.__doc__ or "").replace("``", "`").split())


def routes_page() -> str:
    """Every route: what a request must bring."""
    lines = [
        _NOTE,
        "# Routes",
        "`/docs` on a running server describes each route; this is what a request must bring. The permissions are"
        " `read` < `write` < `delete` < `admin`; each includes those before it. `any` is any valid key, `public` none,"
        " `private` the token in `DIR/private-token`. Every route is also served below `/api/v1`.",
        "| method | path | permission | `X-Namespace` |\n|---|---|---|---|",
    ]
    rows = [
        _row(method, _code(path), access.permission, _namespace(access)) for (method, path), access in ACCESS.items()
    ]
    return _page(lines, rows)


def _namespace(access: Access) -> str:
    if not access.namespaced:
        return ""
    if access.namespace_omissible:
        return "optional"
    return "may name nothing" if access.namespace_optional else "required"


PAGES: Mapping[str, Callable[[], str]] = {
    "settings.md": settings_page,
    "errors.md": errors_page,
    "routes.md": routes_page,
}


def _page(lines: list[str], rows: list[str]) -> str:
    return "\n\n".join(lines) + "\n" + "\n".join(rows) + "\n"


def _row(*cells: Any) -> str:
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/reference")
    for name, page in PAGES.items():
        (folder / name).write_text(page())


if __name__ == "__main__":
    main()
