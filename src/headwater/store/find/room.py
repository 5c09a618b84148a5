"""How much of documents may be held together."""

from __future__ import annotations

from headwater.errors import BadRequestError
from headwater.store.documents.records import DocumentRow

#: As Python values they take some times as much.
MAX_BYTES = 64 << 20


class Room:
    """What is left of it. Raises ``BadRequestError`` with the code ``documents_too_large`` when nothing is."""

    def __init__(self) -> None:
        self._left = MAX_BYTES

    def take(self, size_bytes: int) -> None:
        self._left -= size_bytes
        if self._left < 0:
            raise BadRequestError(
                f"the documents take more than {MAX_BYTES >> 20} MiB together; ask for a smaller page, or put a limit"
                " before the stage that reads them",
                details={"limit_bytes": MAX_BYTES},
                code="documents_too_large",
            )

    def take_document(self, document: DocumentRow) -> None:
        parts = (document.body, document.derived, document.internal, document.blobs)
        self.take(sum(len(part) for part in parts if part is not None))
