"""What the modules of a package import, read from their statements."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Import:
    """One imported module: relative to the package (`inside`) or a third-party name."""

    line: int
    name: str
    inside: bool
    lazy: bool


def module_name(path: Path, package: Path) -> str:
    """Dotted name relative to the package: 'worker.client', '' for the package itself."""
    parts = path.relative_to(package).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path: Path, package: Path) -> Iterator[Import]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    lazy_nodes = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
    }
    for node in ast.walk(tree):
        for dotted in dotted_names(node, path, package):
            head, _, rest = dotted.partition(".")
            inside = head == package.name
            line = getattr(node, "lineno", 0)
            yield Import(line, rest if inside else head, inside, id(node) in lazy_nodes)


def dotted_names(node: ast.AST, path: Path, package: Path) -> list[str]:
    """Absolute names that a node imports, also by import_module("...") and __import__("...")."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        base = node.module or ""
        if node.level:
            folder = path.relative_to(package.parent).parent.parts
            base = ".".join((*folder[: len(folder) - node.level + 1], *filter(None, [base])))
        return [member_name(base, alias.name, package) for alias in node.names]
    if isinstance(node, ast.Call) and called_name(node) in {"import_module", "__import__"}:
        return [
            argument.value
            for argument in node.args[:1]
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
        ]
    return []


def member_name(base: str, member: str, package: Path) -> str:
    """`from base import member` imports the module base.member where there is one, else base."""
    target = package.parent.joinpath(*base.split("."), member)
    is_module = target.with_suffix(".py").is_file() or target.is_dir()
    return f"{base}.{member}" if is_module else base


def called_name(call: ast.Call) -> str:
    function = call.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def circles(package: Path) -> list[str]:
    """Modules that import each other at their start, directly or through others."""
    modules = {module_name(path, package): path for path in package.rglob("*.py")}
    arrows = {
        module: {
            each.name
            for each in imports_of(path, package)
            if each.inside and not each.lazy and each.name in modules and each.name != module
        }
        for module, path in modules.items()
    }
    while leaves := {module for module, targets in arrows.items() if not targets & arrows.keys()}:
        for module in leaves:
            del arrows[module]
    return sorted(arrows)
