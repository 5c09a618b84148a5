"""``docs/reference/cli.md``: made from the commands themselves. ``python -m headwater.cli.reference`` writes it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from headwater.cli.application import app

_NOTE = "<!-- Made by `python -m headwater.cli.reference`; a test fails when it is stale. -->"


def reference() -> str:
    """The page, in Markdown."""
    with _called_as_a_user_does():
        text = app.generate_docs(output_format="markdown")
    return f"{_NOTE}\n\n{text.strip()}\n"


@contextmanager
def _called_as_a_user_does() -> Iterator[None]:
    # The usage lines come out of the name of the running program, which is Python or pytest here.
    before, sys.argv = sys.argv, ["headwater"]
    try:
        yield
    finally:
        sys.argv = before


def main() -> None:
    target = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/reference/cli.md")
    target.write_text(reference())


if __name__ == "__main__":
    main()
