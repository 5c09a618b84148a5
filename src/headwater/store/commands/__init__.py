"""Every command of the store. A module that defines some is named here, so that its handlers are registered."""

from headwater.store.commands import (  # noqa: F401
    api_keys,
    batches,
    bulk,
    cascade,
    collections,
    document_acl,
    documents,
    fields,
    generations,
    housekeeping,
    imports,
    jobs,
    lineage,
    namespaces,
    organizations,
    purge,
    tasks,
    transfers,
    upsert,
    users,
)
