"""Synthetic body model files in the published formats: random flesh on the right bones."""

from __future__ import annotations

import pickle
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from mmm_blender.common.arrays import AnyArray
from mmm_blender.geometry.skeleton import SMPL

# smplx picks its extra joints by vertex number, so the counts are those of the real models
VERTICES = {"smpl": 6890, "smplh": 6890, "smplx": 10475}
JOINTS = {"smpl": 24, "smplh": 52, "smplx": 55}
COEFFICIENTS = {"smpl": 10, "smplh": 16, "smplx": 20}  # SMPL-X: 10 of shape, 10 of expression
NO_PARENT = 2**32 - 1  # as the files have it


def parents(kind: str) -> list[int]:
    """SMPL's own tree; what comes after it hangs on the wrists and the head."""
    body = list(SMPL.parents[: 24 if kind == "smpl" else 22])
    hands = [20, 22, 23, 20, 25, 26, 20, 28, 29, 20, 31, 32, 20, 34, 35]  # left, if it began at 22
    if kind == "smpl":
        return body
    face = [15, 15, 15] if kind == "smplx" else []
    first = 22 + len(face)
    left = [p if p < 22 else p - 22 + first for p in hands]
    right = [p + 1 if p < 22 else p + 15 for p in left]
    return body + face + left + right


def arrays(kind: str, seed: int = 0) -> dict[str, AnyArray]:
    """What a model file holds, as plain arrays. Pose corrections are zero: skinning has none."""
    rng = np.random.default_rng(seed)
    vertices, joints = VERTICES[kind], JOINTS[kind]
    template = rng.uniform(-0.9, 0.9, (vertices, 3))
    regressor = np.zeros((joints, vertices))
    for row in regressor:
        row[rng.choice(vertices, 6, replace=False)] = rng.dirichlet(np.ones(6))
    weights = np.zeros((vertices, joints))
    for row in weights:
        row[rng.choice(joints, 4, replace=False)] = rng.dirichlet(np.ones(4))
    tree = np.array([parents(kind), range(joints)], dtype=np.int64)
    tree[0, 0] = NO_PARENT
    content: dict[str, AnyArray] = {
        "v_template": template,
        "f": rng.integers(0, vertices, (200, 3)).astype(np.uint32),
        "weights": weights,
        "J_regressor": regressor,
        "kintree_table": tree,
        "shapedirs": rng.normal(0.0, 0.01, (vertices, 3, COEFFICIENTS[kind])),
        "posedirs": np.zeros((vertices, 3, (joints - 1) * 9), dtype=np.float32),
    }
    if kind != "smpl":
        for side in "lr":
            content[f"hands_components{side}"] = np.eye(45)
            content[f"hands_mean{side}"] = np.zeros(45)
    if kind == "smplx":
        content["lmk_faces_idx"] = np.zeros(51, dtype=np.int64)
        content["lmk_bary_coords"] = np.full((51, 3), 1 / 3)
    return content


def write_npz(path: Path, content: dict[str, AnyArray], **more: Any) -> Path:
    np.savez(path, **content, **more)
    return path


def write_pickle(path: Path, content: object, protocol: int = 2) -> Path:
    path.write_bytes(pickle.dumps(content, protocol=protocol))
    return path


def chumpy_era(path: Path, content: dict[str, AnyArray]) -> Path:
    """As the oldest files are: Python 2's pickle, chumpy arrays, SciPy's matrices of then."""

    class Ch:
        """Stands for chumpy.ch.Ch while the file is written."""

        def __init__(self, x: AnyArray) -> None:
            self.x = x
            self._dirty_vars: set[str] = set()

    class Select(Ch):
        """Stands for chumpy.reordering.Select."""

        def __init__(self, a: Ch, idxs: AnyArray, preferred_shape: tuple[int, ...]) -> None:
            super().__init__(np.zeros(0))
            self.a, self.idxs, self.preferred_shape = a, idxs, preferred_shape

    shapes = content["shapedirs"]
    order = np.arange(shapes.size)
    old = dict(content) | {
        "J_regressor": sparse.csc_matrix(content["J_regressor"]),
        "weights": Ch(content["weights"]),
        "shapedirs": Select(Ch(shapes.ravel()[::-1].copy()), order[::-1].copy(), shapes.shape),
        "bs_style": "lbs",
        "pose_training_info": {"gender": "female", "scale": np.float64(1.5)},
    }
    classes = {"chumpy.ch": Ch, "chumpy.reordering": Select}
    modules = {name: types.ModuleType(name) for name in ("chumpy", *classes)}
    for name, cls in classes.items():
        cls.__module__, cls.__qualname__ = name, cls.__name__
        setattr(modules[name], cls.__name__, cls)
    sys.modules.update(modules)
    try:
        text = pickle.dumps(old, protocol=2)
    finally:
        for name in modules:
            del sys.modules[name]
    path.write_bytes(text.replace(b"scipy.sparse._csc\n", b"scipy.sparse.csc\n"))
    return path
