"""A server of our own for as long as a command runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from headwater.cli.output import CommandError
from headwater.kit.process import die_with_parent

LOG = "server.log"


@contextmanager
def embedded_server(directory: Path) -> Iterator[str]:
    """The URL of a server on a free port of this machine, which ends with the block. It logs to ``DIR/server.log``."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    arguments = ["serve", "--data", str(directory), "--host", "127.0.0.1", "--port", "0", "--json"]
    with (directory / LOG).open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "headwater", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
            preexec_fn=partial(die_with_parent, os.getpid()),
        )
    try:
        yield _url(process, directory / LOG)
    finally:
        process.terminate()
        process.communicate()


def _url(process: subprocess.Popen[bytes], log: Path) -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        last = log.read_text(errors="replace").strip().splitlines()[-1:] or ["it said nothing"]
        raise CommandError(f"the server did not start: {last[0]}", f"its log is {log}")
    return str(json.loads(line)["url"])
