"""Every resource's routes. A new resource adds its router here and its rows to ``http/access.py``."""

from fastapi import APIRouter

from headwater.resources.account.routes import router as account
from headwater.resources.api_keys.routes import router as api_keys
from headwater.resources.buckets.routes import router as buckets
from headwater.resources.collections.routes import router as collections
from headwater.resources.documents.routes import router as documents
from headwater.resources.documents.routes_acl import router as documents_acl
from headwater.resources.documents.routes_aggregate import router as documents_aggregate
from headwater.resources.documents.routes_batch import router as documents_batch
from headwater.resources.documents.routes_lineage import router as documents_lineage
from headwater.resources.documents.routes_namespace import router as documents_of_namespace
from headwater.resources.documents.routes_read import router as documents_read
from headwater.resources.health.routes import router as health
from headwater.resources.inference.routes import router as inference
from headwater.resources.namespaces.routes import router as namespaces
from headwater.resources.namespaces.routes_copies import router as namespace_copies
from headwater.resources.objects.routes import router as objects
from headwater.resources.objects.routes_batch import router as objects_batch
from headwater.resources.objects.routes_read import router as objects_read
from headwater.resources.organizations.routes import router as organizations
from headwater.resources.private.routes import router as private
from headwater.resources.retrievers.routes import router as retrievers
from headwater.resources.retrievers.routes_execute import router as retrievers_execute
from headwater.resources.retrievers.routes_history import router as retrievers_history
from headwater.resources.search.routes import router as search
from headwater.resources.storage.routes import router as storage
from headwater.resources.tasks.routes import router as tasks
from headwater.resources.transfers.routes import router as transfers
from headwater.resources.uploads.routes import router as uploads
from headwater.resources.users.routes import router as users

ROUTERS: tuple[APIRouter, ...] = (
    # Their static segments, such as ``/documents/count``, must not be read as the ids of ``documents``.
    search,
    documents_read,
    documents_aggregate,
    documents_batch,
    documents,
    documents_acl,
    documents_of_namespace,
    documents_lineage,
    tasks,
    collections,
    buckets,
    objects_read,
    objects_batch,
    objects,
    uploads,
    transfers,
    storage,
    # Their static segments, such as ``/retrievers/execute``, come first as well.
    retrievers_execute,
    retrievers_history,
    retrievers,
    namespaces,
    namespace_copies,
    inference,
    health,
    account,
    api_keys,
    organizations,
    private,
    users,
)
