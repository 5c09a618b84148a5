"""``group_by`` and ``deduplicate`` against their plain meaning."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.retrieval.hits import Hit
from headwater.retrieval.stages import similar_texts
from headwater.retrieval.stages.deduplicate import dissimilar
from headwater.retrieval.stages.similar_texts import MAX_COMPARED, similarity

from .rows import hits_of, ids, outcome, working_sets


def keys(hit: Hit, path: str) -> list[str]:
    """The scalars at the path, each as text that tells their types apart."""
    document = hit.document or {}
    value = document.get(path, document.get("metadata", {}).get(path))
    found = [text(item) for item in (value if isinstance(value, list) else [value])]
    return list(dict.fromkeys(one for one in found if one not in ("null", "{}"))) or ["null"]


def text(value: Any) -> str:
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**63:
        value = int(value)
    return "{}" if isinstance(value, dict) else json.dumps(value)


def plain_groups(hits: list[Hit], path: str) -> dict[str, list[Hit]]:
    groups: dict[str, list[Hit]] = {}
    for hit in hits:
        for key in keys(hit, path):
            groups.setdefault(key, []).append(hit)
    for members in groups.values():
        members.sort(key=lambda hit: float("-inf") if hit.score is None else hit.score, reverse=True)
    return groups


def best(members: list[Hit]) -> float:
    score = members[0].score
    return float("-inf") if score is None else score


@given(working_sets, st.sampled_from(["a", "m"]), st.integers(1, 3))
def test_groups_by_best_score(hits: list[Hit], path: str, most: int) -> None:
    result = outcome("group_by", hits, group_by_field=path, max_per_group=most)

    groups = plain_groups(hits, path)
    ordered = sorted(groups, key=lambda key: best(groups[key]), reverse=True)
    assert [text(row.shown()["group_key"]) for row in result.hits] == ordered
    for row, key in zip(result.hits, ordered, strict=True):
        shown = row.shown()
        assert (shown["count"], row.score) == (len(groups[key]), groups[key][0].score)
        assert shown["documents"] == [member.shown() for member in groups[key][:most]]
        assert "document_id" not in shown
    assert result.metadata == {"total_groups": len(groups), "total_documents": len(hits), "field": path}


@given(working_sets, st.sampled_from(["a", "m"]), st.sampled_from(["first", "flatten"]))
def test_members_as_rows(hits: list[Hit], path: str, mode: str) -> None:
    result = outcome("group_by", hits, field=path, docs_per_group=2, output_mode=mode, sort_groups_by="count")

    groups = sorted(plain_groups(hits, path).values(), key=len, reverse=True)
    expected = [member for members in groups for member in members[: 1 if mode == "first" else 2]]
    assert ids(result.hits) == list(dict.fromkeys(ids(expected)))


def test_groups_by_field_put_null_last_in_both_directions() -> None:
    hits = hits_of([{"a": 2}, {}, {"a": "x"}, {"a": [1, 2]}])

    for direction, expected in (("asc", [1, 2, "x", None]), ("desc", ["x", 2, 1, None])):
        result = outcome("group_by", hits, group_by_field="a", sort_groups_by="field", sort_order=direction)
        assert [row.shown()["group_key"] for row in result.hits] == expected


def test_max_groups_keeps_the_first_and_counts_all() -> None:
    result = outcome("group_by", hits_of([{"a": n} for n in range(5)]), group_by_field="a", max_groups=2)

    assert [row.shown()["group_key"] for row in result.hits] == [0, 1]
    assert result.metadata["total_groups"] == 5


@given(working_sets, st.lists(st.sampled_from(["a", "b", "m"]), min_size=1, max_size=2), st.booleans())
def test_deduplicate_by_fields(hits: list[Hit], fields: list[str], last: bool) -> None:
    found = outcome("deduplicate", hits, fields=fields, keep="last" if last else "first").hits

    def key(hit: Hit) -> str:
        document = {**(hit.document or {}).get("metadata", {}), **(hit.document or {})}
        return json.dumps([canonical(document.get(field)) for field in fields], sort_keys=True)

    all_keys = [key(hit) for hit in hits]
    seen = all_keys[1:] if last else all_keys
    kept = [
        hit.document_id
        for place, hit in enumerate(hits)
        if all_keys[place] not in (all_keys[place + 1 :] if last else seen[:place])
    ]
    assert ids(found) == kept


def canonical(value: Any) -> Any:
    if isinstance(value, list):
        return list(map(canonical, value))
    return json.loads(text(value)) if not isinstance(value, dict) else value


def test_deduplicate_without_case() -> None:
    hits = hits_of([{"a": "X"}, {"a": "x"}, {"a": ["X"]}, {"a": ["x"]}])

    assert ids(outcome("deduplicate", hits, fields=["a"], case_sensitive=False).hits) == ["d1", "d3"]
    assert len(outcome("deduplicate", hits, fields=["a"]).hits) == 4


def common(one: str, other: str) -> int:
    """The longest common subsequence by the table of all beginnings."""
    row = [0] * (len(other) + 1)
    for left in one:
        above, row = row, [0]
        for place, right in enumerate(other):
            row.append(above[place] + 1 if left == right else max(above[place + 1], row[-1]))
    return row[-1]


@given(st.text("abc", max_size=12), st.text("abcd", max_size=12))
def test_similarity_is_the_share_of_the_longest_common_subsequence(one: str, other: str) -> None:
    expected = 2 * common(one, other) / (len(one) + len(other)) if one or other else 1.0

    assert similarity(one, other) == pytest.approx(expected)


@given(
    st.lists(st.text("abc ", max_size=20), max_size=8),
    st.sampled_from([0.0, 0.5, 0.8, 0.9, 0.95, 1.0]),
    st.booleans(),
)
def test_deduplicate_by_content(texts: list[str], threshold: float, last: bool) -> None:
    hits = hits_of([{"content": one} for one in texts])
    keep = "last" if last else "first"

    found = outcome("deduplicate", hits, strategy="content", similarity_threshold=threshold, keep=keep).hits

    kept: list[tuple[str, str]] = []
    for one in reversed(hits) if last else hits:
        shown = " ".join((one.document or {})["content"].split())
        lengths = [len(shown) + len(other) for _, other in kept]
        pairs = zip(lengths, kept, strict=True)
        if not any(not total or 2 * common(other, shown) / total >= threshold - 1e-12 for total, (_, other) in pairs):
            kept.append((one.document_id, shown))
    assert sorted(ids(found)) == sorted(document_id for document_id, _ in kept)


@given(st.text("abcdefgh ", min_size=30, max_size=120), st.data())
def test_no_near_duplicate_is_missed_for_speed(text: str, data: st.DataObject) -> None:
    """Few edits to a longer text: what rules pairs out by their trigrams must let these through."""
    changed = list(text)
    for _ in range(data.draw(st.integers(0, 6))):
        place = data.draw(st.integers(0, len(changed) - 1))
        changed[place : place + data.draw(st.integers(0, 1))] = data.draw(st.text("xyz", max_size=1))
    other = "".join(changed)
    threshold = data.draw(st.sampled_from([0.85, 0.9, 0.95]))

    kept, _ = dissimilar([text, other], threshold, last=False)

    assert len(kept) == (1 if similarity(text, other) >= threshold else 2)


def test_five_thousand_texts_are_compared_within_bounds_and_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(similar_texts, "_MAX_STEPS", 200_000)
    draw = random.Random(5)
    words = ["".join(draw.choices("abcdefghij", k=5)) for _ in range(300)]
    bodies = [{"content": " ".join(draw.choices(words, k=30))} for _ in range(5000)]

    result = outcome("deduplicate", hits_of(bodies + bodies[:10]), strategy="content", similarity_threshold=0.6)

    assert len(result.hits) <= 5000
    [limit] = result.limits
    assert (limit["requested"], limit["ceiling"], limit["stage"]) == (5010, MAX_COMPARED, "deduplicate")
    assert limit["applied"] < 5010


def test_long_texts_that_begin_alike_are_told_apart_by_length() -> None:
    texts = ["x" * 1000, "x" * 3000]

    assert dissimilar(texts, 0.95, last=False)[0] == [0, 1]
