"""What the reader of a list should know about it: sentences for ``warnings``."""

from __future__ import annotations

from headwater.resources.documents.list_page import Answer
from headwater.resources.documents.list_request import Asked
from headwater.resources.namespaces.schemas import PROTECTED_FIELDS
from headwater.scope import NamespaceScope
from headwater.store.documents.render import shadow_warning
from headwater.store.find import Explain


def list_warnings(asked: Asked, answer: Answer, scope: NamespaceScope, many_rows: int) -> list[str]:
    """``many_rows``: how many documents may be read without a word."""
    warnings = [shadow_warning(answer.hidden)] if answer.hidden else []
    if asked.group_by is not None and asked.sort is not None:
        warnings.append("sort was ignored: groups stand in the order of their values, their documents oldest first")
    if answer.explain.rows_read >= many_rows:
        warnings += _scan_warning(asked, answer.explain, scope)
    return warnings


def _scan_warning(asked: Asked, explain: Explain, scope: NamespaceScope) -> list[str]:
    if explain.unindexed:
        read = f"{explain.rows_read} documents were read one by one, for not indexed: {', '.join(explain.unindexed)}"
        declarable = [path for path in explain.unindexed if path not in PROTECTED_FIELDS]
        if declarable:
            where = f"payload_indexes by PATCH /v1/namespaces/{scope.namespace_id}"
            return [f"{read}; to make this fast, add {', '.join(declarable)} to {where}"]
        if "created_at" in explain.unindexed:
            return [f"{read}; the order of _internal.created_at needs no index"]
        return [read]
    if asked.search is not None:
        return [f"search read {explain.rows_read} documents one by one; filters on indexed fields leave it fewer"]
    return []
