"""Add SMPL Character without buttons: our own body, or the user's own body model file."""

from __future__ import annotations

import numpy as np

from ...common.errors import MMMError
from ...common.untrusted import is_file
from ...geometry.mannequin.body_shape import BodyMesh
from ...geometry.skeleton import Skeleton
from ...worker.client import JobResult
from ...worker.protocol import BodyModelLoaded, LoadBodyModel
from ..addon.choices import absolute_path
from ..addon.worker_python import addon_worker
from ..bpy_types import ArmatureObject, Context
from ..jobs.scene_job import SceneJob, SceneSnapshot
from ..jobs.worker_access import WorkerAccess
from ..rig.armature import create_character


def start_body_model(
    context: Context,
    path: str,
    betas: tuple[float, ...],
    gender: str,
    access: WorkerAccess | None = None,
) -> SceneJob:
    """Have the worker read a body model file; the character is added when it has.

    access: the add-on's worker if not given.
    """
    file = absolute_path(path)
    if not is_file(file):
        raise MMMError(f"There is no file {file}: choose an SMPL, SMPL-H or SMPL-X model file.")
    access = access or addon_worker()
    job = access.session.start(access.python(), LoadBodyModel(str(file), betas, gender))
    return SceneJob(access.session, job, SceneSnapshot.now(context, None), _add_body)


def _add_body(context: Context, _target: ArmatureObject | None, result: JobResult) -> str:
    assert isinstance(result, BodyModelLoaded)
    rig = create_character(
        context, f"{result.kind.upper()} Character", body_skeleton(result), body_mesh(result)
    )
    return f"Added '{rig.name}' with {len(result.joint_names)} joints."


def body_skeleton(body: BodyModelLoaded) -> Skeleton:
    """The rest skeleton of a body that the worker read."""
    parents = tuple(int(parent) for parent in body.parents_J)
    offsets_J3 = body.joints_J3 - body.joints_J3[np.maximum(parents, 0)]
    return Skeleton(body.joint_names, parents, offsets_J3)


def body_mesh(body: BodyModelLoaded) -> BodyMesh:
    """Its mesh, relative to the pelvis joint."""
    return BodyMesh(body.vertices_V3 - body.joints_J3[0], body.faces_F3, body.weights_VJ)
