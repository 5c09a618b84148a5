"""``headwater keys``: API keys."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from cyclopts import App, Parameter

from headwater.cli.connection import DEFAULT_CONNECTION, Client, Connection, Json, path_of
from headwater.cli.output import note, print_json, print_object, print_rows

app = App(name="keys", help="API keys: create, list, rotate, delete.")
_COLUMNS = ("key_id", "name", "status", "permissions", "principal_id", "expires_at", "key_prefix", "last_used_at")

Permission = Literal["read", "write", "delete", "admin"]
Key = Annotated[str, Parameter(help="Name or id of the key.")]
User = Annotated[
    str | None, Parameter(name="--email", help="The user whose keys; the one of the key in use when absent.")
]


@app.command
def create(
    name: str,
    *,
    permissions: Annotated[
        tuple[Permission, ...], Parameter(consume_multiple=True, negative=(), help="What the key may do.")
    ] = ("read", "write", "delete"),
    expires_at: Annotated[str | None, Parameter(help="When it stops to work, such as 2027-01-31T00:00:00Z.")] = None,
    principal: Annotated[
        str | None, Parameter(help="The end user that the key is for: it sees only documents that the user may see.")
    ] = None,
    email: User = None,
    connection: Connection = DEFAULT_CONNECTION,
    json: Json = False,
) -> None:
    """Make an API key. Its secret is printed now and never again.

    Parameters
    ----------
    name
        Its name, 1 to 100 characters, unique among the user's keys.
    """
    body = {"name": name, "permissions": list(permissions), "expires_at": expires_at, "principal_id": principal}
    with Client(connection) as client:
        _print_secret(client.post(_keys_of(client, email), body), json)


@app.command(name="list")
def list_keys(
    *,
    email: User = None,
    revoked: Annotated[bool, Parameter(negative=(), help="Also those that were revoked.")] = False,
    connection: Connection = DEFAULT_CONNECTION,
    json: Json = False,
) -> None:
    """List a user's keys, without their secrets."""
    with Client(connection) as client:
        answer = client.get(_keys_of(client, email), include_revoked=str(revoked).lower())
    print_json(answer) if json else print_rows(answer["results"], _COLUMNS)


@app.command
def rotate(name: Key, *, email: User = None, connection: Connection = DEFAULT_CONNECTION, json: Json = False) -> None:
    """Give a key, by name or id, a new secret. The old one is dead at once."""
    with Client(connection) as client:
        _print_secret(client.post(_keys_of(client, email, name, "rotate")), json)


@app.command
def delete(name: Key, *, email: User = None, connection: Connection = DEFAULT_CONNECTION, json: Json = False) -> None:
    """Revoke a key, by name or id."""
    with Client(connection) as client:
        print_object(client.delete(_keys_of(client, email, name)), as_json=json)


def _keys_of(client: Client, email: str | None, *rest: str) -> str:
    owner = email or client.get(path_of("me"))["user_email"]
    return path_of("organizations", "users", owner, "api-keys", *rest)


def _print_secret(answer: dict[str, Any], as_json: bool) -> None:
    print_object(answer, as_json=as_json)
    note("hint: keep the key now; it is not stored and cannot be shown again")
