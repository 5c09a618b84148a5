"""What one unit of work carries: who asks, in which namespace, and the runtime to do it with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from headwater.blobs.file_links import FileLinks
from headwater.blobs.interface import Signer
from headwater.catalog.tables.api_keys import ApiKey
from headwater.catalog.tables.namespaces import Namespace
from headwater.errors import BadRequestError
from headwater.runtime import Runtime
from headwater.scope import NamespaceScope, OrganizationScope
from headwater.store.commands.base import Command


@dataclass(frozen=True)
class Context:
    runtime: Runtime
    request_id: str
    #: The key that the request came with; it names the organization and the user.
    key: ApiKey
    #: The namespace of ``X-Namespace``, on routes that are scoped by it.
    namespace: Namespace | None = None
    #: Scheme and host that the request came to, such as ``http://127.0.0.1:8420``.
    reached_at: str = ""

    @property
    def public_url(self) -> str:
        """What the links in answers begin with."""
        settings = self.runtime.settings
        return settings.public_url.rstrip("/") or self.reached_at + settings.root_path.rstrip("/")

    @property
    def signer(self) -> Signer:
        """Makes links to files for the caller. They die with the caller's key."""
        return self.runtime.blobs.signer(self.public_url, self.key.key_id)

    @property
    def file_links(self) -> FileLinks:
        """Makes links to the files of the namespace, from the references in its records."""
        return FileLinks(self.signer, self.scope)

    @property
    def organization(self) -> OrganizationScope:
        return OrganizationScope(self.key.organization_id)

    @property
    def scope(self) -> NamespaceScope:
        """The namespace's scope. Routes that need one are refused without the header before they get here."""
        if self.namespace is None:
            raise BadRequestError(
                "X-Namespace is missing; send the id or name of a namespace", code="namespace_required"
            )
        return NamespaceScope(self.key.organization_id, self.namespace.namespace_row, self.namespace.namespace_id)

    async def execute(self, command: Command) -> Any:
        """Hand a command to the one writer; see ``Store.execute``."""
        outcome = await self.runtime.store.execute(command)
        self.runtime.catalogue.expire()
        return outcome
