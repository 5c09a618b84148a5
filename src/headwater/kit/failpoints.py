"""Named places where a test can make the process die, fail or wait.

``HEADWATER_FAILPOINTS="commit.after=exit;index.apply=error"`` arms them. An action is ``exit`` (as ``kill -9``),
``error`` (raise), ``sleep:SECONDS``, each optionally ``@N``: only the N-th time the place is crossed.
``FAILPOINTS`` is the complete list; crossing an unlisted one is a defect.
"""

from __future__ import annotations

import os
import signal
import time
from collections import Counter

FAILPOINTS: frozenset[str] = frozenset(
    {
        "commit.before",  # the transaction is complete but not committed
        "commit.after",  # committed, not applied to the index
        "index.apply",  # about to apply a collection's changes to its index
        "apply.after",  # applied, nobody answered
        "answer.after",  # the first answer of the group is on the socket
        "checkpoint.flushed",  # the index is flushed, the number not stored
        "checkpoint.stored",  # the number is stored
        "generation.built",  # the builder finished, nobody told
        "generation.adopted",  # the new generation is loaded, not caught up
        "generation.swapped",  # the catalogue names the new directory, the old one is still there
        "generation.removed",  # the old directory is gone
        "blob.written",  # a file is complete, not synced and without its name
        "blob.stored",  # a file has its name, nobody was told
        "blobs.marked",  # unused blobs are marked, their bytes are there
        "blobs.removed",  # their bytes are gone, their rows are not
        "upload.sealed",  # the bytes of an upload are hashed under a key of their own, no row names them
        "upload.completed",  # an upload is confirmed, the bytes that were PUT are there still
        "export.written",  # a batch of an export is in its file, the rest is not
        "import.stored",  # a slice of an import is stored, the rest is not
        "clone.copied",  # a slice of a namespace's clone is stored, the rest is not
    }
)


class FailpointError(RuntimeError):
    """Raised by a failpoint armed with ``error``."""


def _parse(text: str) -> dict[str, tuple[str, int]]:
    armed = {}
    for part in filter(None, text.split(";")):
        name, _, action = part.partition("=")
        if name not in FAILPOINTS:
            raise ValueError(f"unknown failpoint {name!r} in HEADWATER_FAILPOINTS")
        action, _, nth = action.partition("@")
        armed[name] = (action, int(nth or 0))
    return armed


_armed = _parse(os.environ.get("HEADWATER_FAILPOINTS", ""))
_crossed: Counter[str] = Counter()


def cross(name: str) -> None:
    """Do what the environment asked for at this place: nothing, in production."""
    if not _armed:
        return
    if name not in FAILPOINTS:
        raise ValueError(f"failpoint {name!r} is not listed")
    _crossed[name] += 1
    action, nth = _armed.get(name, ("", 0))
    if not action or (nth and _crossed[name] != nth):
        return
    if action == "exit":
        os.kill(os.getpid(), signal.SIGKILL)
    elif action == "error":
        raise FailpointError(f"failpoint {name}")
    elif action.startswith("sleep:"):
        time.sleep(float(action.removeprefix("sleep:")))
