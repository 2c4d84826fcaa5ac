"""Heights of the upper joints relative to the root, as the published upper/lower model wants them.

An upper body that is coded apart from its root should not know how high the root stands. Heights
get statistics of their own (U upper joints), since they vary less than heights from the floor.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ...geometry.skeleton import UPPER_JOINTS
from ..features.layout import FeatureLayout

_XYZ = 3
_Y = 1


class UpperHeight(nn.Module):
    """Both directions of the change. ``mean_U`` and ``std_U`` are theirs, metres."""

    heights_U: Tensor
    mean_U: Tensor
    std_U: Tensor

    def __init__(self, layout: FeatureLayout) -> None:
        super().__init__()
        joints = torch.tensor([joint for joint in UPPER_JOINTS if joint < layout.joints])
        self._root = layout.root_height.start
        heights_U = layout.positions.start + _XYZ * (joints - 1) + _Y
        self.register_buffer("heights_U", heights_U, persistent=False)
        self.register_buffer("mean_U", torch.zeros(len(joints)))
        self.register_buffer("std_U", torch.ones(len(joints)))

    def to_relative(self, features_BTC: Tensor, mean_C: Tensor, std_C: Tensor) -> Tensor:
        """Normalised features (B, T, C) to the same with the upper heights from the root."""
        root_BT1 = self._root_height(features_BTC, mean_C, std_C)
        height_BTU = features_BTC[..., self.heights_U] * std_C[self.heights_U]
        relative_BTU = height_BTU + mean_C[self.heights_U] - root_BT1
        return self._replace(features_BTC, (relative_BTU - self.mean_U) / self.std_U)

    def to_absolute(self, features_BTC: Tensor, mean_C: Tensor, std_C: Tensor) -> Tensor:
        """The inverse of ``to_relative``."""
        root_BT1 = self._root_height(features_BTC, mean_C, std_C)
        relative_BTU = features_BTC[..., self.heights_U] * self.std_U + self.mean_U
        height_BTU = relative_BTU + root_BT1
        normal_BTU = (height_BTU - mean_C[self.heights_U]) / std_C[self.heights_U]
        return self._replace(features_BTC, normal_BTU)

    def _root_height(self, features_BTC: Tensor, mean_C: Tensor, std_C: Tensor) -> Tensor:
        """Height of the root over the floor, metres (B, T, 1)."""
        at = self._root
        return features_BTC[..., at : at + 1] * std_C[at] + mean_C[at]

    def _replace(self, features_BTC: Tensor, height_BTU: Tensor) -> Tensor:
        replaced_BTC = features_BTC.clone()
        replaced_BTC[..., self.heights_U] = height_BTU
        return replaced_BTC
