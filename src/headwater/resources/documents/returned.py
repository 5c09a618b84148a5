"""The ``return_…`` switches in bodies. Those of the query string are in ``options``; either turns one on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import Field

from headwater.http.models import LenientModel
from headwater.store.documents.render import RenderOptions, with_storage_names


class Switches(LenientModel):
    return_url: bool = Field(False, description="The same as `return_presigned_urls`.")
    return_presigned_urls: bool = Field(False, description="Give each blob a URL to fetch it by.")
    return_vectors: bool = Field(False, description="Show each vector as a root key, in the form it was sent in.")
    return_vector_names: bool | list[str] | None = Field(
        None, description="`true` lists the names of the vectors; a list of names shows those vectors."
    )

    def with_query(self, query: RenderOptions, indexes: Sequence[dict[str, Any]]) -> RenderOptions:
        """What to show, all in all. ``indexes`` are the collection's: names and outputs both do."""
        options = RenderOptions(
            presigned_urls=self.return_url or self.return_presigned_urls or query.presigned_urls,
            vectors=self.return_vectors or query.vectors,
            vector_names=self.return_vector_names or query.vector_names,
        )
        return with_storage_names(options, indexes)
