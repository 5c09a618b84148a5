"""The tree of commands, and how every error becomes a line and an exit code.

Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 server not reachable, 130 interrupted.
"""

from __future__ import annotations

import sys

from cyclopts import App, CycloptsError
from cyclopts.exceptions import UnknownCommandError

from headwater import __version__
from headwater.cli import buckets, collections, documents, keys, namespaces, objects, organizations, tasks, users
from headwater.cli.demo import demo
from headwater.cli.lineage import lineage
from headwater.cli.operate import backup, rebuild, restore, verify
from headwater.cli.output import CommandError, complain
from headwater.cli.search import search
from headwater.cli.serve import serve
from headwater.cli.transfer import export_collection, import_collection

app = App(
    name="headwater",
    help="A self-hosted document warehouse: every document durable, and traceable to where it came from.",
    version=__version__,
    help_format="plaintext",
    result_action="return_value",
)
for _noun in (organizations, users, keys, namespaces, collections, documents, buckets, objects, tasks):
    app.command(_noun.app)
for _verb in (serve, demo, search, lineage, verify, rebuild, backup, restore):
    app.command(_verb)
app.command(export_collection, name="export")
app.command(import_collection, name="import")


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
