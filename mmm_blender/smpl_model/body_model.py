"""A person's own SMPL, SMPL-H or SMPL-X model: mesh, joints and skinning in rest pose.

The file is read by ``model_file``, which runs no code from it. Pose-dependent corrections stay out:
an armature's skinning has none.

V vertices, F faces, J joints, S shape coefficients, 3 xyz in metres, model space (Y up).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..common.arrays import AnyArray, FloatArray, IntArray
from ..common.errors import MMMError
from ..geometry.skeleton import ANIMATED_JOINTS, SMPL
from .model_file import read_arrays

GENDERS = ("neutral", "female", "male")

_FINGERS = tuple(
    f"{side}_{finger}{segment}"
    for side in ("left", "right")
    for finger in ("index", "middle", "pinky", "ring", "thumb")
    for segment in (1, 2, 3)
)
_BODY = SMPL.names[:ANIMATED_JOINTS]
# eyes are called as in the makers' own tools
_FACE = ("jaw", "left_eye_smplhf", "right_eye_smplhf")

JOINT_NAMES: dict[str, tuple[str, ...]] = {
    "smpl": SMPL.names,
    "smplh": _BODY + _FINGERS,
    "smplx": _BODY + _FACE + _FINGERS,
}
"""Joints of each kind of model, in the files' order."""

MOST_VERTICES = 2**16
"""Of a model: the largest published one has 10,475."""

# True: must be in the file
_ARRAYS = {
    "v_template": True,
    "f": True,
    "weights": True,
    "J_regressor": True,
    "kintree_table": True,
    "shapedirs": True,
}
# shape directions in the two forms of an SMPL-X file
_ALL_SHAPES, _FEW_SHAPES = 300, 10


@dataclass(frozen=True, eq=False)
class BodyModel:
    """A body in rest pose (T-pose), metres, model space.

    kind: "smpl", "smplh" or "smplx". vertices_V3; faces_F3: triangles of vertex indices;
    joints_J3: rest positions; parents_J: -1 for the root; weights_VJ: each row sums to 1.
    """

    kind: str
    joint_names: tuple[str, ...]
    vertices_V3: FloatArray
    faces_F3: IntArray
    joints_J3: FloatArray
    parents_J: IntArray
    weights_VJ: FloatArray


def load_body_model(path: Path, betas: Sequence[float] = (), gender: str = "neutral") -> BodyModel:
    """Read a model file and give it a shape; MMMError says what cannot be done.

    betas: shape coefficients, the first of the model's; those not given are 0. gender: of the file,
    which holds one; it is checked only.
    """
    if gender not in GENDERS:
        raise MMMError(f"There is no model for '{gender}': choose {', '.join(GENDERS)}.")
    arrays = read_arrays(path, _ARRAYS)
    kind = _check(arrays, path.name)
    vertices_V3, joints_J3 = _shaped(kind, arrays, betas, path.name)
    weights_VJ = np.asarray(arrays["weights"], dtype=np.float64)
    return BodyModel(
        kind,
        JOINT_NAMES[kind],
        vertices_V3,
        np.asarray(arrays["f"], dtype=np.int64),
        joints_J3,
        _parents(arrays),
        weights_VJ / weights_VJ.sum(axis=1, keepdims=True),
    )


def _check(arrays: dict[str, AnyArray], name: str) -> str:
    """The kind of the model, once every array has its shape and makes sense."""
    vertices, joints = _first(arrays["v_template"]), _last(arrays["weights"])
    kind = next((kind for kind, names in JOINT_NAMES.items() if len(names) == joints), None)
    if kind is None:
        raise MMMError(
            f"{name} is a model of {joints} joints: choose an SMPL (24), SMPL-H (52) or SMPL-X "
            "(55) file."
        )
    shapes = {
        "v_template": (vertices, 3),
        "f": (_first(arrays["f"]), 3),
        "weights": (vertices, joints),
        "J_regressor": (joints, vertices),
        "kintree_table": (2, joints),
        "shapedirs": (vertices, 3, _last(arrays["shapedirs"])),
    }
    odd = [key for key, shape in shapes.items() if arrays[key].shape != shape]
    odd += [key for key in shapes if key not in odd and not _finite(arrays[key])]
    if not odd and not 0 < vertices <= MOST_VERTICES:
        odd = [f"{vertices} vertices"]
    if not odd and not _sensible(arrays, vertices):
        odd = ["faces, weights or joints"]
    if odd:
        raise MMMError(f"{name} is damaged ({', '.join(odd)}): get the model file again.")
    return kind


def _first(array: AnyArray) -> int:
    return array.shape[0] if array.ndim else 0


def _last(array: AnyArray) -> int:
    return array.shape[-1] if array.ndim else 0


def _finite(array: AnyArray) -> bool:
    return array.dtype.kind in "iuf" and bool(np.isfinite(array).all())


def _sensible(arrays: dict[str, AnyArray], vertices: int) -> bool:
    """Faces name vertices, every vertex hangs on a joint, parents come before children."""
    faces, parents = arrays["f"], _parents(arrays)
    return bool(
        faces.size
        and (faces >= 0).all()
        and (faces < vertices).all()
        and (arrays["weights"].sum(axis=1) > 0).all()
        and (parents[1:] >= 0).all()
        and (parents < np.arange(len(parents))).all()
    )


def _parents(arrays: dict[str, AnyArray]) -> IntArray:
    """(J,). The files give the root 2^32 - 1, which is -1 as an unsigned number."""
    parents = arrays["kintree_table"][0].astype(np.int64)
    parents[0] = -1
    return parents


def _shaped(
    kind: str, arrays: dict[str, AnyArray], betas: Sequence[float], name: str
) -> tuple[FloatArray, FloatArray]:
    """Vertices (V, 3) and joints (J, 3) of the body with these shape coefficients.

    Vertices are the template plus the shape directions, each times its coefficient; joints are
    weighted means of the shaped vertices (Loper et al., SMPL, 2015, equations 8 and 10).
    """
    directions_V3S = _shape_directions(kind, arrays["shapedirs"].astype(np.float64))
    known = directions_V3S.shape[-1]
    if len(betas) > known:
        raise MMMError(f"{name} has {known} shape coefficients, not {len(betas)}: give fewer.")
    if not all(map(math.isfinite, betas)):
        raise MMMError("A shape coefficient is not a number: mend the list.")
    vertices_V3 = arrays["v_template"].astype(np.float64)
    vertices_V3 = vertices_V3 + directions_V3S[..., : len(betas)] @ np.array(betas, np.float64)
    return vertices_V3, arrays["J_regressor"].astype(np.float64) @ vertices_V3


def _shape_directions(kind: str, directions_V3S: FloatArray) -> FloatArray:
    """Without those of the expression, which follow in an SMPL-X file: it has 300 of the shape, or
    10 where it is one of the small files."""
    if kind != "smplx":
        return directions_V3S
    count = directions_V3S.shape[-1]
    return directions_V3S[..., : _ALL_SHAPES if count >= _ALL_SHAPES else _FEW_SHAPES]
