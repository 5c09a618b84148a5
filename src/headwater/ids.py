"""Public identifiers: a prefix that says what the thing is, then random characters.

Incoming ids are never checked for their form, only looked up.
"""

from __future__ import annotations

import secrets
import string
from itertools import count

#: Drawn when the module is loaded: a worker is a process of its own, started and not forked.
_PROCESS = secrets.token_hex(7)
_requests = count(1)
UPLOAD = "upl_"
_LOWER = string.ascii_lowercase + string.digits


def _random(prefix: str, length: int) -> str:
    return prefix + "".join(secrets.choice(_LOWER) for _ in range(length))


def new_organization_id() -> str:
    return _random("org_", 11)


def new_user_id() -> str:
    return "usr_" + secrets.token_hex(7)


def new_key_id() -> str:
    return _random("key_", 15)


def new_namespace_id() -> str:
    return _random("ns_", 10)


def new_collection_id() -> str:
    return _random("col_", 10)


def new_bucket_id() -> str:
    return _random("bkt_", 8)


def new_object_id() -> str:
    return _random("obj_", 12)


def new_blob_id() -> str:
    return _random("blob_", 12)


def new_document_id() -> str:
    return "doc_" + secrets.token_hex(12)


def new_task_id() -> str:
    return _random("task_", 16)


def new_retriever_id() -> str:
    return _random("ret_", 12)


def new_execution_id(milliseconds: int) -> str:
    """The time is part of it, so that everybody can tell whether the execution can have been recorded yet."""
    return _random(f"exec_{milliseconds:011x}", 10)


def executed_at(execution_id: str) -> int | None:
    """The milliseconds in the id of an execution; None when it is none."""
    digits = execution_id.removeprefix("exec_")[:11]
    try:
        return int(digits, 16) if execution_id.startswith("exec_") else None
    except ValueError:
        return None


def new_upload_id() -> str:
    return _random(UPLOAD, 16)


def new_export_id() -> str:
    return _random("exp_", 20)


def new_request_id() -> str:
    """Unique, not secret: random for each process, then counted."""
    return f"req_{_PROCESS}{next(_requests):010x}"
