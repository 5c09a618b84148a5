"""Run with a list of tool calls on standard input: starts the tools of the Mixpeek MCP server from our own description
and prints what each call answers. A process of its own, since that package is one module named ``server`` which reads
its address and key from the environment when it is imported."""

from __future__ import annotations

import asyncio
import json
import sys

import server


async def answers(calls: list[tuple[str, dict[str, object]]]) -> dict[str, object]:
    endpoints = {endpoint.operation_id: endpoint for endpoint in server.extract_endpoints(await server.fetch_openapi())}
    tools = {name: server.create_tool(endpoint) for name, endpoint in endpoints.items()}
    return {
        "tools": {name: [endpoint.method, endpoint.path] for name, endpoint in endpoints.items()},
        "answers": [await tools[name](**arguments) for name, arguments in calls],
    }


def main() -> None:
    calls = json.load(sys.stdin)
    output, sys.stdout = sys.stdout, sys.stderr  # The package prints each request.
    json.dump(asyncio.run(answers(calls)), output)


if __name__ == "__main__":
    main()
