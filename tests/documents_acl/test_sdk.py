"""The generated SDK, unchanged, makes keys of end users and shares documents on a live server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from mixpeek.api.byo_documents_api import BYODocumentsApi
from mixpeek.api.collection_documents_api import CollectionDocumentsApi
from mixpeek.api.collections_api import CollectionsApi
from mixpeek.api.documents_api import DocumentsApi
from mixpeek.api.namespaces_api import NamespacesApi
from mixpeek.api.organization_api_keys_api import OrganizationAPIKeysApi
from mixpeek.exceptions import ForbiddenException, NotFoundException
from mixpeek.models import (
    APIKeyCreateRequest,
    BYOUpsertRequest,
    CreateCollectionRequest,
    CreateNamespaceRequest,
    DocumentCreateRequest,
    UpdateDocumentACLRequest,
)

from tests.conftest import Server, generated_client

Connect = Callable[[str], Any]


@pytest.fixture
def connect(server: Server) -> Iterator[Connect]:
    """A client with that key, in a namespace ``shared``."""
    with ExitStack() as stack:

        def client(key: str) -> Any:
            made = stack.enter_context(generated_client(server, key))
            made.set_default_header("X-Namespace", "shared")
            return made

        yield client


def test_documents_are_shared_between_end_users(server: Server, connect: Connect) -> None:
    org = connect(server.key)
    NamespacesApi(org).create_namespace(CreateNamespaceRequest(namespace_name="shared"))
    source = {"collection_name": "things", "source": {"type": "none"}}
    CollectionsApi(org).create_collection(CreateCollectionRequest.from_dict(source))
    keys, email = OrganizationAPIKeysApi(org), "admin@localhost.local"
    users = {}
    for name in ("olga", "rita"):
        made = keys.create_key_organizations_users_email(email, APIKeyCreateRequest(name=name, principal_id=name))
        assert made.principal_id == name
        users[name] = connect(made.key)
    olga, rita = users["olga"], users["rita"]

    made = CollectionDocumentsApi(olga).create_document("things", DocumentCreateRequest(collection_id="things"))
    with pytest.raises(NotFoundException):
        DocumentsApi(rita).get_document_ns(made.document_id)
    shared = CollectionDocumentsApi(olga).update_document_acl(
        "things", made.document_id, UpdateDocumentACLRequest(read=["rita"])
    )
    acl = DocumentsApi(rita).get_document_ns(made.document_id).internal.acl
    assert acl == shared.internal.acl
    assert (acl.owner, acl.read, acl.write, acl.public) == ("olga", ["rita"], [], False)
    with pytest.raises(ForbiddenException):
        CollectionDocumentsApi(rita).update_document_acl(
            "things", made.document_id, UpdateDocumentACLRequest(public=True)
        )

    given = {"document_id": "given", "vectors": {}, "acl": {"read": ["rita"]}}
    request = BYOUpsertRequest.from_dict({"collection_id": "things", "documents": [given]})
    BYODocumentsApi(org).upsert_documents_byo_namespaces("shared", request)
    assert DocumentsApi(rita).get_document_ns("given").internal.acl.read == ["rita"]
    with pytest.raises(ForbiddenException):
        CollectionsApi(rita).get_collection("things")
