"""What the tokenizer is taught: features, and what becomes of them on the skeleton.

B batch, T frames, C channels, J joints. Exported motion is read off the rotation block and the
root's steps alone, so the loss looks at forward kinematics of those as well.
"""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor, nn
from torch.nn import functional

from ...geometry.feet.contacts import CONTACT_JOINTS
from ...geometry.skeleton import SMPL_22
from ...motion.features.layout import SMPL_269

_ROOT_WEIGHT = 5.0  # four channels that all others ride on
_REDUNDANT_WEIGHT = 0.25
"""Positions and joint steps: no clip is read off them, so few bits of a code should go there."""
_ROTATION_WEIGHT = 1.5
_JOINT_WEIGHT = 15.0  # per metre of joint error
_FOOT_WEIGHT = 15.0  # per metre of wrong foot step in a frame
_STEP_WEIGHT = 15.0  # per metre of wrong joint step in a frame, relative to the root
_PATH_WEIGHT = 4.0  # per metre or radian that the root is off where it arrives ...
_PATH_FRAMES = (10, 20, 40)  # ... so many frames later
_COMMITMENT_WEIGHT = 0.02  # as in the paper


def rotation_matrices(six: Tensor) -> Tensor:
    """6D (..., 6) to matrices (..., 3, 3) by Gram-Schmidt; the torch twin of
    ``geometry.rotations.rotation_6d_to_matrix`` with gradients."""
    a = functional.normalize(six[..., :3], dim=-1)
    b = six[..., 3:]
    b = functional.normalize(b - (a * b).sum(-1, keepdim=True) * a, dim=-1)
    return torch.stack([a, b, torch.linalg.cross(a, b)], dim=-1)


@cache
def _levels() -> list[list[int]]:
    """Joints in order of their depth in the skeleton, the root left out: a level at a time takes a
    tenth of the kernels that a joint at a time takes."""
    depth = [0]
    for parent in SMPL_22.parents[1:]:
        depth.append(depth[parent] + 1)
    return [[j for j, d in enumerate(depth) if d == level] for level in range(1, max(depth) + 1)]


@cache
def _offsets(device: torch.device, kind: torch.dtype) -> Tensor:
    return torch.from_numpy(SMPL_22.offsets_J3).to(device, kind)


def heading_joints(features_BTC: Tensor) -> Tensor:
    """Joints (B, T, 22, 3) by forward kinematics of the rotation block, metres, in the heading
    frame, relative to the root."""
    six = features_BTC[..., SMPL_269.rotations].unflatten(-1, (SMPL_269.joints, 6))
    local = rotation_matrices(six).unbind(-3)
    offsets = _offsets(features_BTC.device, features_BTC.dtype).unbind(0)
    world, places = {0: local[0]}, {0: torch.zeros_like(local[0][..., 0])}
    for level in _levels():
        parents = [SMPL_22.parents[joint] for joint in level]
        turned = torch.stack([world[parent] for parent in parents], dim=-3)
        bones = torch.stack([offsets[joint] for joint in level])
        before = torch.stack([places[parent] for parent in parents], dim=-2)
        placed = before + (turned * bones[:, None]).sum(-1)
        turned = _products(turned, torch.stack([local[joint] for joint in level], dim=-3))
        world |= zip(level, turned.unbind(-3), strict=True)
        places |= zip(level, placed.unbind(-2), strict=True)
    return torch.stack([places[joint] for joint in range(SMPL_269.joints)], dim=-2)


def rotation_error(made_BTC: Tensor, wanted_BTC: Tensor, valid_BT: Tensor) -> Tensor:
    """Mean chordal distance of the joints' rotations, in features that are not normalised: about
    the angle between them in radians, times the root of 2. Twists, which no joint's place shows,
    count like any other angle."""
    made, wanted = (
        rotation_matrices(x[..., SMPL_269.rotations].unflatten(-1, (SMPL_269.joints, 6)))
        for x in (made_BTC, wanted_BTC)
    )
    return _mean(_distance(made.flatten(-2), wanted.flatten(-2)).mean(-1), valid_BT, valid_BT)


def _products(a: Tensor, b: Tensor) -> Tensor:
    """Products of small matrices (..., 3, 3): a batched matrix product is made for large ones."""
    return (a[..., None] * b[..., None, :, :]).sum(-2)


def ground_path(features_BTC: Tensor) -> tuple[Tensor, Tensor]:
    """Where the root stands in every frame, as integrated from its steps: (x, z) metres (B, T, 2)
    and yaw radians (B, T), both zero in the first frame."""
    steps = features_BTC[..., : SMPL_269.root_height.start][:, :-1]
    yaw_BT = functional.pad(steps[..., 0].cumsum(1), (1, 0))
    turned = _turned(steps[..., 1:], yaw_BT[:, :-1])
    return functional.pad(turned.cumsum(1), (0, 0, 1, 0)), yaw_BT


def arrivals(features_BTC: Tensor, frames: int) -> Tensor:
    """Where the root stands so many frames later, seen from every frame (B, T - frames, 3): to the
    left and ahead in metres, and the turn in radians."""
    ground_BT2, yaw_BT = ground_path(features_BTC)
    moved = _turned(ground_BT2[:, frames:] - ground_BT2[:, :-frames], -yaw_BT[:, :-frames])
    return torch.cat([moved, (yaw_BT[:, frames:] - yaw_BT[:, :-frames])[..., None]], dim=-1)


def _turned(ground: Tensor, yaw: Tensor) -> Tensor:
    """Points on the ground (..., 2), x and z, turned by yaw (...) about +Y."""
    sine, cosine = yaw.sin(), yaw.cos()
    x, z = ground.unbind(-1)
    return torch.stack([x * cosine + z * sine, z * cosine - x * sine], dim=-1)


def foot_steps(features_BTC: Tensor, joints_BTJ3: Tensor) -> Tensor:
    """Steps (B, T - 1, 4, 3) of the foot joints over the ground, metres a frame, in the heading
    frame of the earlier frame: root step, turn and the legs' own motion together."""
    feet = joints_BTJ3[:, :, list(CONTACT_JOINTS)]
    turn = features_BTC[:, :-1, SMPL_269.root_yaw_velocity]
    sine, cosine = turn.sin(), turn.cos()
    later, earlier = feet[:, 1:], feet[:, :-1]
    x = cosine * later[..., 0] + sine * later[..., 2]
    z = cosine * later[..., 2] - sine * later[..., 0]
    root = features_BTC[:, :-1, SMPL_269.root_xz_velocity]
    height = features_BTC[..., SMPL_269.root_height].diff(dim=1)
    y = later[..., 1] + height
    moved = torch.stack([x + root[..., :1], y, z + root[..., 1:]], dim=-1)
    return moved - earlier


class TokenizerLoss(nn.Module):
    """Weighted sum of the terms; also returns them apart, by name."""

    mean_C: Tensor
    std_C: Tensor
    weight_C: Tensor

    def __init__(self, mean_C: Tensor, std_C: Tensor) -> None:
        super().__init__()
        weight_C = torch.ones_like(mean_C)
        weight_C[: SMPL_269.positions.start] += _ROOT_WEIGHT
        weight_C[SMPL_269.positions] = _REDUNDANT_WEIGHT
        weight_C[SMPL_269.velocities] = _REDUNDANT_WEIGHT
        weight_C[SMPL_269.rotations] = _ROTATION_WEIGHT
        self.register_buffer("mean_C", mean_C)
        self.register_buffer("std_C", std_C)
        self.register_buffer("weight_C", weight_C)

    def forward(
        self,
        output_BTC: Tensor,
        target_BTC: Tensor,
        valid_BT: Tensor,
        commitment: Tensor,
        batch_BT: Tensor | None = None,
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Normalised features in; frames that are not valid count nothing. batch_BT: the valid
        frames of the whole batch where these rows are a share of it (then the terms are too)."""
        batch_BT = valid_BT if batch_BT is None else batch_BT
        output_BTC = output_BTC.float()
        difference = functional.smooth_l1_loss(output_BTC, target_BTC, reduction="none")
        features = _mean((difference * self.weight_C).mean(-1), valid_BT, batch_BT)
        made, wanted = (x * self.std_C + self.mean_C for x in (output_BTC, target_BTC))
        made_joints, wanted_joints = heading_joints(made), heading_joints(wanted)
        joints = _mean(_distance(made_joints, wanted_joints).mean(-1), valid_BT, batch_BT)
        steps = _distance(foot_steps(made, made_joints), foot_steps(wanted, wanted_joints))
        feet = _mean(steps.mean(-1), valid_BT[:, 1:], batch_BT[:, 1:])
        moved = _distance(made_joints.diff(dim=1), wanted_joints.diff(dim=1))
        motion = _mean(moved.mean(-1), valid_BT[:, 1:], batch_BT[:, 1:])
        total = features + _COMMITMENT_WEIGHT * commitment + _STEP_WEIGHT * motion
        path = self._path(made, wanted, valid_BT, batch_BT)
        total = total + _JOINT_WEIGHT * joints + _FOOT_WEIGHT * feet + _PATH_WEIGHT * path
        terms = {"features": features, "joints_m": joints, "feet_m": feet, "steps_m": motion}
        return total, terms | {"path_m": path}

    def _path(
        self, made_BTC: Tensor, wanted_BTC: Tensor, valid_BT: Tensor, batch_BT: Tensor
    ) -> Tensor:
        """How far off the root arrives half a second, one and two seconds later: metres, and
        radians as metres. What it drifts in a frame is too little for the other terms to see."""
        spans = [frames for frames in _PATH_FRAMES if frames < valid_BT.shape[1]]
        if not spans:
            return made_BTC.new_zeros(())
        errors = [
            _mean(
                _distance(arrivals(made_BTC, frames), arrivals(wanted_BTC, frames)),
                valid_BT[:, frames:],
                batch_BT[:, frames:],
            )
            for frames in spans
        ]
        return torch.stack(errors).mean()


def _distance(a: Tensor, b: Tensor) -> Tensor:
    """Euclidean over the last axis, with a gradient at zero."""
    return ((a - b).square().sum(-1) + 1e-8).sqrt()


def _mean(values_BT: Tensor, valid_BT: Tensor, batch_BT: Tensor) -> Tensor:
    return (values_BT * valid_BT).sum() / batch_BT.sum().clamp(min=1)
