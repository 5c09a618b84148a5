"""``headwater users``: the people of an organization."""

from __future__ import annotations

from typing import Annotated, Literal

from cyclopts import App, Parameter

from headwater.cli.connection import DEFAULT_CONNECTION, Client, Connection, Json, Limit, path_of
from headwater.cli.output import print_json, print_object, print_rows

app = App(name="users", help="Users: create, get, list, delete.")
Email = Annotated[str, Parameter(help="The user's e-mail address.")]
_COLUMNS = ("user_id", "email", "user_name", "role", "status", "created_at")


@app.command
def create(
    email: Email,
    *,
    name: Annotated[str | None, Parameter(help="The user's name; the e-mail address when absent.")] = None,
    role: Annotated[Literal["admin", "member", "viewer"], Parameter(help="What the user is.")] = "member",
    connection: Connection = DEFAULT_CONNECTION,
    json: Json = False,
) -> None:
    """Add a user to the organization of the key."""
    body = {"email": email, "user_name": name or email, "role": role}
    with Client(connection) as client:
        print_object(client.post(path_of("organizations", "users"), body), as_json=json)


@app.command
def get(email: Email, *, connection: Connection = DEFAULT_CONNECTION, json: Json = False) -> None:
    """Show a user."""
    with Client(connection) as client:
        print_object(client.get(path_of("organizations", "users", email)), as_json=json)


@app.command(name="list")
def list_users(
    *,
    skip: Annotated[int, Parameter(help="Users to leave out at the start.")] = 0,
    limit: Limit = 50,
    connection: Connection = DEFAULT_CONNECTION,
    json: Json = False,
) -> None:
    """List the users of the organization."""
    with Client(connection) as client:
        answer = client.get(path_of("organizations", "users"), skip=skip, limit=limit)
    print_json(answer) if json else print_rows(answer["results"], _COLUMNS)


@app.command
def delete(email: Email, *, connection: Connection = DEFAULT_CONNECTION, json: Json = False) -> None:
    """Remove a user and revoke all the user's keys."""
    with Client(connection) as client:
        print_object(client.delete(path_of("organizations", "users", email)), as_json=json)
