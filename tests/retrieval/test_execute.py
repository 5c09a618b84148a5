"""Executing pipelines: inputs, templates, filters, and the envelope."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from .executing import ALL, Execute, ids, limit, where

pytestmark = pytest.mark.anyio


async def test_envelope(run: Execute, collection: dict[str, Any]) -> None:
    answer = await run([where(field="brand", value="Acme"), limit(2)])

    assert ids(answer) == ["d1", "d3"]
    document = answer["documents"][0]
    assert document["collection_id"] == collection["collection_id"]
    assert (document["n"], "score" in document, "_internal" in document) == (1, False, True)
    assert answer["retriever_id"] == ""
    assert answer["execution_id"].startswith("exec_")
    assert answer["status"] == "completed"
    assert answer["pagination"] == {
        "method": "cursor",
        "limit": 10,
        "returned": 2,
        "total": 2,
        "cursor": None,
        "has_next": False,
    }
    stages = answer["stage_statistics"]["stages"]
    assert [(name, stage["input_count"], stage["output_count"]) for name, stage in stages.items()] == [
        ("where", 0, 3),
        ("limit", 3, 2),
    ]
    assert stages["limit"]["efficiency"] == 0.6667
    assert answer["facets"] is None
    assert answer["limits"] is None
    assert answer["degraded"] == answer["warnings"] == []
    assert (answer["cache_hit"], answer["cache_status"]) == (False, "disabled")
    assert answer["execution_metadata"] == {"retriever_persisted": False}
    assert answer["consistency_mode"] == "strong"
    assert "diagnostics" not in answer


async def test_document_is_shown_as_get_shows_it(run: Execute, client: httpx2.AsyncClient) -> None:
    [shown] = (await run([where(field="n", value=3)]))["documents"]

    assert shown == (await client.get("/v1/documents/d3")).json()


async def test_templates_reach_inputs_stages_and_context(run: Execute) -> None:
    stages = [
        {**where(field="n", operator="gte", value="{{INPUT.low}}"), "output_alias": "found"},
        limit("{{STAGE.where.output_count - 1}}"),
        limit("{{CONTEXT.found | length - INPUT.less}}"),
    ]

    answer = await run(stages, inputs={"low": 1, "less": 3})

    assert ids(answer) == ["d1", "d2"]
    assert answer["interpretation"]["ignored_input_keys"] == []


async def test_inputs_by_their_schema(run: Execute) -> None:
    schema = {
        "low": {"type": "integer", "required": True},
        "high": {"type": "number", "default": 4},
        "other": {"type": "boolean"},
    }
    stages = [where(conditions={"n": {"gte": "{{INPUT.low}}", "lte": "{{INPUT.high}}"}})]

    answer = await run(stages, input_schema=schema, inputs={"low": "2", "other": "yes"})

    assert ids(answer) == ["d2", "d3", "d4"]
    assert answer["interpretation"] == {
        "provided_input_keys": ["low", "other"],
        "inferred_inputs": {"high": 4},
        "ignored_input_keys": ["other"],
        "relaxations": [],
    }


@pytest.mark.parametrize(
    ("inputs", "kind"),
    [
        ({}, "missing"),
        ({"low": None}, "missing"),
        ({"low": "x"}, "input_type"),
        ({"low": 2.5}, "input_type"),
        ({"low": True}, "input_type"),
        ({"low": [1]}, "input_type"),
        ({"low": 1e400}, "input_type"),
        ({"low": 7}, "input_enum"),
    ],
)
async def test_inputs_that_do_not_fit(run: Execute, inputs: dict[str, Any], kind: str) -> None:
    schema = {"low": {"type": "integer", "required": True, "enum": [1, 2, 3]}}
    if inputs.get("low") == 1e400:
        inputs = {"low": "inf"}

    answer = await run.raw([ALL], input_schema=schema, inputs=inputs)

    assert answer.status_code == 422
    assert answer.json()["error"]["details"]["validation_errors"][0]["type"] == kind


async def test_conditions_about_absent_inputs_are_dropped_and_reported(run: Execute) -> None:
    stages = [
        where(
            conditions={
                "AND": [
                    {"field": "brand", "operator": "eq", "value": "{{INPUT.brand}}"},
                    {"n": {"gte": "{{INPUT.low}}"}},
                    {"NOT": [{"field": "n", "value": "{{inputs['but']}}"}]},
                ]
            }
        )
    ]

    answer = await run(stages, inputs={"low": 4})

    assert ids(answer) == ["d4", "d5"]
    assert answer["interpretation"]["relaxations"] == [
        {"field": "brand", "template": "{{INPUT.brand}}", "where": "where"},
        {"field": "n", "template": "{{inputs['but']}}", "where": "where"},
    ]
    assert ids(await run(stages, inputs={"low": 0, "brand": "Acme", "but": 1})) == ["d3", "d5"]


async def test_single_condition_about_an_absent_input_lets_everything_pass(run: Execute) -> None:
    answer = await run([ALL, where(field="brand", value="{{INPUT.brand}}")])

    assert len(ids(answer)) == 6
    assert answer["stage_statistics"]["stages"]["where"]["metadata"] == {"skipped": "relaxed"}


async def test_condition_with_a_default_is_kept(run: Execute) -> None:
    stages = [where(field="brand", value="{{INPUT.brand | default('Acme')}}")]

    assert ids(await run(stages)) == ["d1", "d3", "d5"]


async def test_null_input_is_given(run: Execute) -> None:
    stages = [where(field="brand", operator="in", value=["{{INPUT.brand}}", "Bolt"])]

    assert ids(await run(stages, inputs={"brand": None})) == ["d0", "d2", "d4"]


async def test_filters_of_the_request(run: Execute) -> None:
    stages = [where(field="brand", value="Acme")]
    dynamic = {"field": "n", "operator": "lt", "value": {"type": "dynamic", "field": "inputs.high"}}

    assert ids(await run(stages, filters={"n": {"gte": 3}})) == ["d3", "d5"]
    assert ids(await run(stages, pre_filters={"n": 1})) == ["d1"]
    assert ids(await run(stages, filters=dynamic, inputs={"high": 2})) == ["d1"]
    assert ids(await run(stages, filters=dynamic)) == ["d1", "d3", "d5"]
    taken = await run(stages, inputs={"filters": {"n": 5}})
    assert ids(taken) == ["d5"]
    assert len(taken["warnings"]) == 1


async def test_pre_filters_of_a_stage(run: Execute) -> None:
    stages = [{**where(field="brand", value="Acme"), "pre_filters": {"n": "{{INPUT.n}}"}}]

    assert ids(await run(stages, inputs={"n": 3})) == ["d3"]
    assert ids(await run(stages)) == ["d1", "d3", "d5"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"stages": [{"stage_id": "no_such"}]}, 422),
        ({"stages": [{"stage_id": "summarize"}]}, 403),
        ({"stages": [{"stage_id": "limit", "parameters": {"limit": -1}}]}, 422),
        ({"stages": [{"stage_id": "limit", "parameters": {"limit": "{{INPUT.x or 'x'}}"}}]}, 422),
        ({"stages": [{"stage_id": "limit", "parameters": {"limit": "{{ [1] * 10000000 }}"}}]}, 422),
        ({"stages": "limit"}, 422),
        ({"stages": [ALL], "filters": {"n": {"near": 1}}}, 422),
        ({"stages": [ALL], "filters": "n"}, 422),
        ({"stages": [ALL], "collection_identifiers": ["nope"]}, 404),
        ({"stages": [ALL], "stream": True}, 403),
        ({"stages": [ALL], "limit": 0}, 422),
        ({"stages": [ALL], "limit": 501}, 422),
        ({"stages": [ALL], "limit": 2, "page_size": 3}, 422),
        ({"stages": [ALL], "settings": {"limit": 0}}, 422),
        ({"stages": [ALL], "inputs": []}, 422),
        ({"stages": [ALL], "input_schema": {"a": 1}}, 422),
    ],
)
async def test_bad_request(run: Execute, body: dict[str, Any], status: int) -> None:
    refused = await run.raw(**body)

    assert refused.status_code == status, refused.text
    assert refused.json()["success"] is False


async def test_no_collections_are_all_of_them(run: Execute, client: httpx2.AsyncClient) -> None:
    await client.post("/v1/collections", json={"collection_name": "more", "source": {"type": "none"}})
    await client.post("/v1/collections/more/documents", json={"document_id": "m1", "n": 1})

    answer = await run([where(field="n", value=1)], collection_identifiers=[])

    assert sorted(ids(answer)) == ["d1", "m1"]


async def test_nothing_found_says_why(run: Execute) -> None:
    answer = await run([ALL, where(field="brand", value="Nobody")])

    assert answer["diagnostics"]["summary"] == "the stage 'where' removed all 6 rows"
    assert answer["diagnostics"]["stages"][1] == {"stage_name": "where", "input_count": 6, "output_count": 0}
    assert answer["diagnostics"]["next_actions"]


async def test_a_stage_that_leaves_nothing_is_named(run: Execute) -> None:
    answer = await run([ALL, {"stage_id": "json_transform", "parameters": {"template": "{{ DOC.no_such }}"}}])

    assert answer["diagnostics"]["next_actions"] == [
        "Look at the parameters of 'json_transform', and at what stage_statistics tells of it"
    ]


async def test_nothing_finds_documents_says_what_to_begin_with(run: Execute) -> None:
    answer = await run([limit(2)])

    assert answer["diagnostics"]["next_actions"] == [
        "No stage before 'limit' finds documents; begin with feature_search or attribute_filter"
    ]


async def test_explain_plan(run: Execute) -> None:
    answer = await run([ALL, limit(2)], explain=True)

    assert [stage["stage_id"] for stage in answer["explain_plan"]["stages"]] == ["attribute_filter", "limit"]
    assert "explain_plan" not in await run([ALL])


async def test_page_size_shorthands(run: Execute) -> None:
    for body in ({"limit": 2}, {"page_size": 2}, {"settings": {"limit": 2}}, {"limit": 2, "page_size": 2}):
        assert len(ids(await run([ALL], **body))) == 2
    both = await run([ALL], limit=2, pagination={"method": "cursor", "limit": 3})
    assert len(ids(both)) == 3
    assert both["warnings"] == ["limit 2 was ignored; pagination asks for 3"]


async def test_stored_retriever_runs(run: Execute, client: httpx2.AsyncClient) -> None:
    body = {
        "retriever_name": "by-brand",
        "collection_identifiers": ["things"],
        "stages": [where(field="brand", value="{{INPUT.brand}}")],
        "input_schema": {"properties": {"brand": {"type": "string"}}, "required": ["brand"]},
    }
    made = (await client.post("/v1/retrievers", json=body)).json()

    answer = (await client.post("/v1/retrievers/by-brand/execute", json={"inputs": {"brand": "Bolt"}})).json()

    assert answer["retriever_id"] == made["retriever_id"]
    assert ids(answer) == ["d0", "d2", "d4"]
    assert (await client.post("/v1/retrievers/by-brand/execute")).status_code == 422
    refused = await client.post("/v1/retrievers/by-brand/execute", json={"target_collection_id": "x"})
    assert refused.json()["error"]["details"]["feature"] == "target_collection_id"


async def test_collection_that_is_gone_degrades(run: Execute, client: httpx2.AsyncClient) -> None:
    await client.post("/v1/collections", json={"collection_name": "more", "source": {"type": "none"}})
    body = {"retriever_name": "two", "collection_identifiers": ["things", "more"], "stages": [ALL]}
    await client.post("/v1/retrievers", json=body)
    await client.delete("/v1/collections/more")

    answer = (await client.post("/v1/retrievers/two/execute", json={})).json()

    assert (answer["status"], len(ids(answer))) == ("degraded", 6)
    assert answer["degraded"][0]["resource"] == "collection"
    await client.delete("/v1/collections/things")
    assert (await client.post("/v1/retrievers/two/execute", json={})).status_code == 404


async def test_batch(run: Execute, client: httpx2.AsyncClient) -> None:
    schema = {"brand": {"type": "string", "required": True}}
    stages = [where(field="brand", value="{{INPUT.brand}}")]
    body = {
        "retriever_name": "b",
        "collection_identifiers": ["things"],
        "stages": stages,
        "input_schema": schema,
    }
    await client.post("/v1/retrievers", json=body)
    queries = [{"inputs": {"brand": "Bolt"}}, {"inputs": {}}, {"inputs": {"brand": "Acme"}, "filters": {"n": 5}}]

    answer = (await client.post("/v1/retrievers/b/execute/batch", json={"queries": queries})).json()

    assert (answer["total"], answer["succeeded"], answer["failed"]) == (3, 2, 1)
    assert [result["query_index"] for result in answer["results"]] == [0, 1, 2]
    assert ids(answer["results"][0]) == ["d0", "d2", "d4"]
    assert ids(answer["results"][2]) == ["d5"]
    assert answer["results"][1]["error"]["type"] == "ValidationError"
    limited = {"queries": queries[:1], "settings": {"limit": 1}, "concurrency": 1}
    assert len(ids((await client.post("/v1/retrievers/b/execute/batch", json=limited)).json()["results"][0])) == 1


async def test_batch_of_too_many(run: Execute, client: httpx2.AsyncClient) -> None:
    await client.post("/v1/retrievers", json={"retriever_name": "b", "stages": [ALL]})

    refused = await client.post("/v1/retrievers/b/execute/batch", json={"queries": [{"inputs": {}}] * 17})

    assert refused.status_code == 422
    assert refused.json()["error"]["details"]["limits"] == {"max_queries": 16}
    assert (await client.post("/v1/retrievers/b/execute/batch", json={"queries": []})).status_code == 422


async def test_explain_runs_nothing(run: Execute, client: httpx2.AsyncClient) -> None:
    await client.post(
        "/v1/retrievers",
        json={"retriever_name": "e", "collection_identifiers": ["things"], "stages": [ALL, limit(2)]},
    )

    for path in ("/v1/retrievers/e/execute/explain", "/v1/retrievers/e/explain"):
        plan = (await client.post(path, json={"inputs": {}})).json()
        assert [stage["estimated_output"] for stage in plan["execution_plan"]] == [6, 2]
        assert plan["total_estimated_stages"] == 2
    assert (await client.post("/v1/retrievers/e/executions/list")).json()["results"] == []


async def test_expand(run: Execute, client: httpx2.AsyncClient) -> None:
    await client.post("/v1/collections/things/documents", json={"document_id": "r", "friend": "d1", "n": 99})

    [document] = (await run([where(field="n", value=99)], expand=["friend", "ancestors"]))["documents"]

    assert document["_expanded"]["friend"]["document_id"] == "d1"
    assert document["_expanded"]["ancestors"] == []


async def test_vectors_are_shown_on_request(run: Execute, client: httpx2.AsyncClient) -> None:
    body = {"documents": [{"document_id": "v", "vectors": {"embedding": [1.0, 0.0]}, "payload": {"n": 50}}]}
    namespace = client.headers["X-Namespace"]
    made = await client.post(f"/v1/namespaces/{namespace}/documents/upsert", json={"collection_id": "things", **body})
    assert made.status_code == 200, made.text

    [with_vectors] = (await run([where(field="n", value=50)], return_vectors=True))["documents"]
    [without] = (await run([where(field="n", value=50)]))["documents"]

    assert with_vectors["embedding"] == [1.0, 0.0]
    assert "embedding" not in without


async def scoped_client(client: httpx2.AsyncClient, *scopes: dict[str, Any]) -> dict[str, str]:
    """Headers with a key that is confined to these scopes."""
    body = {"name": "confined", "permissions": ["read"], "scopes": list(scopes)}
    made = await client.post("/v1/organizations/users/admin@localhost.local/api-keys", json=body)
    assert made.status_code == 200, made.text
    return {"Authorization": f"Bearer {made.json()['key']}"}


async def test_key_that_does_not_reach_a_collection_gets_nothing_of_it(
    run: Execute, client: httpx2.AsyncClient
) -> None:
    await client.post("/v1/collections", json={"collection_name": "more", "source": {"type": "none"}})
    await client.post("/v1/collections/more/documents", json={"document_id": "m1", "n": 1})
    for name, collections in (("both", ["things", "more"]), ("any", [])):
        body = {"retriever_name": name, "collection_identifiers": collections, "stages": [ALL]}
        assert (await client.post("/v1/retrievers", json=body)).status_code == 200
    scope = {"resource_type": "collection", "resource_id": "more", "operations": ["read_data"]}
    headers = await scoped_client(client, scope)

    both = await client.post("/v1/retrievers/both/execute", json={}, headers=headers)
    any_ = await client.post("/v1/retrievers/any/execute", json={}, headers=headers)
    named = {"collection_identifiers": ["things"], "stages": [ALL]}
    ad_hoc = await client.post("/v1/retrievers/execute", json=named, headers=headers)

    assert (both.status_code, ad_hoc.status_code) == (403, 403)
    assert ids(any_.json()) == ["m1"]
    assert (await client.get("/v1/retrievers/both", headers=headers)).status_code == 403
