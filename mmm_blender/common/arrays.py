"""Names of array types."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

FloatArray: TypeAlias = npt.NDArray[np.float64]


IntArray: TypeAlias = npt.NDArray[np.int64]


BoolArray: TypeAlias = npt.NDArray[np.bool_]


ArrayLike: TypeAlias = npt.ArrayLike


AnyArray: TypeAlias = npt.NDArray[Any]
