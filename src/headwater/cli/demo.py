"""``headwater demo``: the Python standard library, loaded through the API and looked at."""

from __future__ import annotations

import struct
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from headwater.cli.connection import DEFAULT_CONNECTION, Client, Connection, Json, path_of
from headwater.cli.output import CommandError, note, print_json
from headwater.cli.progress import counting

if TYPE_CHECKING:
    from headwater.demo.standard_library import Module
    from headwater.models.interface import Embedding
    from headwater.models.manifest import Definition
    from headwater.models.scheduler import Scheduler

NAMESPACE = "standard-library"
MODULES, DEFINITIONS = "modules", "definitions"
BUCKET = "source-files"
#: Where the demo's own server listens when it is started to go on.
_LATER = "127.0.0.1:8420"
#: The fields that the demo asks for. Any other can be filtered by as well, but then each document is looked at; words
#: are searched for in texts alone.
_INDEXES = {"kind": "keyword", "module": "keyword", "lines": "integer", "text": "text", "signature": "text"}
_IN_FLIGHT = 16
_BATCH_GET = 1000
_EMBED_AT_ONCE = 64

Body = dict[str, Any]


@dataclass(frozen=True)
class Loaded:
    """What loading did. ``created`` is without what was there already; ``seconds`` without reading and embedding."""

    modules: int
    definitions: int
    created: int
    seconds: float

    @property
    def there_already(self) -> int:
        return self.modules + self.definitions - self.created


def demo(
    *,
    everything: Annotated[
        bool,
        Parameter(name="--all", negative=(), help="Every module, not only the well-known ones."),
    ] = False,
    data: Annotated[Path, Parameter(help="Data directory of the demo's own server.")] = Path("demo-data"),
    url: Annotated[
        str | None, Parameter(help="Use this server instead of an own one; its key comes from --key.")
    ] = None,
    key: Annotated[str | None, Parameter(env_var="HEADWATER_API_KEY", help="API key for --url.")] = None,
    json: Json = False,
) -> None:
    """Load the Python standard library of this machine and look around in it.

    Each source file is an object in a bucket, each module a document, each documented class and function a child
    document with a vector of its name, signature and first paragraph.
    """
    from headwater.cli.tour import tour

    started = time.monotonic()
    with _server(url, data) as address:
        connection = replace(DEFAULT_CONNECTION, url=address, key=key if url else None, data=data, namespace=NAMESPACE)
        with Client(connection, connections=_IN_FLIGHT) as client:
            modules, loaded = _load_library(client, everything)
            found = tour(client, modules, loaded, host=None if url else _LATER)
    if json:
        print_json(found.as_json())
    else:
        print(found.as_text())
        note(f"\nThe demo took {time.monotonic() - started:.0f} s.")
        note(_how_to_go_on(connection, own_server=url is None))


@contextmanager
def _server(url: str | None, data: Path) -> Iterator[str]:
    if url is not None:
        yield url
        return
    from headwater.cli.embedded import embedded_server

    with embedded_server(data) as own:
        yield own


def _load_library(client: Client, everything: bool) -> tuple[list[Module], Loaded]:
    from headwater.demo.documents import everything_in
    from headwater.demo.standard_library import read_modules

    with counting("reading modules") as advance:
        modules = []
        for module in read_modules(everything=everything):
            modules.append(module)
            advance(1)
    definitions = sum(len(module.definitions) for module in modules)
    _make_places(client)
    missing = _missing(client, [thing.document_id for thing, _ in everything_in(modules)])
    if not missing:
        note(f"All {len(modules) + definitions} documents are there already.")
        return modules, Loaded(len(modules), definitions, 0, 0.0)
    sources = _store_files(client, [module for module in modules if module.document_id in missing])
    bodies = _bodies(modules, missing, sources)
    started = time.monotonic()
    _create_all(client, bodies)
    return modules, Loaded(len(modules), definitions, len(bodies), time.monotonic() - started)


def _make_places(client: Client) -> None:
    from headwater.demo.documents import SCHEMA

    indexes = [{"field_name": name, "type": kind} for name, kind in _INDEXES.items()]
    if not _made(client, path_of("namespaces"), {"namespace_name": NAMESPACE, "payload_indexes": indexes}):
        # An earlier version of the demo declared fewer.
        client.call("PATCH", path_of("namespaces", NAMESPACE), body={"payload_indexes": indexes})
    _made(client, path_of("buckets"), {"bucket_name": BUCKET, "bucket_schema": SCHEMA})
    for name in (MODULES, DEFINITIONS):
        _made(client, path_of("collections"), {"collection_name": name, "source": {"type": "direct_upsert"}})


def _made(client: Client, path: str, body: Body) -> bool:
    """False when it was there."""
    try:
        client.post(path, body)
    except CommandError as error:
        if error.status != 409:
            raise
        return False
    return True


def _missing(client: Client, document_ids: list[str]) -> set[str]:
    """Those of the ids that the server does not have."""
    missing: set[str] = set()
    for start in range(0, len(document_ids), _BATCH_GET):
        body = {"document_ids": document_ids[start : start + _BATCH_GET], "return_presigned_urls": False}
        missing.update(client.post(path_of("documents", "batch-get"), body)["not_found"])
    return missing


def _store_files(client: Client, modules: list[Module]) -> dict[str, Body]:
    """The object of each module's file, by the id of its document. One that was stored before is found again."""
    from headwater.demo.documents import source_object

    def store(module: Module) -> tuple[str, Body]:
        made = client.post(path_of("buckets", BUCKET, "objects"), source_object(module), repeatable=True)
        return module.document_id, made

    sources: dict[str, Body] = {}
    with ThreadPoolExecutor(_IN_FLIGHT) as pool, counting("storing files", len(modules)) as advance:
        for document_id, source in pool.map(store, modules):
            sources[document_id] = source
            advance(1)
    return sources


def _bodies(modules: list[Module], missing: set[str], sources: dict[str, Body]) -> list[tuple[str, Body]]:
    """Collection and body of each missing document, with its vector."""
    from headwater.demo.documents import definition_document, everything_in, module_document, text_to_embed
    from headwater.demo.standard_library import Definition

    things = [(thing, module) for thing, module in everything_in(modules) if thing.document_id in missing]
    bodies: list[tuple[str, Body]] = []
    for position, vector in _embedded([text_to_embed(thing) for thing, _ in things]):
        thing, parent = things[position]
        # In the order of embedding, by length: children reach the server before their parents as often as after.
        if isinstance(thing, Definition):
            bodies.append((DEFINITIONS, definition_document(thing, parent, list(vector))))
        else:
            bodies.append((MODULES, module_document(thing, list(vector), sources[thing.document_id])))
    return bodies


def _embedded(texts: list[str]) -> Iterator[tuple[int, Sequence[float]]]:
    """The position and the vector of each text, shortest first: texts of one length are quickest together."""
    from headwater.errors import HeadwaterError
    from headwater.models.interface import DEFAULT_TEXT_MODEL
    from headwater.models.registry import Registry
    from headwater.models.scheduler import Scheduler

    try:
        model = Registry().usable(DEFAULT_TEXT_MODEL, "embed")
    except HeadwaterError as error:
        raise CommandError(error.message) from error
    scheduler = Scheduler(waiting=len(texts))
    with closing(scheduler), counting("embedding texts", len(texts)) as advance:
        for position, embedding in _computed(scheduler, model, texts):
            yield position, struct.unpack(f"<{model.manifest.dimensions}f", embedding.vector)
            advance(1)


def _computed(scheduler: Scheduler, model: Definition, texts: list[str]) -> Iterator[tuple[int, Embedding]]:
    """A few requests at a time: those that wait together take turns, so all of them would end at the end."""
    order = sorted(range(len(texts)), key=lambda position: len(texts[position]))
    waiting: deque[tuple[list[int], Future[list[Any]]]] = deque()
    for start in range(0, len(order), _EMBED_AT_ONCE):
        part = order[start : start + _EMBED_AT_ONCE]
        waiting.append((part, scheduler.submit(model, [texts[position] for position in part])))
        if len(waiting) > scheduler.lanes:
            done, future = waiting.popleft()
            yield from zip(done, future.result(), strict=True)
    for done, future in waiting:
        yield from zip(done, future.result(), strict=True)


def _create_all(client: Client, bodies: list[tuple[str, Body]]) -> None:
    def create(item: tuple[str, Body]) -> None:
        collection, body = item
        client.post(path_of("collections", collection, "documents"), body)

    with ThreadPoolExecutor(_IN_FLIGHT) as pool, counting("creating documents", len(bodies)) as advance:
        for _ in pool.map(create, bodies):
            advance(1)


def _how_to_go_on(connection: Connection, *, own_server: bool) -> str:
    key = connection.headers()["Authorization"]
    url = f"http://{_LATER}" if own_server else connection.base_url()
    ask = f'curl -s -H "Authorization: {key}" -H "X-Namespace: {NAMESPACE}"'
    lines = ["", "To go on:", ""]
    if own_server:
        # As it was called, for it may be on nobody's PATH.
        command = sys.argv[0] if sys.argv[0].endswith("headwater") else "headwater"
        lines.append(f"  {command} serve --data {connection.data}    # in another terminal")
        place = f"--data {connection.data} --namespace {NAMESPACE} --collection {DEFINITIONS}"
        lines.append(f'  {command} search "read a file line by line" {place}')
    documents = f"{url}/v1/collections/{DEFINITIONS}/documents"
    json_body = "-H 'Content-Type: application/json'"
    lines += [
        f"  {ask} {url}/v1/collections",
        f'  {ask} "{documents}?limit=3"',
        f"  {ask} {documents}/count",
        f'  {ask} {json_body} {documents}/list -d \'{{"filters": {{"module": "json"}}, "sort": "lines:desc"}}\'',
        f'  {ask} {json_body} {documents} -d \'{{"name": "mine"}}\'',
    ]
    return "\n".join(lines)
