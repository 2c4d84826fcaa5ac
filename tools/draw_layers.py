"""Draws docs/layers.svg, the layers of the package, from the table that the tests hold it to.

    python tools/draw_layers.py [--check]

A box is a layer. It may import what its lines lead down to, and what these may import. --check
writes nothing: it fails where the picture is not that of the table.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from html import escape
from pathlib import Path

TOOLS = Path(__file__).resolve().parent
sys.path.insert(0, str(TOOLS.parent))

from _dev import program  # noqa: E402

from mmm_blender.common.atomic_files import write_files  # noqa: E402
from mmm_blender.common.errors import MMMError  # noqa: E402
from tests.test_dependency_rule import LAYERS  # noqa: E402

PICTURE = TOOLS.parent / "docs" / "layers.svg"

_BOX_WIDTH, _BOX_HEIGHT, _ROW_HEIGHT, _GAP, _MARGIN = 118, 26, 62, 14, 20
_COLOURS = {
    "common": "#d9d9d9",
    "prompts": "#d9d9d9",
    "geometry": "#cfe8cf",
    "smpl_model": "#cfe8cf",
    "motion": "#cfdff5",
    "training": "#e3d5f0",
    "worker": "#fbe3c4",
    "blender": "#f8d0c4",
    "batch": "#f4f0b8",
    "dataset": "#e3d5f0",
}
"""Of the layers by their first folder, in the order in which a row has them."""

_BELOW: Mapping[str, frozenset[str]] = {
    layer.name: frozenset(layer.inside) for layer in LAYERS if layer.inside or layer.outside
}
"""Every layer that holds modules, and what it may import."""


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description="Draw the layers of the package.")
    parser.add_argument("--check", action="store_true", help="write nothing, say if it is old")
    picture = drawn_layers()
    if parser.parse_args().check:
        if not PICTURE.is_file() or PICTURE.read_text(encoding="utf-8") != picture:
            raise MMMError(f"{PICTURE.name} is old: run tools/draw_layers.py.")
        return 0
    write_files({PICTURE: picture.encode()})
    return 0


def drawn_layers() -> str:
    """The picture as SVG."""
    rows = _rows()
    width = max(map(len, rows)) * (_BOX_WIDTH + _GAP) - _GAP + 2 * _MARGIN
    height = len(rows) * _ROW_HEIGHT - (_ROW_HEIGHT - _BOX_HEIGHT) + 2 * _MARGIN
    places = dict(_places(rows, width, height))
    lines = [_line(places, name, below) for name in places for below in _direct(name)]
    boxes = [_box(name, *place) for name, place in places.items()]
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" font-family="sans-serif" font-size="11">'
    )
    background = f'<rect width="{width}" height="{height}" fill="white"/>'
    return "\n".join([head, background, *lines, *boxes, "</svg>"]) + "\n"


def _rows() -> list[list[str]]:
    """Names of the layers by their height above the ground, the lowest first."""
    order = list(_COLOURS)
    rows: list[list[str]] = [[] for _ in range(max(map(_level, _BELOW)) + 1)]
    for name in _BELOW:
        rows[_level(name)].append(name)
    return [sorted(row, key=lambda name: order.index(_folder(name))) for row in rows]


@cache
def _level(name: str) -> int:
    return 1 + max((_level(below) for below in _BELOW.get(name, ())), default=-1)


@cache
def _reach(name: str) -> frozenset[str]:
    """All that a layer may import, also through others."""
    below = _BELOW.get(name, frozenset())
    return below.union(*(_reach(each) for each in below))


def _direct(name: str) -> list[str]:
    """What a layer may import and none of the layers that it may import may."""
    below = _BELOW[name] & _BELOW.keys()
    return sorted(below - frozenset[str]().union(*(_reach(each) for each in below)))


def _places(
    rows: list[list[str]], width: int, height: int
) -> Iterator[tuple[str, tuple[float, float]]]:
    """Left upper corners of the boxes, the lowest row at the bottom, each row in the middle."""
    for level, row in enumerate(rows):
        left = (width - len(row) * (_BOX_WIDTH + _GAP) + _GAP) / 2
        top = height - _MARGIN - _BOX_HEIGHT - level * _ROW_HEIGHT
        for at, name in enumerate(row):
            yield name, (left + at * (_BOX_WIDTH + _GAP), float(top))


def _line(places: Mapping[str, tuple[float, float]], above: str, below: str) -> str:
    (x1, y1), (x2, y2) = places[above], places[below]
    half = _BOX_WIDTH / 2
    return (
        f'<line x1="{x1 + half:g}" y1="{y1 + _BOX_HEIGHT:g}" x2="{x2 + half:g}" y2="{y2:g}" '
        'stroke="#999999"/>'
    )


def _box(name: str, x: float, y: float) -> str:
    label = escape(name) if name else "mmm_blender"
    return (
        f'<rect x="{x:g}" y="{y:g}" width="{_BOX_WIDTH}" height="{_BOX_HEIGHT}" rx="4" '
        f'fill="{_COLOURS[_folder(name)]}" stroke="#555555"/>'
        f'<text x="{x + _BOX_WIDTH / 2:g}" y="{y + 17:g}" text-anchor="middle">{label}</text>'
    )


def _folder(name: str) -> str:
    return name.partition(".")[0] or "blender"


if __name__ == "__main__":
    program.run(main)
