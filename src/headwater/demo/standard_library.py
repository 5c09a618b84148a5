"""The standard library as objects and documents: a source file, its module, the module's documented definitions.

Nothing is imported: everything comes from parsing the source. Ids follow from what they name, so that reading the same
library twice gives the same documents.
"""

from __future__ import annotations

import ast
import hashlib
import platform
import sys
import sysconfig
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_TESTS = frozenset({"test", "tests", "idle_test", "idlelib", "__pycache__", "site-packages"})
#: Left out unless every module is asked for: windows, games and installers, old mail and news protocols, tables.
#: Without them the library of Python 3.11 to 3.13 gives about three thousand documents.
_ASIDE_NAMES = """
    antigravity bdb cgi cgitb curses distutils encodings ensurepip ftplib idlelib imaplib imp lib2to3 mailbox msilib
    multiprocessing nntplib pdb pickletools poplib pydoc pydoc_data smtpd symtable telnetlib test this tkinter turtle
    turtledemo wsgiref xml xmlrpc
"""
_ASIDE = frozenset(_ASIDE_NAMES.split())
_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass(frozen=True)
class Definition:
    """A documented class, function or method. ``name`` is qualified within its module, lines count from 1."""

    document_id: str
    module: str
    name: str
    kind: str
    signature: str
    text: str
    line: int
    end_line: int


@dataclass(frozen=True)
class Module:
    """A module and the file that it comes from, which is the root object of it and of its definitions."""

    document_id: str
    name: str
    file: Path
    text: str
    lines: int
    content_hash: str
    definitions: tuple[Definition, ...]


def read_modules(*, everything: bool = False) -> Iterator[Module]:
    """The modules by name: the well-known public ones, or every one but the tests, with private definitions too."""
    root = Path(sysconfig.get_path("stdlib"))
    for file in sorted(root.rglob("*.py")):
        parts = file.relative_to(root).with_suffix("").parts
        if _is_wanted(parts, everything):
            yield _read(file, ".".join(parts).removesuffix(".__init__"), everything)


def _is_wanted(parts: tuple[str, ...], everything: bool) -> bool:
    if parts[0] not in sys.stdlib_module_names or not _TESTS.isdisjoint(parts):
        return False
    if everything:
        return True
    return parts[0] not in _ASIDE and not any(part.startswith("_") for part in parts if part != "__init__")


def _read(file: Path, name: str, everything: bool) -> Module:
    source = file.read_bytes()
    tree = ast.parse(source, filename=str(file))
    return Module(
        document_id=_id("doc_", 24, name),
        name=name,
        file=file,
        text=ast.get_docstring(tree) or "",
        lines=source.count(b"\n"),
        content_hash=hashlib.sha256(source).hexdigest(),
        definitions=tuple(_definitions(tree, name, everything)),
    )


def _definitions(tree: ast.Module, module: str, everything: bool) -> Iterator[Definition]:
    # A name may be defined twice, by platform or as a property and its setter: later ones carry their number.
    seen: Counter[str] = Counter()
    for name, node in _documented(tree, "", everything):
        seen[name] += 1
        yield Definition(
            document_id=_id("doc_", 24, f"{module}:{name}:{seen[name]}"),
            module=module,
            name=name,
            kind=_kind(node, name),
            signature=_signature(node),
            text=ast.get_docstring(node) or "",
            line=node.lineno,
            end_line=node.end_lineno or node.lineno,
        )


def _documented(parent: ast.Module | ast.ClassDef, prefix: str, everything: bool) -> Iterator[tuple[str, _Definition]]:
    for node in parent.body:
        if not isinstance(node, _Definition) or (node.name.startswith("_") and not everything):
            continue
        name = prefix + node.name
        if ast.get_docstring(node):
            yield name, node
        if isinstance(node, ast.ClassDef):
            yield from _documented(node, f"{name}.", everything)


def _kind(node: _Definition, name: str) -> str:
    if isinstance(node, ast.ClassDef):
        return "class"
    return "method" if "." in name else "function"


def _signature(node: _Definition) -> str:
    if isinstance(node, ast.ClassDef):
        bases = ", ".join(ast.unparse(base) for base in node.bases)
        return f"class {node.name}({bases})" if bases else f"class {node.name}"
    word = "async def" if isinstance(node, ast.AsyncFunctionDef) else "def"
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    return f"{word} {node.name}({ast.unparse(node.args)}){returns}"


def _id(prefix: str, length: int, name: str) -> str:
    """The id of the thing with that name in this version of Python."""
    digest = hashlib.sha256(f"{platform.python_version()}\0{name}".encode())
    return prefix + digest.hexdigest()[:length]
