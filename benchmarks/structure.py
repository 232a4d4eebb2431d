"""Print the structure of a checkout: modules, imports between folders, import cycles and the longest functions.

python benchmarks/structure.py [CHECKOUT ...]
"""

from __future__ import annotations

import argparse
import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGES = {"isa_wrappers": "isa_wrappers", "isa_learners": "isa_learners", "cli": "isa_cli"}


def modules(root: Path) -> dict[str, Path]:
    """Return every module of the packages, by dotted name."""
    found = {}
    for folder, package in PACKAGES.items():
        for path in sorted((root / folder).rglob("*.py")):
            parts = [package, *path.relative_to(root / folder).with_suffix("").parts]
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(name: str, path: Path, known: dict[str, Path]) -> set[str]:
    """Return the modules that a module imports at import time; imports within functions cannot close a cycle."""
    tree = ast.parse(path.read_text())
    found = set()
    for node in _at_import(tree.body):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                package = name.split(".")[: -node.level] if path.name != "__init__.py" else name.split(".")
                base = ".".join([*package, *([node.module] if node.module else [])])
            found |= {base, *(f"{base}.{alias.name}" for alias in node.names)}
    return {module for module in found if module in known and module != name}


def _at_import(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    for node in body:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            continue
        yield node
        for inner in ("body", "orelse", "handlers"):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield from _at_import([n for n in getattr(node, inner, []) if isinstance(n, ast.stmt)])


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Return groups of modules that import each other: strongly connected components of more than one module."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in sorted(graph[node]):
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            group = []
            while not group or group[-1] != node:
                group.append(stack.pop())
            if len(group) > 1:
                found.append(sorted(group))

    for node in sorted(graph):
        if node not in index:
            visit(node)
    return found


def longest(paths: dict[str, Path]) -> list[tuple[int, str]]:
    """Return functions by number of lines without docstrings, longest first."""
    found = []
    for name, path in paths.items():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef):
                body = node.body[1:] if ast.get_docstring(node) else node.body
                if body:
                    length = (body[-1].end_lineno or 0) - body[0].lineno + 1
                    found.append((length, f"{name}:{node.name}"))
    return sorted(found, reverse=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkouts", nargs="*", type=Path, default=[Path()])
    for root in parser.parse_args().checkouts:
        paths = modules(root)
        # A package's __init__ only re-exports names, so it is left out.
        graph = {name: imports(name, path, paths) for name, path in paths.items() if path.name != "__init__.py"}
        graph = {name: {other for other in found if other in graph} for name, found in graph.items()}
        lines = {name: len(path.read_text().splitlines()) for name, path in paths.items()}
        folders = {(a.rpartition(".")[0], b.rpartition(".")[0]) for a, found in graph.items() for b in found}
        print(f"{root.resolve().name}: {len(paths)} modules, {sum(lines.values())} lines")
        print(f"  longest module {max(lines.values())} lines ({max(lines, key=lambda name: lines[name])})")
        print(
            f"  modules at the top of isa_wrappers: {sum(n.count('.') == 1 and n.startswith('isa_w') for n in paths)}"
        )
        between = sum(a != b for a, b in folders)
        print(f"  imports: {sum(map(len, graph.values()))} between modules, {between} between folders")
        print(f"  import cycles {circles(graph) or 'none'}")
        print(f"  longest functions {longest(paths)[:3]}")


if __name__ == "__main__":
    main()
