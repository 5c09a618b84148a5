"""The only doors: who is calling, what the key may do, and which objects it can reach.

One condition a line, and a test for each in ``tests/tenancy/test_access.py``. Whatever belongs to somebody
else looks missing, in the same words as an id that never existed.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

from headwater.catalog.tables.api_keys import ApiKey
from headwater.catalog.tables.buckets import Bucket
from headwater.catalog.tables.collections import Collection
from headwater.catalog.tables.namespaces import Namespace
from headwater.context import Context
from headwater.errors import BadRequestError, ForbiddenError, NotFoundError, UnauthorizedError
from headwater.kit.clock import now_milliseconds
from headwater.runtime import Runtime
from headwater.scope import DocumentScope
from headwater.tenancy.keys import MAX_TOKEN_LENGTH, digest_of, is_mistyped
from headwater.tenancy.permissions import Permission, allows, grants, names

PRIVATE_TOKEN = "private-token"
T = TypeVar("T")


def authenticate(runtime: Runtime, authorization: str | None, origin: str | None) -> ApiKey:
    """The key of a bearer token.

    ``UnauthorizedError`` in the same words whether it is unknown, expired, revoked or its owner is not
    active; ``ForbiddenError`` when the browser's origin is not one of the key's.
    """
    token = _bearer_token(authorization)
    if is_mistyped(token):
        raise _refused()
    digest = digest_of(runtime.secret, token)
    key = runtime.catalogue.api_key(digest)
    if key is None:
        raise _refused()
    if not hmac.compare_digest(key.digest, digest):
        raise _refused()
    if key.status_at(now_milliseconds()) != "active":
        raise _refused()
    if key.user_status != "active":
        raise _refused()
    if not _origin_allowed(key, origin):
        raise ForbiddenError("This API key may not be used from this origin", code="origin_not_allowed")
    return key


def authenticate_private(runtime: Runtime, authorization: str | None) -> None:
    """Check the operator's token against ``DIR/private-token``; ``UnauthorizedError`` when it is another."""
    token = _bearer_token(authorization)
    expected = _private_token(runtime.settings.data)
    if expected is None:
        raise _refused()
    if not hmac.compare_digest(token.encode(), expected.encode()):
        raise _refused()


def require_permission(key: ApiKey, permission: Permission) -> None:
    """``ForbiddenError`` unless the key holds the permission or a stronger one. Says nothing about scopes."""
    if not grants(key.body["permissions"], permission):
        raise ForbiddenError(
            f"This API key lacks the permission '{permission}'",
            details={"required_permission": permission},
            code="permission_required",
        )


def authorize(
    key: ApiKey, permission: Permission, *, namespace: Namespace | None, collection: str | Collection | Bucket | None
) -> None:
    """``ForbiddenError`` unless the key holds the permission and one of its scopes, if any, covers this.

    Without a namespace the request is about the organization, which only an organization scope covers: a
    key that is confined to a namespace cannot mint itself a wider one.
    """
    require_permission(key, permission)
    if not _in_scope(key, permission, namespace, collection):
        raise _out_of_scope(permission)


def admit(
    runtime: Runtime,
    key: ApiKey,
    permission: Permission | Literal["any"],
    *,
    namespaced: bool,
    x_namespace: str | None,
    path: Mapping[str, Any],
    narrows: bool = False,
) -> Namespace | None:
    """Everything between authentication and the body, for a resolved route.

    The permission comes first, then the namespace of ``X-Namespace``, then the key's scopes against what
    the path names. Returns the namespace, if the route has one. With ``narrows``, the route itself keeps to the
    collections that the scopes cover.
    """
    if permission != "any":
        require_permission(key, permission)
    namespace = resolve_namespace(runtime, key, x_namespace) if namespaced else None
    if permission == "any" or not key.scopes:
        return namespace
    about = namespace or _namespace_of_path(runtime, key, path)
    if narrows and namespace is not None and _some_in_scope(runtime, key, permission, namespace):
        return namespace
    authorize(key, permission, namespace=about, collection=_container_of_path(runtime, about, path))
    return namespace


def resolve_namespace(runtime: Runtime, key: ApiKey, identifier: str | None) -> Namespace:
    """The namespace that ``X-Namespace`` names by id or name, within the key's organization."""
    if not identifier:
        raise BadRequestError(
            "X-Namespace is missing; send the id or name of a namespace",
            details={"header": "X-Namespace"},
            code="namespace_required",
        )
    namespace = runtime.catalogue.namespace(key.organization_id, identifier)
    if namespace is None:
        raise NotFoundError.of("namespace", identifier)
    return namespace


def access_namespace(ctx: Context, identifier: str) -> Namespace:
    """The namespace with that id or name in the caller's organization and the key's scopes."""
    namespace = ctx.runtime.catalogue.namespace(ctx.key.organization_id, identifier)
    if namespace is None:
        raise NotFoundError.of("namespace", identifier)
    if not _reachable(ctx.key, namespace, None):
        raise _out_of_scope("read")
    return namespace


def access_collection(ctx: Context, identifier: str) -> Collection:
    """The collection with that id or name in the request's namespace and the key's scopes."""
    collection = ctx.runtime.catalogue.collection(ctx.scope.namespace_row, identifier)
    if collection is None:
        raise NotFoundError.of("collection", identifier)
    if not _reachable(ctx.key, ctx.namespace, collection):
        raise _out_of_scope("read")
    return collection


def access_bucket(ctx: Context, identifier: str) -> Bucket:
    """The bucket with that id or name in the request's namespace and the key's scopes."""
    assert ctx.namespace is not None, "the access table gives these routes a namespace"
    bucket = ctx.runtime.catalogue.bucket(ctx.namespace, identifier)
    if bucket is None:
        raise NotFoundError.of("bucket", identifier)
    if not _reachable(ctx.key, ctx.namespace, bucket):
        raise _out_of_scope("read")
    return bucket


def document_scope(ctx: Context, permission: Permission = "read") -> DocumentScope:
    """The documents of the request's namespace, in the collections where the key's scopes allow the permission."""
    everywhere = _in_scope(ctx.key, permission, ctx.namespace, None)
    rows = None if everywhere else frozenset(found.collection_row for found in access_collections(ctx, permission))
    return DocumentScope(ctx.scope.namespace_row, rows, ctx.key.principal_id)


def access_collections(ctx: Context, permission: Permission = "read") -> list[Collection]:
    """The collections of the request's namespace where the key's scopes allow the permission, newest first."""
    every = ctx.runtime.catalogue.collections(ctx.scope.namespace_row)
    return [found for found in every if _in_scope(ctx.key, permission, ctx.namespace, found)]


def _bearer_token(authorization: str | None) -> str:
    scheme, _, token = (authorization or "").strip().partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise UnauthorizedError("No API key; send the header 'Authorization: Bearer <API key>'")
    if len(token) > MAX_TOKEN_LENGTH:
        raise _refused()
    return token


def _refused() -> UnauthorizedError:
    return UnauthorizedError("The API key is not valid: it is unknown, revoked or expired; send another")


def _out_of_scope(permission: Permission) -> ForbiddenError:
    return ForbiddenError(
        "The scopes of this API key do not cover this request",
        details={"required_permission": permission},
        code="scope_required",
    )


def not_for_principals() -> ForbiddenError:
    """The refusal of a key with a ``principal_id`` where documents cannot be told apart by principal."""
    return ForbiddenError(
        "API keys with a principal_id work on documents only; use a key of the organization for this",
        code="principal_key",
    )


def _private_token(directory: Path) -> str | None:
    try:
        return (directory / PRIVATE_TOKEN).read_text().strip() or None
    except FileNotFoundError:
        return None


def _origin_allowed(key: ApiKey, origin: str | None) -> bool:
    allowed = key.body.get("allowed_origins")
    # Only browsers send an Origin; the list protects a key that is visible in a page, not one on a server.
    if not allowed or origin is None:
        return True
    return any(_same_origin(entry, origin) for entry in allowed)


def _same_origin(entry: str, origin: str) -> bool:
    scheme, star, domain = entry.partition("://*.")
    if not star:
        return entry == origin
    given_scheme, _, host = origin.partition("://")
    return given_scheme == scheme and host.endswith("." + domain) and "/" not in host


def _reachable(key: ApiKey, namespace: Namespace | None, collection: Collection | Bucket | None) -> bool:
    return not key.scopes or any(_covers(scope, key, namespace, collection) for scope in key.scopes)


def _some_in_scope(runtime: Runtime, key: ApiKey, permission: Permission, namespace: Namespace) -> bool:
    collections = runtime.catalogue.collections(namespace.namespace_row)
    return any(_in_scope(key, permission, namespace, collection) for collection in collections)


def _in_scope(
    key: ApiKey, permission: Permission, namespace: Namespace | None, collection: str | Collection | Bucket | None
) -> bool:
    """Whether one of the key's scopes, if it has any, covers this and allows the permission there."""
    return not key.scopes or any(
        _covers(scope, key, namespace, collection) and allows(scope, permission) for scope in key.scopes
    )


def _covers(
    scope: Mapping[str, Any], key: ApiKey, namespace: Namespace | None, collection: str | Collection | Bucket | None
) -> bool:
    if names(scope, "organization", key.organization_id):
        return True
    if namespace is None:
        return False
    if names(scope, "namespace", namespace.namespace_id, namespace.namespace_name):
        return True
    if collection is None:
        return False
    if isinstance(collection, str):
        return names(scope, "collection", collection)
    if isinstance(collection, Bucket):
        return names(scope, "bucket", collection.bucket_id, collection.bucket_name)
    return names(scope, "collection", collection.collection_id, collection.collection_name)


def _namespace_of_path(runtime: Runtime, key: ApiKey, path: Mapping[str, Any]) -> Namespace | None:
    identifier = path.get("namespace_identifier") or path.get("namespace_id")
    return None if identifier is None else resolve_namespace(runtime, key, identifier)


def _container_of_path(
    runtime: Runtime, namespace: Namespace | None, path: Mapping[str, Any]
) -> Collection | Bucket | None:
    """The collection or bucket that the path names."""
    if namespace is None:
        return None
    identifier = path.get("bucket_identifier")
    if identifier is not None:
        return _found("bucket", identifier, runtime.catalogue.bucket(namespace, identifier))
    identifier = path.get("collection_identifier") or path.get("collection_id")
    if identifier is None:
        return None
    return _found("collection", identifier, runtime.catalogue.collection(namespace.namespace_row, identifier))


def _found(resource: str, identifier: str, found: T | None) -> T:
    if found is None:
        raise NotFoundError.of(resource, identifier)
    return found
