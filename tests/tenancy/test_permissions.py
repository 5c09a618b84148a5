"""The order of the permissions and the meaning of scopes."""

from __future__ import annotations

import itertools

import pytest

from headwater.tenancy.permissions import PERMISSIONS, Permission, allows, grants, names


@pytest.mark.parametrize(("held", "needed"), list(itertools.product(PERMISSIONS, PERMISSIONS)))
def test_a_permission_grants_itself_and_the_weaker_ones(held: Permission, needed: Permission) -> None:
    order = {"read": 0, "write": 1, "delete": 2, "admin": 3}
    assert grants([held], needed) == (order[held] >= order[needed])


def test_no_permission_grants_nothing() -> None:
    assert not any(grants([], needed) for needed in PERMISSIONS)


@pytest.mark.parametrize(
    ("pattern", "identifier", "expected"),
    [
        ("ns_one", "ns_one", True),
        ("ns_one", "ns_one2", False),
        ("ns_one", "NS_ONE", False),
        ("*", "anything", True),
        ("ns_customer_*", "ns_customer_7", True),
        ("ns_customer_*", "ns_customer_", True),
        ("ns_customer_*", "ns_custome", False),
        ("*_eu", "ns_eu", True),
        ("ns_*_eu", "ns_a_b_eu", True),
        ("ns.one", "ns_one", False),
        ("ns_[ab]", "ns_a", False),
        ("ns_?", "ns_a", False),
        ("ns_*", "ns_a\nb", True),
    ],
)
def test_only_the_star_is_special(pattern: str, identifier: str, expected: bool) -> None:
    assert names({"resource_type": "namespace", "resource_id": pattern}, "namespace", identifier) is expected


def test_scope_of_another_type_names_nothing() -> None:
    assert not names({"resource_type": "bucket", "resource_id": "*"}, "namespace", "ns_one")


def test_many_stars_do_not_make_matching_slow() -> None:
    scope = {"resource_type": "namespace", "resource_id": "*" * 100}
    assert names(scope, "namespace", "a" * 10_000)


@pytest.mark.parametrize(
    ("needed", "operation"),
    [("read", "read_data"), ("write", "write_data"), ("delete", "delete_data"), ("admin", "manage_permissions")],
)
def test_operations_of_a_scope(needed: Permission, operation: str) -> None:
    assert allows({"operations": [operation]}, needed)
    assert not allows({"operations": ["execute_retriever"]}, needed)
    assert not allows({"operations": []}, needed)
    assert allows({}, needed)
    assert allows({"operations": None}, needed)
