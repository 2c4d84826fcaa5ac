"""Weights on their way home from a machine that gives little back: small files, whole or not there.

Parameters are rounded to bfloat16 and their high and low bytes deflated apart: the high byte (sign
and exponent) hardly varies, so 16 bits become about 11. Buffers (codebooks, statistics) stay
float32. A pack is cut into numbered parts.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ...common.atomic_files import replacing
from ...common.errors import MMMError

PART_BYTES = 15_000_000
_LEVEL = 6
_HEADER_BYTES = 8  # length of the JSON header, little endian


@dataclass(frozen=True, eq=False)
class Pack:
    """notes: plain values (configs, figures). states: of each network, by name."""

    notes: dict[str, Any]
    states: dict[str, dict[str, Tensor]]


def state_of(module: nn.Module) -> dict[str, tuple[Tensor, bool]]:
    """The module's tensors on the CPU, and which are parameters."""
    learnt = {name for name, _ in module.named_parameters()}
    state = module.state_dict()
    return {name: (value.detach().cpu(), name in learnt) for name, value in state.items()}


def write_pack(
    folder: Path,
    name: str,
    notes: Mapping[str, Any],
    states: Mapping[str, Mapping[str, tuple[Tensor, bool]]],
) -> list[Path]:
    """Write NAME.0.pack and so on, each whole; returns the paths."""
    table: list[dict[str, Any]] = []
    chunks: list[bytes] = []
    for network, state in states.items():
        for key, (value, learnt) in state.items():
            pieces = _deflated(value, learnt)
            sizes = [len(piece) for piece in pieces]
            kind = "bfloat16" if learnt else str(value.dtype).removeprefix("torch.")
            table.append(
                {"network": network, "key": key, "shape": list(value.shape), "kind": kind}
                | {"sizes": sizes}
            )
            chunks += pieces
    header = json.dumps({"notes": dict(notes), "tensors": table}).encode()
    content = len(header).to_bytes(_HEADER_BYTES, "little") + header + b"".join(chunks)
    return _write_parts(folder, name, content)


def _deflated(value: Tensor, learnt: bool) -> list[bytes]:
    if not learnt:
        return [zlib.compress(value.contiguous().numpy().tobytes(), _LEVEL)]
    bits = value.to(torch.bfloat16).contiguous().view(torch.int16).numpy().view(np.uint16)
    planes = ((bits >> 8).astype(np.uint8), (bits & 0xFF).astype(np.uint8))
    return [zlib.compress(plane.tobytes(), _LEVEL) for plane in planes]


def _write_parts(folder: Path, name: str, content: bytes) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    paths: list[Path] = []
    for at, start in enumerate(range(0, len(content), PART_BYTES)):
        path = folder / f"{name}.{at}.pack"
        with replacing(path) as part:
            part.write_bytes(content[start : start + PART_BYTES])
        paths.append(path)
    return paths


def read_pack(folder: Path, name: str) -> Pack:
    """Put a pack together; MMMError where parts are missing or of two packs."""
    parts = sorted(folder.glob(f"{name}.*.pack"), key=lambda path: int(path.suffixes[-2][1:]))
    if not parts:
        raise MMMError(f"{folder} holds no parts of {name}: fetch what the training gave back.")
    content = b"".join(part.read_bytes() for part in parts)
    length = int.from_bytes(content[:_HEADER_BYTES], "little")
    try:
        header = json.loads(content[_HEADER_BYTES : _HEADER_BYTES + length])
        return _unpacked(header, content[_HEADER_BYTES + length :])
    except (ValueError, zlib.error) as error:
        raise MMMError(
            f"The parts of {name} in {folder} do not fit together: fetch all of one run."
        ) from error


def _unpacked(header: dict[str, Any], content: bytes) -> Pack:
    states: dict[str, dict[str, Tensor]] = {}
    at = 0
    for row in header["tensors"]:
        pieces: list[bytes] = []
        for size in row["sizes"]:
            pieces.append(zlib.decompress(content[at : at + size]))
            at += size
        states.setdefault(row["network"], {})[row["key"]] = _inflated(row, pieces)
    return Pack(header["notes"], states)


def _inflated(row: dict[str, Any], pieces: list[bytes]) -> Tensor:
    kind = getattr(torch, row["kind"])
    if row["kind"] != "bfloat16":
        flat = torch.frombuffer(bytearray(pieces[0]), dtype=kind) if pieces[0] else torch.empty(0)
        return flat.view(row["shape"]).to(kind)
    high, low = (np.frombuffer(piece, dtype=np.uint8).astype(np.uint16) for piece in pieces)
    bits = torch.from_numpy(((high << 8) | low).view(np.int16).copy())
    return bits.view(torch.bfloat16).float().view(row["shape"])
