"""``headwater lineage``: where a document came from and what was made from it, as a tree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, TextIO

from cyclopts import Parameter

from headwater.cli.connection import DEFAULT_CONNECTION, Client, Connection, Json, path_of
from headwater.cli.output import note, print_json

if TYPE_CHECKING:
    from rich.text import Text
    from rich.tree import Tree

Key = tuple[str, str]


def lineage(
    document: Annotated[str, Parameter(help="Id of the document, in whichever collection of the namespace.")],
    *,
    limit: Annotated[int, Parameter(help="Most nodes to show.")] = 1000,
    connection: Connection = DEFAULT_CONNECTION,
    json: Json = False,
) -> None:
    """Draw the way from a document up to its root object, and everything that was made from it."""
    with Client(connection) as client:
        graph = client.get(path_of("documents", document, "lineage", "graph"), limit=limit)
    if json:
        print_json(graph)
        return
    draw(graph, document)
    if graph["truncated"]:
        note(f"hint: there is more; show it with --limit {limit * 10}")


def draw(graph: dict[str, Any], document: str, file: TextIO | None = None) -> None:
    """Print the graph as trees, with that document in bold; on standard output, unless a file is given."""
    from rich.console import Console

    console = Console(file=file, highlight=False)
    for tree in _trees(graph, document):
        # Nothing is folded or cut, so that ids can be copied.
        console.print(tree, soft_wrap=True)


def _trees(graph: dict[str, Any], document: str) -> list[Tree]:
    from rich.tree import Tree

    nodes = {(node["kind"], node["id"]): node for node in graph["nodes"]}
    above, roots = _places(nodes, graph["edges"])
    drawn: dict[Key, Tree] = {}
    tops: list[tuple[Key, Tree]] = []
    # The topmost nodes come first, so whatever a node hangs from is drawn already.
    for key, node in nodes.items():
        text = _text(node, roots.get(key), chosen=key == ("document", document))
        parent = drawn.get(above.get(key, key))
        drawn[key] = Tree(text) if parent is None else parent.add(text)
        if parent is None:
            tops.append((key, drawn[key]))
    # An object that only some descendant names is told beside that one.
    return [tree for (kind, _), tree in tops if kind == "document" or tree.children]


def _places(nodes: dict[Key, dict[str, Any]], edges: list[dict[str, str]]) -> tuple[dict[Key, Key], dict[Key, str]]:
    """What each node hangs from, and the root objects of documents that hang from something else."""
    above: dict[Key, Key] = {}
    roots: dict[Key, str] = {}
    for edge in edges:
        source, target = edge["source"], edge["target"]
        if edge["kind"] == "parent_of":
            above["document", target] = ("document", source)
        elif edge["kind"] == "holds":
            above["object", target] = ("bucket", source)
        else:
            roots["document", target] = source
    for key, root in list(roots.items()):
        # A missing parent stands between the root object and its child.
        top = above.get(key, key)
        if top == key or nodes[top].get("missing"):
            above[top] = ("object", root)
            del roots[key]
    return above, roots


def _text(node: dict[str, Any], root: str | None, *, chosen: bool) -> Text:
    from rich.text import Text

    text = Text()
    if node["kind"] == "document":
        text.append(node["label"], style="bold green" if chosen else "bold")
        if node["label"] != node["id"]:
            text.append(f"  {node['id']}")
        text.append("  missing" if node.get("missing") else f"  {node.get('collection_name')}", style="dim")
    else:
        text.append(f"{node['kind']} ", style="dim").append(node["id"], style="cyan")
    if root is not None:
        text.append(f"  root object {root}", style="dim")
    return text
