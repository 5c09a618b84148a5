"""Who may call which route: one table for the whole product.

Every route has a row; ``create_app`` refuses to start without it, so that a new route cannot be open by accident.
The check runs on the *resolved* route, never on the text of the path, and before one byte of the body is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from headwater.catalog.tables.api_keys import ApiKey
from headwater.catalog.tables.namespaces import Namespace
from headwater.errors import NotFoundError
from headwater.runtime import Runtime
from headwater.tenancy import access as tenancy

#: ``public`` needs no key, ``any`` any valid key, ``private`` the deployment's own token.
RoutePermission = Literal["public", "any", "read", "write", "delete", "admin", "private"]


@dataclass(frozen=True)
class Access:
    """What a request must bring. ``namespace_optional``: an ``X-Namespace`` that names nothing is not an error
    there; the route answers with an empty page (see ``dependencies.UnresolvedNamespace``). ``namespace_omissible``:
    without ``X-Namespace`` the route is about the whole organization.

    ``principals``: keys of end users may call it, since whatever it shows or changes is confined by document ACLs.
    All other routes refuse such keys, whatever permissions they hold.

    ``narrows``: the route covers those collections of the namespace that the key's scopes reach, so a key that is
    confined to collections may call it.
    """

    permission: RoutePermission
    namespaced: bool = False
    namespace_optional: bool = False
    namespace_omissible: bool = False
    principals: bool = False
    narrows: bool = False


@dataclass(frozen=True, slots=True)
class Caller:
    """The outcome of the check: the key (None on public and private routes) and the namespace, if there is one."""

    key: ApiKey | None = None
    namespace: Namespace | None = None
    unresolved_namespace: str | None = None


ANONYMOUS = Caller()

_PUBLIC = Access("public")
_READ = Access("read", namespaced=True)
_WRITE = Access("write", namespaced=True)
_DELETE = Access("delete", namespaced=True)
_ADMIN = Access("admin")
#: Document routes: each document that they touch is asked whether the key's principal may.
_READ_ACL = Access("read", namespaced=True, principals=True)
_READ_ANY_COLLECTION = Access("read", namespaced=True, principals=True, narrows=True)
_WRITE_ACL = Access("write", namespaced=True, principals=True)
_DELETE_ACL = Access("delete", namespaced=True, principals=True)

#: A key with a principal sees the tasks that it started.
_READ_TASKS = Access("read", namespaced=True, namespace_omissible=True, principals=True)
_STOP_TASKS = Access("delete", namespaced=True, namespace_omissible=True, principals=True)

ACCESS: dict[tuple[str, str], Access] = {
    # Documentation and metrics
    ("GET", "/openapi.json"): _PUBLIC,
    ("GET", "/docs/openapi.json"): _PUBLIC,
    ("GET", "/docs"): _PUBLIC,
    ("GET", "/docs/{asset}"): _PUBLIC,
    ("GET", "/metrics"): _ADMIN,
    # Health
    ("GET", "/v1/health"): _PUBLIC,
    ("GET", "/v1/health/liveness"): _PUBLIC,
    ("GET", "/v1/health/beat"): _PUBLIC,
    # Documents
    ("POST", "/v1/collections/{collection_identifier}/documents"): _WRITE_ACL,
    ("GET", "/v1/collections/{collection_identifier}/documents/{document_id}"): _READ_ACL,
    ("PUT", "/v1/collections/{collection_identifier}/documents/{document_id}"): _WRITE_ACL,
    ("PATCH", "/v1/collections/{collection_identifier}/documents/{document_id}"): _WRITE_ACL,
    ("DELETE", "/v1/collections/{collection_identifier}/documents/{document_id}"): _DELETE_ACL,
    ("PATCH", "/v1/collections/{collection_identifier}/documents/{document_id}/acl"): _WRITE_ACL,
    ("GET", "/v1/documents/{document_id}"): _READ_ACL,
    ("PUT", "/v1/documents/{document_id}"): _WRITE_ACL,
    ("PATCH", "/v1/documents/{document_id}"): _WRITE_ACL,
    ("GET", "/v1/collections/{collection_identifier}/documents"): _READ_ACL,
    ("POST", "/v1/collections/{collection_identifier}/documents/list"): _READ_ACL,
    ("GET", "/v1/collections/{collection_identifier}/documents/count"): _READ_ACL,
    ("POST", "/v1/collections/{collection_identifier}/documents/aggregate"): _READ_ACL,
    ("POST", "/v1/collections/{collection_identifier}/documents/distinct"): _READ_ACL,
    ("POST", "/v1/collections/{collection_identifier}/documents/batch"): _WRITE_ACL,
    ("DELETE", "/v1/collections/{collection_identifier}/documents/batch"): _DELETE_ACL,
    ("PATCH", "/v1/collections/{collection_identifier}/documents/bulk"): _WRITE_ACL,
    ("POST", "/v1/collections/{collection_identifier}/documents/schema/validate"): _READ_ACL,
    ("POST", "/v1/documents/list"): _READ_ANY_COLLECTION,
    ("POST", "/v1/documents/list/batch"): _READ_ANY_COLLECTION,
    ("POST", "/v1/documents/batch-get"): _READ_ACL,
    ("GET", "/v1/namespaces/{namespace_id}/documents/{document_id}"): Access("read", principals=True),
    ("POST", "/v1/namespaces/{namespace_id}/documents/upsert"): Access("write", principals=True),
    # Search
    ("POST", "/v1/features/search"): _READ_ANY_COLLECTION,
    ("POST", "/v1/documents/search"): _READ_ANY_COLLECTION,
    # Lineage
    ("GET", "/v1/collections/{collection_identifier}/documents/{document_id}/lineage"): _READ_ACL,
    ("GET", "/v1/collections/{collection_identifier}/documents/{document_id}/lineage/graph"): _READ_ACL,
    ("GET", "/v1/collections/{collection_identifier}/documents/{document_id}/ancestors"): _READ_ACL,
    ("GET", "/v1/collections/{collection_identifier}/documents/{document_id}/descendants"): _READ_ACL,
    ("GET", "/v1/documents/{document_id}/lineage/graph"): _READ_ACL,
    ("GET", "/v1/objects/{object_id}/documents"): _READ_ACL,
    ("GET", "/v1/objects/{object_id}/decomposition-tree"): _READ_ACL,
    ("DELETE", "/v1/objects/{object_id}/documents"): _DELETE_ACL,
    # Tasks
    ("POST", "/v1/tasks/list"): _READ_TASKS,
    ("GET", "/v1/tasks/{task_id}"): _READ_TASKS,
    ("DELETE", "/v1/tasks/{task_id}"): _STOP_TASKS,
    ("POST", "/v1/tasks/{task_id}/kill"): _STOP_TASKS,
    # Collections
    ("POST", "/v1/collections"): _WRITE,
    ("GET", "/v1/collections"): Access("read", namespaced=True, namespace_optional=True),
    ("POST", "/v1/collections/list"): Access("read", namespaced=True, namespace_optional=True),
    ("GET", "/v1/collections/features"): _PUBLIC,
    ("GET", "/v1/collections/features/extractors"): _PUBLIC,
    ("GET", "/v1/collections/features/extractors/{feature_extractor_id}"): _PUBLIC,
    ("GET", "/v1/collections/{collection_identifier}"): _READ,
    ("PATCH", "/v1/collections/{collection_identifier}"): _WRITE,
    ("DELETE", "/v1/collections/{collection_identifier}"): _DELETE,
    ("POST", "/v1/collections/{collection_identifier}/clone"): _WRITE,
    ("POST", "/v1/collections/{collection_identifier}/export"): _READ,
    ("POST", "/v1/collections/{collection_identifier}/import"): _WRITE,
    ("POST", "/v1/collections/import/infer"): _READ,
    ("POST", "/v1/collections/import/validate-mapping"): _READ,
    ("GET", "/v1/collections/{collection_identifier}/features"): _READ,
    ("GET", "/v1/collections/{collection_identifier}/lifecycle"): _READ,
    ("PATCH", "/v1/collections/{collection_identifier}/lifecycle"): _WRITE,
    # Buckets
    ("POST", "/v1/buckets"): _WRITE,
    ("GET", "/v1/buckets"): Access("read", namespaced=True, namespace_optional=True),
    ("POST", "/v1/buckets/list"): Access("read", namespaced=True, namespace_optional=True),
    ("GET", "/v1/buckets/{bucket_identifier}"): _READ,
    ("PUT", "/v1/buckets/{bucket_identifier}"): _WRITE,
    ("PATCH", "/v1/buckets/{bucket_identifier}"): _WRITE,
    ("DELETE", "/v1/buckets/{bucket_identifier}"): _DELETE,
    # Objects
    ("POST", "/v1/buckets/{bucket_identifier}/objects"): _WRITE,
    ("GET", "/v1/buckets/{bucket_identifier}/objects"): _READ,
    ("POST", "/v1/buckets/{bucket_identifier}/objects/list"): _READ,
    ("POST", "/v1/buckets/{bucket_identifier}/objects/batch"): _WRITE,
    ("POST", "/v1/buckets/{bucket_identifier}/objects/bulk-soft-delete"): _DELETE,
    ("POST", "/v1/buckets/{bucket_identifier}/objects/aggregate"): _READ,
    ("GET", "/v1/buckets/{bucket_identifier}/objects/{object_id}"): _READ,
    ("PUT", "/v1/buckets/{bucket_identifier}/objects/{object_id}"): _WRITE,
    ("PATCH", "/v1/buckets/{bucket_identifier}/objects/{object_id}"): _WRITE,
    ("DELETE", "/v1/buckets/{bucket_identifier}/objects/{object_id}"): _DELETE,
    # Uploads
    ("POST", "/v1/buckets/{bucket_identifier}/uploads"): _WRITE,
    ("POST", "/v1/buckets/{bucket_identifier}/uploads/batch"): _WRITE,
    ("POST", "/v1/buckets/{bucket_identifier}/uploads/list"): _READ,
    ("POST", "/v1/buckets/{bucket_identifier}/uploads/confirm/batch"): _WRITE,
    ("POST", "/v1/buckets/{bucket_identifier}/uploads/{upload_id}/confirm"): _WRITE,
    ("GET", "/v1/buckets/{bucket_identifier}/uploads/{upload_id}"): _READ,
    ("DELETE", "/v1/buckets/{bucket_identifier}/uploads/{upload_id}"): _DELETE,
    # Files: the signed token in the path is the permission.
    ("GET", "/v1/_storage/{token}"): _PUBLIC,
    ("PUT", "/v1/_storage/{token}"): _PUBLIC,
    # Retrievers
    ("POST", "/v1/retrievers"): _WRITE,
    ("GET", "/v1/retrievers"): Access("read", namespaced=True, namespace_optional=True),
    ("POST", "/v1/retrievers/list"): Access("read", namespaced=True, namespace_optional=True),
    ("GET", "/v1/retrievers/stages"): Access("any"),
    ("GET", "/v1/discovery/stages"): Access("any"),
    ("POST", "/v1/retrievers/execute"): _READ_ANY_COLLECTION,
    ("POST", "/v1/retrievers/executions/list"): _READ,
    ("GET", "/v1/retrievers/executions/{execution_id}"): _READ,
    ("GET", "/v1/retrievers/{retriever_identifier}"): _READ,
    ("PATCH", "/v1/retrievers/{retriever_identifier}"): _WRITE,
    ("DELETE", "/v1/retrievers/{retriever_identifier}"): _DELETE,
    ("POST", "/v1/retrievers/{retriever_identifier}/clone"): _WRITE,
    ("POST", "/v1/retrievers/{retriever_identifier}/execute"): _READ_ANY_COLLECTION,
    ("POST", "/v1/retrievers/{retriever_identifier}/execute/batch"): _READ_ANY_COLLECTION,
    ("POST", "/v1/retrievers/{retriever_identifier}/execute/explain"): _READ,
    ("POST", "/v1/retrievers/{retriever_identifier}/explain"): _READ,
    ("POST", "/v1/retrievers/{retriever_identifier}/executions/list"): _READ,
    ("GET", "/v1/retrievers/{retriever_identifier}/executions/{execution_id}"): _READ,
    ("GET", "/v1/retrievers/{retriever_identifier}/executions/{execution_id}/status"): _READ,
    ("GET", "/v1/retrievers/{retriever_identifier}/executions/{execution_id}/profile"): _READ,
    # Namespaces
    ("POST", "/v1/namespaces"): Access("write"),
    ("GET", "/v1/namespaces"): Access("read"),
    ("POST", "/v1/namespaces/list"): Access("read"),
    ("POST", "/v1/namespaces/standalone"): Access("write"),
    ("POST", "/v1/namespaces/stats/batch"): Access("read"),
    ("GET", "/v1/namespaces/{namespace_identifier}"): Access("read"),
    ("PUT", "/v1/namespaces/{namespace_identifier}"): Access("write"),
    ("PATCH", "/v1/namespaces/{namespace_identifier}"): Access("write"),
    ("DELETE", "/v1/namespaces/{namespace_identifier}"): Access("delete"),
    ("GET", "/v1/namespaces/{namespace_identifier}/stats"): Access("read"),
    ("POST", "/v1/namespaces/{namespace_identifier}/ensure-indexes"): Access("write"),
    ("POST", "/v1/namespaces/{namespace_identifier}/clone"): Access("write"),
    ("POST", "/v1/namespaces/{namespace_identifier}/promote"): Access("write"),
    ("POST", "/v1/namespaces/{namespace_identifier}/promote/validate"): Access("read"),
    # Organizations
    ("GET", "/v1/organizations"): Access("read"),
    ("PATCH", "/v1/organizations"): _ADMIN,
    ("GET", "/v1/organizations/credits"): Access("read"),
    # Users
    ("POST", "/v1/organizations/users"): _ADMIN,
    ("GET", "/v1/organizations/users"): Access("read"),
    ("GET", "/v1/organizations/users/{user_email}"): Access("read"),
    ("PATCH", "/v1/organizations/users/{user_email}"): _ADMIN,
    ("DELETE", "/v1/organizations/users/{user_email}"): _ADMIN,
    # API keys. Listing is for everybody's own keys; the service wants ``admin`` for other people's.
    ("POST", "/v1/organizations/users/{user_email}/api-keys"): _ADMIN,
    ("GET", "/v1/organizations/users/{user_email}/api-keys"): Access("read"),
    ("PATCH", "/v1/organizations/users/{user_email}/api-keys/{key_name}"): _ADMIN,
    ("DELETE", "/v1/organizations/users/{user_email}/api-keys/{key_name}"): _ADMIN,
    ("POST", "/v1/organizations/users/{user_email}/api-keys/{key_name}/rotate"): _ADMIN,
    # Account
    ("POST", "/v1/inference"): Access("read"),
    ("GET", "/v1/me"): Access("any", principals=True),
    ("GET", "/v1/account"): Access("any", principals=True),
    # Private
    ("POST", "/v1/private/organizations"): Access("private"),
    ("POST", "/v1/private/organizations/{organization_id}/users/{user_email}/bootstrap-key"): Access("private"),
}


def missing_rows(routes: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """The (method, path) pairs that have no row."""
    return sorted(route for route in routes if route not in ACCESS)


def check(
    access: Access,
    runtime: Runtime,
    *,
    authorization: str | None,
    origin: str | None,
    namespace: str | None,
    path: Mapping[str, str],
) -> Caller:
    """Refuse the request or say who calls. ``path`` holds the parameters of the resolved route's path.

    In this order: ``UnauthorizedError``, ``ForbiddenError`` for a key with a principal and for the permission,
    ``BadRequestError`` or ``NotFoundError`` for the namespace, ``ForbiddenError`` for the key's scopes.
    """
    permission = access.permission
    if permission == "public":
        return ANONYMOUS
    if permission == "private":
        tenancy.authenticate_private(runtime, authorization)
        return ANONYMOUS
    key = tenancy.authenticate(runtime, authorization, origin)
    if key.principal_id is not None and not access.principals:
        raise tenancy.not_for_principals()
    namespaced = access.namespaced and not (access.namespace_omissible and not namespace)
    try:
        found = tenancy.admit(
            runtime,
            key,
            permission,
            namespaced=namespaced,
            x_namespace=namespace,
            path=path,
            narrows=access.narrows,
        )
    except NotFoundError as error:
        if access.namespace_optional and error.code == "namespace_not_found":
            return Caller(key, None, namespace)
        raise
    return Caller(key, found)
