"""Files to a bucket, several at once, each by an upload of its own."""

from __future__ import annotations

import hashlib
import mimetypes
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from headwater.cli.connection import Client, path_of
from headwater.cli.output import CommandError, complain

_PAUSE_SECONDS = 0.5
_DEFAULT_TYPE = "application/octet-stream"


@dataclass
class PutReport:
    sent: int = 0
    there: int = 0
    refused: int = 0
    #: The object of each file.
    objects: dict[str, str | None] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def put_files(
    client: Client, bucket: str, files: Sequence[Path], property_name: str | None, parallel: int
) -> PutReport:
    """Each file that the bucket does not have yet becomes an object. What is refused is said on standard error."""
    from headwater.cli.progress import counting

    report, lock = PutReport(), threading.Lock()
    with counting("files", len(files)) as advance, ThreadPoolExecutor(max(1, parallel)) as threads:

        def put(file: Path) -> None:
            outcome: Literal["sent", "there", "refused"] = "refused"
            object_id = None
            try:
                object_id, outcome = _put(client, bucket, file, property_name)
            except CommandError as error:
                complain(f"{file}: {error}", error.hint)
            with lock:
                report.objects[str(file)] = object_id
                setattr(report, outcome, getattr(report, outcome) + 1)
                advance(1)

        list(threads.map(put, files))
    return report


def _put(
    client: Client, bucket: str, file: Path, property_name: str | None
) -> tuple[str | None, Literal["sent", "there"]]:
    uploads = path_of("buckets", bucket, "uploads")
    upload = client.post(uploads, _announcement(file, property_name))
    if upload["presigned_url"] is None:
        return upload["object_id"], "there"
    client.send(upload["presigned_url"], file, upload["content_type"])
    confirm = path_of("buckets", bucket, "uploads", upload["upload_id"], "confirm")
    confirmed = client.post(confirm, repeatable=True)
    while confirmed["status"] == "PROCESSING":
        # A task reads a large file once more to hash it.
        time.sleep(_PAUSE_SECONDS)
        confirmed = client.get(path_of("buckets", bucket, "uploads", upload["upload_id"]))
    if confirmed["status"] != "COMPLETED":
        raise CommandError(confirmed["message"] or f"the upload is {confirmed['status']}")
    return confirmed["object_id"], "sent"


def _announcement(file: Path, property_name: str | None) -> dict[str, Any]:
    try:
        with file.open("rb") as content:
            file_hash = hashlib.file_digest(content, "sha256").hexdigest()
        size_bytes = file.stat().st_size
    except OSError as error:
        raise CommandError(f"cannot be read: {error.strerror}") from error
    return {
        "filename": file.name,
        "content_type": mimetypes.guess_type(file.name)[0] or _DEFAULT_TYPE,
        # An upload has no length of 0 to announce.
        "file_size_bytes": size_bytes or None,
        "file_hash": file_hash,
        "blob_property": property_name,
    }
