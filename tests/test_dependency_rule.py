"""Who may import whom, read from the import statements (README.md draws it as layers)."""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "mmm_blender"

NUMPY = frozenset({"numpy"})
BLENDER_MODULES = frozenset(
    {"bpy", "bpy_extras", "mathutils", "bmesh", "gpu", "gpu_extras", "blf", "addon_utils", "bl_ui"}
)
# What the worker's environment has; anything else would be missing on an animator's machine.
WORKER_MODULES = NUMPY | {"torch", "safetensors", "ftfy", "regex", "smplx"}
ANYTHING_BUT_BLENDER = None


@dataclass(frozen=True)
class Layer:
    """What one part of the package may import besides itself and the standard library."""

    name: str
    inside: tuple[str, ...]  # other parts of the package
    outside: frozenset[str] | None  # third-party modules; None: all but Blender's
    lazy: bool = False  # only inside functions


# A module takes the first layer that it lies in. In worker/, what is not named here as Blender's
# side of the pipe belongs to the worker program, which may import torch.
LAYERS = (
    Layer("geometry", (), NUMPY),
    Layer("motion", ("geometry",), WORKER_MODULES),
    Layer("training", ("motion", "geometry"), ANYTHING_BUT_BLENDER),
    Layer("worker.protocol", ("geometry",), NUMPY),
    Layer("worker.wire", ("worker.protocol", "geometry"), NUMPY),
    Layer("worker.client", ("worker.protocol", "worker.wire", "geometry"), NUMPY),
    Layer("worker.environment", ("geometry",), NUMPY),
    Layer("worker", ("worker.protocol", "motion", "geometry"), WORKER_MODULES),
    # worker.environment is Set Up, which runs inside Blender: it needs neither torch nor bpy
    Layer(
        "blender",
        ("worker.client", "worker.protocol", "worker.environment", "geometry"),
        NUMPY | BLENDER_MODULES,
    ),
    Layer("", ("blender",), frozenset(), lazy=True),
)


@dataclass(frozen=True)
class Import:
    """One imported module: relative to the package (`inside`) or a third-party name."""

    line: int
    name: str
    inside: bool
    lazy: bool


def lies_in(module: str, layer: str) -> bool:
    return module == layer or module.startswith(f"{layer}.")


def layer_of(module: str) -> Layer:
    return next(layer for layer in LAYERS if not layer.name or lies_in(module, layer.name))


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


def is_allowed(layer: Layer, imported: Import) -> bool:
    if imported.inside:
        names = (*layer.inside, layer.name) if layer.name else layer.inside
        return any(lies_in(imported.name, name) for name in names) and imported.lazy >= layer.lazy
    if imported.name in sys.stdlib_module_names:
        return True
    if layer.outside is None:
        return imported.name not in BLENDER_MODULES
    return imported.name in layer.outside


def violations(package: Path) -> list[str]:
    """One sentence for each forbidden import under a package folder."""
    found: list[str] = []
    for path in sorted(package.rglob("*.py")):
        module = module_name(path, package)
        layer = layer_of(module)
        found += [
            f"{path.relative_to(package.parent)}:{imported.line} imports {imported.name}"
            for imported in imports_of(path, package)
            if not is_allowed(layer, imported)
        ]
    return found


def test_the_package_keeps_the_rule():
    assert len(list(PACKAGE.rglob("*.py"))) > len(LAYERS)
    assert violations(PACKAGE) == []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("geometry/a.py", "import torch"),
        ("geometry/a.py", "import scipy.ndimage"),
        ("geometry/a.py", "from ..motion import config"),
        ("geometry/a.py", "from .. import motion"),
        ("geometry/deep/a.py", "from ...motion.config import Config"),
        ("motion/a.py", "import bpy"),
        ("motion/a.py", "import scipy"),
        ("motion/a.py", "from ..training import losses"),
        ("motion/a.py", "from ..worker import protocol"),
        ("training/a.py", "def f():\n    import bpy"),
        ("training/a.py", "from mmm_blender.blender import panels"),
        ("worker/protocol.py", "from . import client"),
        ("worker/client.py", "import torch"),
        ("worker/client.py", "import importlib\nimportlib.import_module('torch')"),
        ("worker/client.py", "from . import service"),
        ("worker/client.py", "from ..motion import config"),
        ("worker/__main__.py", "from ..training import losses"),
        ("worker/service.py", "import bpy"),
        ("blender/a.py", "import torch"),
        ("blender/a.py", "__import__('torch')"),
        ("blender/a.py", "from ..motion import config"),
        ("blender/a.py", "from ..worker import service"),
        ("blender/a.py", "if True:\n    from ..worker.service import serve"),
        ("__init__.py", "import bpy"),
        ("__init__.py", "from . import blender"),
        ("__init__.py", "def register():\n    import bpy"),
    ],
)
def test_a_made_up_violation_is_found(tmp_path: Path, module: str, source: str):
    package = made_up_package(tmp_path)
    write(package / module, f"import sys\n{source}\n")
    (found,) = violations(package)
    assert found.startswith(f"mmm_blender/{module}:")


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("geometry/a.py", "import numpy as np\nfrom .b import c\nfrom . import d"),
        (
            "motion/a.py",
            "import torch\nfrom ..geometry import clip\nfrom mmm_blender.geometry import clip",
        ),
        ("training/a.py", "import scipy\nfrom ..motion import config"),
        ("worker/client.py", "from .protocol import Hello\nfrom . import protocol"),
        (
            "worker/service.py",
            "import torch\nfrom ..motion import config\nfrom .protocol import Hello",
        ),
        ("worker/__main__.py", "from .service import serve"),
        (
            "blender/a.py",
            "import bpy\nfrom ..worker.client import WorkerClient\nfrom ..worker import protocol",
        ),
        ("__init__.py", "def register():\n    from . import blender\n    blender.register()"),
    ],
)
def test_what_the_rule_allows_passes(tmp_path: Path, module: str, source: str):
    package = made_up_package(tmp_path)
    write(package / module, source)
    assert violations(package) == []


def made_up_package(folder: Path) -> Path:
    """A package with this one's layers, all of them empty."""
    package = folder / "mmm_blender"
    for name in ("geometry", "motion", "training", "worker", "blender"):
        write(package / name / "__init__.py", "")
    for name in ("protocol", "client", "service", "__main__"):
        write(package / "worker" / f"{name}.py", "")
    write(package / "__init__.py", "")
    return package


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
