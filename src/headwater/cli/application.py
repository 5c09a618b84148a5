"""The tree of commands, and how every error becomes a line and an exit code.

Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 server not reachable, 130 interrupted.
"""

from __future__ import annotations

import sys

from cyclopts import App, CycloptsError
from cyclopts.exceptions import UnknownCommandError

from headwater import __version__
from headwater.cli.output import CommandError, complain

app = App(
    name="headwater",
    help="A self-hosted document warehouse: every document durable, and traceable to where it came from.",
    version=__version__,
    help_format="plaintext",
    result_action="return_value",
)
#: What each command is for; the modules themselves are imported when they are used.
_COMMANDS = {
    "serve": ("serve:serve", "Serve the API until SIGTERM or Ctrl-C."),
    "demo": ("demo:demo", "Load the Python standard library and look around in it."),
    "organizations": ("organizations:app", "Organizations: create, get."),
    "users": ("users:app", "Users: create, get, list, delete."),
    "keys": ("keys:app", "API keys: create, list, rotate, delete."),
    "namespaces": ("namespaces:app", "Namespaces: create, get, list, delete."),
    "collections": ("collections:app", "Collections: create, get, list, delete."),
    "documents": ("documents:app", "Documents: create from JSON or JSON lines, get, list, delete."),
    "verify": ("operate:verify", "Compare every record with its checksum and its index."),
    "rebuild": ("operate:rebuild", "Make the index again from the records."),
    "backup": ("operate:backup", "Copy a data directory, running or stopped, into a new one."),
    "restore": ("operate:restore", "Make a data directory from a backup."),
}
for _name, (_target, _help) in _COMMANDS.items():
    app.command(f"headwater.cli.{_target}", name=_name, help=_help)


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return the exit code."""
    try:
        outcome = app(sys.argv[1:] if arguments is None else arguments, exit_on_error=False, print_error=False)
    except CycloptsError as error:
        hint = "see headwater --help" if isinstance(error, UnknownCommandError) else None
        complain(str(error), hint or "add --help to see what the command takes")
        return 2
    except CommandError as error:
        complain(str(error), error.hint)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of our output is gone, as in `| head`; Python would complain once more while it exits.
        sys.stdout = None
        return 1
    return outcome if isinstance(outcome, int) else 0
