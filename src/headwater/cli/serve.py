"""``headwater serve``: the server, until it is told to stop."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from headwater.cli.connection import Json
from headwater.cli.output import CommandError, print_json

if TYPE_CHECKING:
    from headwater.supervisor import Announcement


def serve(
    *,
    data: Annotated[
        Path | None, Parameter(help="The data directory, made on first start. [default: headwater-data]")
    ] = None,
    host: Annotated[str | None, Parameter(help="Address to listen on. [default: 127.0.0.1]")] = None,
    port: Annotated[int | None, Parameter(help="Port to listen on, 0 for a free one. [default: 8420]")] = None,
    workers: Annotated[int | None, Parameter(help="HTTP worker processes. [default: 1]")] = None,
    json: Json = False,
) -> None:
    """Serve the API until SIGTERM or Ctrl-C.

    The first start makes an organization, its admin user and the key "admin-key", prints it once and keeps it in
    DATA/admin-key.

    Every other setting comes from HEADWATER_* variables; an option beats its variable.
    """
    from pydantic import ValidationError

    from headwater.kit.log import configure_logs
    from headwater.settings import Settings
    from headwater.supervisor import StartError
    from headwater.supervisor import serve as run

    given = {"data": data, "host": host, "port": port, "workers": workers}
    try:
        settings = Settings(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]
    except ValidationError as error:
        raise CommandError(_explain(error), "see docs/reference/settings.md", exit_code=2) from error
    configure_logs(settings.log_format, settings.log_level)
    try:
        run(settings, announce=_announce_json if json else _announce)
    except StartError as error:
        raise CommandError(str(error), error.hint) from error


def _explain(error: Any) -> str:
    """Every setting that does not fit, by its variable's name."""
    return "; ".join(
        f"HEADWATER_{'_'.join(map(str, item['loc'])).upper()}: {item['msg']}, got {item['input']!r}"
        for item in error.errors()
    )


def _announce(announcement: Announcement) -> None:
    lines = [f"Headwater serves {announcement.data} at {announcement.url}"]
    if announcement.key is not None:
        lines += [
            "",
            f"  admin key  {announcement.key}",
            f"             shown once, and kept in {announcement.data / 'admin-key'}",
            "",
            f'  try        curl -H "Authorization: Bearer {announcement.key}" {announcement.url}/v1/me',
            f"  explore    {announcement.url}/docs",
        ]
    print("\n".join(lines), flush=True)


def _announce_json(announcement: Announcement) -> None:
    print_json({"url": announcement.url, "data": str(announcement.data), "key": announcement.key})
