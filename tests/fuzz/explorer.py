"""Schemathesis over the server's own description: requests that fit it and that do not, alone and in chains."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import httpx2
import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import Status, events, from_schema
from schemathesis.generation.meta import TestPhase

from tests.conftest import Server
from tests.fuzz.world import OWN_EMAIL, World

#: Not among them: ``positive_data_acceptance``, for a body may fit its schema and still contradict itself or what is
#: stored; and ``negative_data_rejection``, for 0 is taken for false and "5" for 5.
CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "missing_required_header",
    "unsupported_method",
    "allow_header_conformance",
    "use_after_free",
    "ignored_auth",
]


_FIRST_CASES = 8
_LATER_CASES = 12


@dataclass
class Findings:
    """What came of a run."""

    failures: dict[tuple[str, str], str] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)
    alive: bool = False

    def never_succeeded(self) -> set[str]:
        """The operations that did not even once do what they are for."""
        succeeded = {label for label, status in self.statuses if status in (200, 204)}
        return {label for label, _ in self.statuses} - succeeded

    def note(self, recorder: Any) -> None:
        for case_id, interaction in recorder.interactions.items():
            if interaction.response is not None:
                label = recorder.cases[case_id].value.operation.label
                self.statuses[label, interaction.response.status_code] += 1
        for checks in recorder.checks.values():
            for check in checks:
                if check.status == Status.FAILURE:
                    info = check.failure_info
                    self.failures[recorder.label, check.name] = f"{info.failure}\n{info.code_sample}"

    def report(self) -> str:
        parts = [f"{label}: {check}: {text}" for (label, check), text in self.failures.items()]
        return "\n\n".join([*parts, *self.errors])


def explore(
    server: Server, *, examples: int, chains: int, seed: int, reproducible: bool, thinned: bool = False
) -> Findings:
    """Send some ``examples`` requests an operation, then that many ``chains`` of requests.

    Beside these an operation gets what lies at the bounds of each of its fields, hundreds of requests if it has many.
    ``thinned`` sends a part of them.
    """
    description = httpx2.get(f"{server.url}/openapi.json").json()
    config = SchemathesisConfig.from_dict(_configuration(server, examples, chains, seed, reproducible))
    schema = schemathesis.openapi.from_dict(description, config=config)
    # Operators' routes want another token; the access table's own test calls them as everybody.
    schema = schema.exclude(path_regex="^/v1/private/")
    with _thinning(thinned), _meeting(World(server)) as world:
        findings = _run(schema)
        findings.alive = world.is_alive()
    return findings


def _configuration(server: Server, examples: int, chains: int, seed: int, reproducible: bool) -> dict[str, Any]:
    generation = {"deterministic": reproducible, "database": "none", "no-shrink": reproducible}
    # Ids in answers are new in every run, so nothing that is to be generated again may depend on them.
    learning = {"extra-data-sources": {"responses": not reproducible}}
    return {
        "seed": seed,
        "base-url": server.url,
        "suppress-health-check": ["all"],
        "continue-on-failure": True,
        "auth": {"openapi": {"apiKey": {"bearer": server.key}}},
        "checks": {"enabled": False, **{check: {"enabled": True} for check in CHECKS}},
        "generation": generation | {"max-examples": examples},
        "phases": {
            "coverage": learning,
            "fuzzing": learning,
            "stateful": {"enabled": chains > 0, "generation": generation | {"max-examples": max(chains, 1)}},
        },
    }


@contextmanager
def _thinning(thinned: bool) -> Iterator[None]:
    """Keep of the cases at the bounds of fields the first few of each operation, and after them one in twelve."""
    seen: Counter[str] = Counter()

    @schemathesis.hook
    def filter_case(context: Any, case: Any) -> bool:
        if not thinned or case.meta is None or case.meta.phase.name != TestPhase.COVERAGE:
            return True
        label = case.operation.label
        seen[label] += 1
        return seen[label] <= _FIRST_CASES or seen[label] % _LATER_CASES == 0

    try:
        yield
    finally:
        schemathesis.hooks.unregister(filter_case)


@contextmanager
def _meeting(world: World) -> Iterator[World]:
    """Point two of three requests at things that exist, and none at what the run stands on."""
    turns = count()

    @schemathesis.hook
    def before_call(context: Any, case: Any, kwargs: Any) -> None:
        world.grow_older()
        turn = next(turns) % 3
        generated = turn == 0
        for name, value in (case.path_parameters or {}).items():
            if isinstance(value, str) and (not generated or value == OWN_EMAIL):
                case.path_parameters[name] = world.named(case.operation.label, name, value)
        if "X-Namespace" in (case.headers or {}) and not generated:
            case.headers["X-Namespace"] = world.namespace
        if isinstance(case.body, dict) and not generated:
            case.body = world.filled(case.body)
        if turn == 1:
            # No document has the version that was made up.
            (case.headers or {}).pop("If-Match", None)

    try:
        yield world
    finally:
        schemathesis.hooks.unregister(before_call)
        world.close()


def _run(schema: Any) -> Findings:
    findings = Findings()
    for event in from_schema(schema).execute():
        if isinstance(event, events.ScenarioFinished):
            findings.note(event.recorder)
        elif isinstance(event, events.NonFatalError):
            findings.errors.append(f"{event.label}: {event.info.format()}")
        elif isinstance(event, events.FatalError):
            raise event.exception
    return findings
