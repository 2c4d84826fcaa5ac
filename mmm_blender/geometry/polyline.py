"""Lines of straight pieces: their length, and the places along them.

Shape suffixes: N points, M places along the line, D = 2 or 3 coordinates. One unit of length
throughout.
"""

from __future__ import annotations

import re

import numpy as np

from ..common.arrays import ArrayLike, FloatArray
from .smoothing import windowed_sum

_NUMBER = r"[+-]?(?:\d{1,9}(?:\.\d{0,9})?|\.\d{1,9})"
_POINT = re.compile(rf"({_NUMBER})\s*,\s*({_NUMBER})(?:\s*,\s*({_NUMBER}))?")
_POINTS = re.compile(rf"\s*{_POINT.pattern}(?:[\s;]+{_POINT.pattern})*[\s;]*")


def points_of_text(text: str) -> FloatArray | None:
    """Points (N, 3) of "x,y x,y ..." or "x,y,z x,y,z ..."; None where it is no such list."""
    if not _POINTS.fullmatch(text):
        return None
    found = [(float(x), float(y), float(z or 0.0)) for x, y, z in _POINT.findall(text)]
    return np.array(found)


def distances(points_ND: FloatArray) -> FloatArray:
    """How far along the line each of its points lies; 0 for the first. (N,)."""
    steps = np.linalg.norm(np.diff(points_ND, axis=0), axis=-1)
    return np.concatenate([[0.0], np.cumsum(steps)])


def length(points_ND: FloatArray) -> float:
    """Length of the line; 0 for a single point."""
    return float(distances(points_ND)[-1])


def places_at(points_ND: FloatArray, along_M: ArrayLike) -> FloatArray:
    """The places that lie so far along the line; the ends beyond them. (M, D)."""
    along_N, at_M = distances(points_ND), np.asarray(along_M, dtype=np.float64)
    columns = [np.interp(at_M, along_N, column) for column in points_ND.T]
    return np.stack(columns, axis=-1)


def resampled(points_ND: FloatArray, spacing: float) -> FloatArray:
    """The line with points at equal distances of about ``spacing``; both ends stay. (M, D)."""
    total = length(points_ND)
    pieces = max(1, round(total / spacing))
    return places_at(points_ND, np.linspace(0.0, total, pieces + 1))


def smoothed(points_ND: FloatArray, spacing: float, reach: float) -> FloatArray:
    """A drawn line without the trembling of the hand; both ends stay. (M, D).

    spacing: between two points of the result. reach: standard deviation of the Gaussian that
    weighs points along the line; the line goes on beyond its ends mirrored about them, so that
    these stay where they are.
    """
    line = resampled(points_ND, spacing)
    half = min(len(line) - 1, int(np.ceil(3.0 * reach / spacing)))
    if half < 1:
        return line
    before = 2.0 * line[0] - line[half:0:-1]
    after = 2.0 * line[-1] - line[-2 : -half - 2 : -1]
    padded = np.concatenate([before, line, after])
    weights = np.exp(-0.5 * (np.arange(-half, half + 1) * spacing / reach) ** 2)
    weights /= weights.sum()
    return windowed_sum(padded, weights)
