"""Many documents from a file into a collection: concurrent, with progress, and resumable."""

from __future__ import annotations

import itertools
import json
import secrets
import sys
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from headwater.cli.connection import Client, Connection, path_of
from headwater.cli.output import CommandError, complain

Document = dict[str, Any]


def read_documents(file: Path) -> Iterator[Document]:
    """The documents of a JSON object, a JSON array or JSON lines; lines are read as they are needed."""
    if str(file) == "-":
        yield from _parse(sys.stdin, "standard input")
        return
    try:
        with file.open(encoding="utf-8") as stream:
            yield from _parse(stream, str(file))
    except OSError as error:
        raise CommandError(f"cannot read {file}: {error.strerror}") from error


def _parse(stream: TextIO, name: str) -> Iterator[Document]:
    first = next((line for line in stream if line.strip()), "")
    try:
        head = json.loads(first) if first else []
    except json.JSONDecodeError:
        # Not one value a line: the whole text is one value, spread over lines.
        head = _decode(first + stream.read(), name)
    lines = (_decode(line, f"{name}, line {number}") for number, line in enumerate(stream, start=2) if line.strip())
    for document in itertools.chain(head if isinstance(head, list) else [head], lines):
        if not isinstance(document, dict):
            raise CommandError(f"{name}: a document is a JSON object, not {type(document).__name__}")
        yield document


def _decode(text: str, place: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise CommandError(
            f"{place}: not JSON: {error}", "it takes JSON lines (one object a line), a JSON array, or one object"
        ) from error


@dataclass
class Report:
    """What a run did. ``acknowledged`` counts the stored documents of this run."""

    run: str
    documents: int = 0
    acknowledged: int = 0
    refused: int = 0
    seconds: float = 0.0
    #: The answer, when there was one document only.
    only: dict[str, Any] | None = None
    failure: CommandError | None = None
    _done: set[int] = field(default_factory=set)
    _prefix: int = 0

    def finished(self, position: int) -> None:
        self._done.add(position)
        while self._prefix in self._done:
            self._done.remove(self._prefix)
            self._prefix += 1

    def resume_at(self, skipped: int) -> int:
        """How many documents at the start of the input are dealt with, none missing."""
        return skipped + self._prefix


def load(
    connection: Connection,
    collection: str,
    documents: Iterable[Document],
    concurrency: int,
    skip: int,
    run: str | None,
    keep_going: bool,
) -> Report:
    """Create each document with ``concurrency`` requests in flight.

    Stops at the first refused document unless ``keep_going``. On any stop it says on standard error how to continue:
    documents beyond the given ``--skip`` that are stored already are recognised by the run's idempotency keys.
    """
    report = Report(run or secrets.token_hex(8))
    started = time.monotonic()
    with Client(connection, connections=concurrency) as client:
        try:
            _create_all(
                client, collection, itertools.islice(documents, skip, None), concurrency, skip, keep_going, report
            )
        except (CommandError, KeyboardInterrupt) as error:
            _say_how_to_continue(report, skip)
            if isinstance(error, KeyboardInterrupt):
                raise
            report.failure = error
    report.seconds = time.monotonic() - started
    return report


def _say_how_to_continue(report: Report, skip: int) -> None:
    if report.acknowledged:
        complain(
            f"stopped after {report.acknowledged} acknowledged documents",
            f"continue with --skip {report.resume_at(skip)} --run {report.run}",
        )


def _create_all(
    client: Client,
    collection: str,
    documents: Iterator[Document],
    concurrency: int,
    skip: int,
    keep_going: bool,
    report: Report,
) -> None:
    from headwater.cli.progress import counting

    path = path_of("collections", collection, "documents")

    def create(position: int, document: Document) -> Any:
        key = f"{report.run}-{skip + position}"
        return client.post(path, document, headers={"Idempotency-Key": key})

    with ThreadPoolExecutor(concurrency) as pool, counting("documents") as advance:
        waiting: dict[Future[Any], int] = {}
        try:
            for position, document in enumerate(documents):
                waiting[pool.submit(create, position, document)] = position
                report.documents += 1
                if len(waiting) >= concurrency * 2:
                    advance(_settle(waiting, report, skip, keep_going))
            while waiting:
                advance(_settle(waiting, report, skip, keep_going))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            _count_finished(waiting, report)
            raise


def _settle(waiting: dict[Future[Any], int], report: Report, skip: int, keep_going: bool) -> int:
    """Account for the requests that have ended; how many that were."""
    ended, _ = wait(waiting, return_when=FIRST_COMPLETED)
    for future in sorted(ended, key=lambda future: waiting[future]):
        position = waiting.pop(future)
        try:
            report.only = future.result()
            report.acknowledged += 1
        except CommandError as error:
            message = f"document {skip + position + 1}: {error}"
            # An unreachable server refuses nothing: there is no point in going on without it.
            if not keep_going or error.exit_code == 3:
                raise CommandError(message, error.hint, error.exit_code) from error
            complain(message)
            report.refused += 1
        report.finished(position)
    return len(ended)


def _count_finished(waiting: dict[Future[Any], int], report: Report) -> None:
    """Requests that were in flight when the run stopped may have been acknowledged all the same."""
    for future, position in waiting.items():
        if future.done() and not future.cancelled() and future.exception() is None:
            report.acknowledged += 1
            report.finished(position)
