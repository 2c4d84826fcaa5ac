"""Heights of the upper joints relative to the root, as the published upper/lower model wants them.

An upper body that is coded apart from its root should not know how high the root stands. Heights
get statistics of their own (U upper joints), since they vary less than heights from the floor.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ...common.arrays import IntArray
from .layout import FeatureLayout, upper_joints

_Float = npt.NDArray[np.floating[Any]]
_XYZ, _Y = 3, 1


def upper_heights(layout: FeatureLayout) -> IntArray:
    """Channels of the upper joints' heights (U,)."""
    return layout.positions.start + _XYZ * (np.array(upper_joints(layout)) - 1) + _Y


@dataclass(frozen=True, eq=False)
class UpperHeight:
    """Both directions of the change. mean_C, std_C: statistics of the features. mean_U, std_U:
    of the relative heights, metres."""

    layout: FeatureLayout
    mean_C: _Float
    std_C: _Float
    mean_U: _Float
    std_U: _Float

    def to_relative(self, features_BTC: _Float) -> _Float:
        """Normalised features (B, T, C) to the same with the upper heights from the root."""
        at_U = upper_heights(self.layout)
        height_BTU = features_BTC[..., at_U] * self.std_C[at_U] + self.mean_C[at_U]
        relative_BTU = height_BTU - self._root_height(features_BTC)
        return self._replaced(features_BTC, (relative_BTU - self.mean_U) / self.std_U)

    def to_absolute(self, features_BTC: _Float) -> _Float:
        """The inverse of ``to_relative``."""
        at_U = upper_heights(self.layout)
        relative_BTU = features_BTC[..., at_U] * self.std_U + self.mean_U
        height_BTU = relative_BTU + self._root_height(features_BTC)
        return self._replaced(features_BTC, (height_BTU - self.mean_C[at_U]) / self.std_C[at_U])

    def _root_height(self, features_BTC: _Float) -> _Float:
        """Height of the root over the floor, metres (B, T, 1)."""
        at = self.layout.root_height
        return features_BTC[..., at] * self.std_C[at] + self.mean_C[at]

    def _replaced(self, features_BTC: _Float, height_BTU: _Float) -> _Float:
        replaced_BTC = features_BTC.copy()
        replaced_BTC[..., upper_heights(self.layout)] = height_BTU
        return replaced_BTC
