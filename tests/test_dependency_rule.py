"""Who may import whom, read from the import statements (README.md draws it as layers)."""

import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.import_statements import Import, circles, imports_of, module_name

PACKAGE = Path(__file__).resolve().parent.parent / "mmm_blender"

NUMPY = frozenset({"numpy"})
BLENDER_MODULES = frozenset(
    {"bpy", "bpy_extras", "mathutils", "bmesh", "gpu", "gpu_extras", "blf", "addon_utils", "bl_ui"}
)
# The worker runs with these alone; what imports anything else is imported when it is asked for.
ONNX = NUMPY | {"onnxruntime"}
# On a GPU, in training and for published checkpoints, after Set Up.
TORCH = NUMPY | {"torch", "safetensors"}
CLIP_WORDS = NUMPY | {"ftfy", "regex"}
ANYTHING_BUT_BLENDER = None


@dataclass(frozen=True)
class Layer:
    """What one part of the package may import besides itself and the standard library. A part is
    a module, or a folder with all in it that no other row names."""

    name: str
    inside: tuple[str, ...]  # other parts of the package
    outside: frozenset[str] | None  # third-party modules; None: all but Blender's
    lazy: bool = False  # only inside functions
    optional: frozenset[str] = frozenset()  # third-party modules, only inside functions


SHAPES = ("common", "geometry", "geometry.editing", "geometry.feet")
MODEL = (
    *SHAPES,
    "motion.limits",
    "motion.vocabulary",
    "motion.config",
    "motion.schedule",
    "motion.features",
    "motion.weight_files",
    "motion.text",
)
NETWORKS = (
    *MODEL,
    "motion.sampling",
    "motion.bundles",
    "motion.runtime",
    "motion.runtime.opening",
    "motion.motion_model",
    "motion.loaded_bundle",
)
CLIP = ("motion.text.byte_pair", "motion.text.clip_files")
IN_TORCH = (
    *("motion.networks", "motion.runtime.torch_networks"),
    *("motion.bundles.tensor_file", "motion.bundles.published_checkpoint"),
)
WORKER_ERRORS = ("worker.install_errors", "worker.gpu_errors")
PIPE = (
    *("worker.preview_messages", "worker.protocol", "worker.wire", "worker.processes"),
    *("worker.launch", "worker.client", "worker.installer", "worker.environments"),
    *("worker.package_sources", "worker.setup_checks"),
)
HOST = (*SHAPES, "geometry.simplify", "geometry.mannequin", "blender.bpy_types", "blender.widgets")
_BELOW_JOBS = ("blender.fcurves", "blender.rig", "blender.guards")
KEYS = (*HOST, *_BELOW_JOBS, "blender.actions", "blender.history")
TARGETS = ("blender.path", "blender.pins", "blender.targets", "blender.takes")
SHELL = (*KEYS, *PIPE, "prompts", "blender.jobs", "blender.addon", *TARGETS)
MAKING = (*SHELL, "blender.edit", "blender.simplify")
FEATURES = (
    "menus",
    "translations",
    "path",
    "pins",
    "targets",
    "takes",
    "preview",
    "simplify",
    "loop",
    "timing",
    "edit",
    "character",
    "rigs",
    "hands",
    "transfer",
    "generate",
    "sequence",
    "replay",
)
ALONE = ("character", "rigs", "hands", "transfer")
BLENDER = NUMPY | BLENDER_MODULES

# A module takes the longest name that it lies in. Each row names what is below it.
LAYERS = (
    Layer("common", (), NUMPY),
    Layer("prompts", ("common",), frozenset()),
    Layer("geometry", ("common",), NUMPY),
    Layer("geometry.editing", ("common", "geometry"), NUMPY),
    Layer("geometry.feet", ("common", "geometry", "geometry.editing"), NUMPY),
    Layer("geometry.deeds", SHAPES, NUMPY),
    Layer("geometry.mannequin", ("common", "geometry"), NUMPY),
    Layer("geometry.simplify", ("common", "geometry"), NUMPY),
    Layer("smpl_model", ("common", "geometry"), NUMPY),
    Layer("motion.features", SHAPES, NUMPY),
    # what a bundle can make: the one part of the model that Blender reads too
    Layer("motion.limits", SHAPES, frozenset()),
    Layer("motion.config_checks", ("common",), frozenset()),
    Layer("motion.vocabulary", ("common",), frozenset()),
    Layer(
        "motion.config",
        (
            *SHAPES,
            "motion.config_checks",
            "motion.limits",
            "motion.vocabulary",
            "motion.features",
            "motion.schedule",
        ),
        frozenset(),
    ),
    Layer("motion.schedule", ("common",), frozenset()),
    Layer("motion.weight_files", ("common",), NUMPY),
    Layer("motion.text", ("common", "motion.weight_files"), NUMPY),
    Layer("motion.text.byte_pair", ("common", "motion.text"), CLIP_WORDS),
    Layer(
        "motion.text.clip_files",
        ("common", "motion.weight_files", "motion.text", "motion.text.byte_pair"),
        NUMPY,
    ),
    Layer("motion.sampling", MODEL, NUMPY),
    Layer("motion.bundles", MODEL, NUMPY),
    Layer("motion.networks", (*MODEL, *CLIP, "motion.bundles"), TORCH),
    Layer("motion.bundles.tensor_file", ("common",), TORCH),
    Layer(
        "motion.bundles.published_checkpoint",
        (*MODEL, "motion.networks", "motion.bundles", "motion.bundles.tensor_file"),
        TORCH,
    ),
    Layer("motion.runtime", MODEL, NUMPY),
    Layer("motion.runtime.onnx", (*MODEL, *CLIP, "motion.bundles", "motion.runtime"), ONNX),
    Layer("motion.runtime.torch_networks", (*MODEL, "motion.networks", "motion.runtime"), TORCH),
    # the one door to both libraries: it imports what it opens when it opens it
    Layer(
        "motion.runtime.opening",
        (*MODEL, *CLIP, *IN_TORCH, "motion.bundles", "motion.runtime", "motion.runtime.onnx"),
        NUMPY,
    ),
    Layer("motion.motion_model", (*MODEL, "motion.sampling", "motion.runtime"), NUMPY),
    Layer(
        "motion.loaded_bundle",
        (*MODEL, "motion.bundles", "motion.motion_model", "motion.runtime.opening"),
        NUMPY,
    ),
    Layer("motion.pipeline", (*NETWORKS, "prompts", "geometry.deeds"), NUMPY),
    Layer("motion.checkpoint_import", (*NETWORKS, *IN_TORCH), frozenset()),
    Layer("motion", (), frozenset()),
    Layer("training.data", (*MODEL, "geometry.deeds"), ANYTHING_BUT_BLENDER),
    Layer(
        "training.text",
        (*MODEL, "motion.networks", "prompts", "training.data"),
        ANYTHING_BUT_BLENDER,
    ),
    Layer(
        "training.evaluation",
        (
            *(*NETWORKS, *IN_TORCH, "geometry.deeds", "motion.pipeline"),
            *("training.data", "training.text"),
        ),
        ANYTHING_BUT_BLENDER,
    ),
    Layer(
        "training.trainer",
        (
            *(*NETWORKS, *IN_TORCH, "motion.pipeline"),
            *("training.data", "training.text", "training.evaluation"),
        ),
        ANYTHING_BUT_BLENDER,
    ),
    Layer("training", (), frozenset()),
    Layer("worker.preview_messages", ("common",), NUMPY),
    Layer("worker.protocol", (*SHAPES, "worker.preview_messages"), NUMPY),
    Layer("worker.wire", (*SHAPES, "worker.protocol"), NUMPY),
    Layer("worker.processes", ("common", "worker.protocol"), NUMPY),
    Layer(
        "worker.connection",
        ("common", "worker.protocol", "worker.wire", "worker.processes", "worker.launch"),
        NUMPY,
    ),
    Layer("worker.launch", ("common",), frozenset()),
    Layer(
        "worker.client",
        (
            *("common", "worker.protocol", "worker.wire", "worker.processes", "worker.launch"),
            *("worker.connection", "worker.preview_messages"),
        ),
        NUMPY,
    ),
    Layer("worker.install_errors", ("common",), frozenset()),
    Layer("worker.gpu_errors", (), frozenset()),
    Layer("worker.environments", ("common",), frozenset()),
    # Set Up, which runs inside Blender
    Layer("worker.python_probe", ("common", *WORKER_ERRORS), frozenset()),
    Layer("worker.cuda_builds", ("common", "worker.processes"), frozenset()),
    Layer("worker.package_sources", ("common",), frozenset()),
    Layer("worker.setup_checks", ("common", "worker.package_sources"), frozenset()),
    Layer("worker.download_meter", ("worker.environments",), frozenset()),
    Layer(
        "worker.installer",
        (
            *("common", "worker.processes", "worker.install_errors", "worker.python_probe"),
            *("worker.environments", "worker.cuda_builds", "worker.package_sources"),
            *("worker.setup_checks", "worker.download_meter"),
        ),
        frozenset(),
    ),
    Layer(
        "worker.server",
        (
            *(*NETWORKS, "prompts", "motion.pipeline", "smpl_model", "worker.preview_messages"),
            *("worker.protocol", "worker.wire", "worker.gpu_errors", "motion.checkpoint_import"),
            "worker.install_errors",
        ),
        NUMPY,
        # for a GPU, or where there is no ONNX Runtime
        optional=frozenset({"torch"}),
    ),
    Layer(
        "worker",
        ("common", "worker.protocol", "worker.wire", "worker.environments", "worker.server"),
        NUMPY,
    ),
    Layer("blender.bpy_types", ("common",), BLENDER),
    Layer("blender.widgets", ("common", "blender.bpy_types"), BLENDER),
    Layer("blender.viewport_lines", ("common", "blender.bpy_types"), BLENDER),
    Layer("blender.menus", HOST, BLENDER),
    Layer("blender.translations", HOST, BLENDER),
    Layer("blender.fcurves", HOST, BLENDER),
    Layer("blender.rig", (*HOST, "blender.fcurves"), BLENDER),
    Layer("blender.guards", (*HOST, "blender.fcurves", "blender.rig"), BLENDER),
    Layer("blender.actions", (*HOST, "blender.fcurves", "blender.rig"), BLENDER),
    Layer("blender.history", (*HOST, "blender.fcurves", "blender.rig", "blender.actions"), BLENDER),
    Layer("blender.jobs", (*HOST, *PIPE, *_BELOW_JOBS), BLENDER),
    Layer(
        "blender.addon",
        (
            *HOST,
            *PIPE,
            "prompts",
            "motion.limits",
            *_BELOW_JOBS,
            "blender.jobs",
        ),
        BLENDER,
    ),
    # where motions go and what holds them: below all that make motions
    Layer("blender.path", (*KEYS, "blender.addon", "blender.viewport_lines"), BLENDER),
    Layer("blender.pins", (*KEYS, "blender.addon"), BLENDER),
    Layer("blender.targets", (*KEYS, "blender.path", "blender.pins"), BLENDER),
    Layer("blender.takes", (*KEYS, *PIPE, "blender.jobs", "blender.addon"), BLENDER),
    Layer("blender.edit", SHELL, BLENDER),
    Layer("blender.preview", (*SHELL, "blender.edit", "blender.viewport_lines"), BLENDER),
    Layer("blender.simplify", (*SHELL, "blender.edit"), BLENDER),
    Layer("blender.loop", (*SHELL, "blender.edit"), BLENDER),
    Layer("blender.timing", (*SHELL, "blender.edit"), BLENDER),
    *(Layer(f"blender.{each}", SHELL, BLENDER) for each in ALONE),
    Layer("blender.generate", (*MAKING, "blender.character", "blender.hands"), BLENDER),
    Layer("blender.sequence", (*MAKING, "blender.generate"), BLENDER),
    Layer("blender.replay", (*MAKING, "blender.generate", "blender.sequence"), BLENDER),
    Layer(
        "blender",
        (*SHELL, *(f"blender.{feature}" for feature in FEATURES)),
        BLENDER,
        lazy=True,
    ),
    Layer(
        "batch",
        (
            *SHELL,
            "batch.cells",
            "batch.csv_file",
            "blender",
            *(f"blender.{feature}" for feature in FEATURES),
        ),
        BLENDER,
        # a progress bar where there is one; the animator's Blender has none
        optional=frozenset({"tqdm"}),
    ),
    # what a table's cells mean, and how spreadsheets write them: shared with data sets
    Layer("batch.cells", ("common", "geometry.editing"), frozenset()),
    Layer("batch.csv_file", ("common",), frozenset()),
    # data sets on many machines, with Ray and Arrow; never in the extension
    Layer(
        "dataset",
        (
            *NETWORKS,
            "motion.pipeline",
            "training.data",
            "training.evaluation",
            "batch.cells",
            "batch.csv_file",
        ),
        ANYTHING_BUT_BLENDER,
    ),
    Layer("", ("blender", "batch"), frozenset(), lazy=True),
)


def lies_in(module: str, layer: str) -> bool:
    return module == layer or module.startswith(f"{layer}.")


def layer_of(module: str) -> Layer:
    candidates = [layer for layer in LAYERS if not layer.name or lies_in(module, layer.name)]
    return max(candidates, key=lambda layer: len(layer.name))


def is_allowed(layer: Layer, imported: Import) -> bool:
    if imported.inside:
        target = layer_of(imported.name)
        if target is layer:
            return True
        return target.name in layer.inside and imported.lazy >= layer.lazy
    if imported.name in sys.stdlib_module_names:
        return True
    if imported.lazy and imported.name in layer.optional:
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


def features_whose_panel_is_imported(package: Path) -> list[str]:
    """One sentence for each feature that imports another feature's panel."""
    return [
        f"{path.relative_to(package.parent)}:{imported.line} imports {imported.name}"
        for path in sorted((package / "blender").rglob("*.py"))
        for imported in imports_of(path, package)
        if imported.inside and is_foreign_panel(module_name(path, package), imported.name)
    ]


def is_foreign_panel(module: str, imported: str) -> bool:
    """Whether a module of one feature imports the panel of another."""
    parts, own = imported.split("."), module.split(".")
    return (
        len(parts) > 2
        and parts[0] == "blender"
        and parts[1] in FEATURES
        and parts[2] == "panel"
        and len(own) > 1
        and own[1] in FEATURES
        and own[1] != parts[1]
    )


def test_no_feature_imports_the_panel_of_another():
    assert features_whose_panel_is_imported(PACKAGE) == []


def test_no_module_imports_itself_through_others():
    assert circles(PACKAGE) == []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("geometry/a.py", "import torch"),
        ("geometry/a.py", "import scipy.ndimage"),
        ("geometry/a.py", "from ..motion import config"),
        ("geometry/a.py", "from .. import motion"),
        ("geometry/deep/a.py", "from ...motion.config import Config"),
        ("motion/networks/a.py", "import bpy"),
        ("motion/networks/a.py", "import scipy"),
        ("motion/networks/a.py", "import onnxruntime"),
        ("motion/sampling/a.py", "import torch"),
        ("motion/pipeline/a.py", "import torch"),
        ("motion/pipeline/a.py", "from ..networks import tokenizer"),
        ("motion/pipeline/a.py", "def f():\n    from ..runtime import torch_networks"),
        ("motion/bundles/a.py", "import safetensors"),
        ("motion/text/a.py", "import torch"),
        ("motion/runtime/a.py", "import torch"),
        ("motion/runtime/a.py", "import onnxruntime"),
        ("motion/runtime/onnx/a.py", "import onnx"),
        ("motion/runtime/onnx/a.py", "import torch"),
        ("motion/motion_model.py", "def f():\n    import torch"),
        ("worker/server/service.py", "import torch"),
        ("motion/pipeline/a.py", "from ...training.data import captions"),
        ("motion/pipeline/a.py", "from ...worker import protocol"),
        ("training/data/a.py", "def f():\n    import bpy"),
        ("training/data/a.py", "from mmm_blender.blender import jobs"),
        ("worker/protocol.py", "from . import client"),
        ("worker/client.py", "import torch"),
        ("worker/client.py", "import importlib\nimportlib.import_module('torch')"),
        ("worker/client.py", "from .server import service"),
        ("worker/client.py", "from ..motion import config"),
        ("worker/__main__.py", "from ..training.data import captions"),
        ("worker/server/service.py", "import bpy"),
        ("blender/jobs/a.py", "import torch"),
        ("blender/jobs/a.py", "__import__('torch')"),
        ("blender/jobs/a.py", "from ...motion import config"),
        ("blender/jobs/a.py", "from ...worker.server import service"),
        ("blender/jobs/a.py", "if True:\n    from ...worker.server.service import serve"),
        ("blender/jobs/a.py", "from ..addon import choices"),
        ("blender/edit/a.py", "from ..generate import panel"),
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
            "motion/networks/a.py",
            "import torch\nfrom ...geometry import clip\nfrom mmm_blender.geometry import clip",
        ),
        ("training/data/a.py", "import scipy\nfrom ...motion import config"),
        ("worker/client.py", "from .protocol import Hello\nfrom . import protocol"),
        (
            "worker/server/service.py",
            "from ...motion import config\ndef f():\n    import torch",
        ),
        ("worker/__main__.py", "from .server.service import serve"),
        (
            "blender/jobs/a.py",
            "import bpy\nfrom ...worker.client import WorkerClient\nfrom ...worker import protocol",
        ),
        ("__init__.py", "def register():\n    from . import blender\n    blender.register()"),
    ],
)
def test_what_the_rule_allows_passes(tmp_path: Path, module: str, source: str):
    package = made_up_package(tmp_path)
    write(package / module, source)
    assert violations(package) == []


def test_a_made_up_import_of_another_features_panel_is_found(tmp_path: Path):
    package = made_up_package(tmp_path)
    write(
        package / "blender/sequence/a.py", "from ..edit.panel import EditPanel\nfrom . import panel"
    )
    (found,) = features_whose_panel_is_imported(package)
    assert found.startswith("mmm_blender/blender/sequence/a.py:1 imports blender.edit.panel")


MADE_UP_MODULES = (
    *("worker/protocol.py", "worker/client.py", "worker/server/service.py", "worker/__main__.py"),
    *("blender/generate/panel.py", "blender/edit/panel.py", "blender/addon/choices.py"),
    *("motion/config.py", "training/data/captions.py"),
    *("motion/networks/tokenizer.py", "motion/runtime/torch_networks.py"),
)


def made_up_package(folder: Path) -> Path:
    """A package with this one's layers, all of them empty."""
    package = folder / "mmm_blender"
    for layer in LAYERS:
        if layer.name:
            write(package.joinpath(*layer.name.split("."), "__init__.py"), "")
    for module in MADE_UP_MODULES:
        write(package / module, "")
    write(package / "__init__.py", "")
    return package


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
