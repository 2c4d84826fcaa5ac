"""The files that MMM's authors publish, with their names and shapes, as small as they get."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np

from mmm_blender.common.arrays import AnyArray

CHECKPOINTS = Path(__file__).parents[1] / "data" / "mmm"
CHANNELS, CLIP_WIDTH, PLACES = 263, 24, 77
MERGES = "#version: 0.2\nw a\n"
VOCABULARY = 2 * 256 + 1 + 2  # all bytes, alone and at a word's end; the merge; begin and end


def published_files(
    folder: Path, kind: str = "full", clip_width: int = CLIP_WIDTH
) -> dict[str, str]:
    """Paths by the properties of Import Published Checkpoint; CLIP has random weights."""
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "mean.npy", np.zeros(CHANNELS))
    np.save(folder / "std.npy", np.ones(CHANNELS))
    write_clip(folder / "ViT-B-32", clip_width)
    return {
        "tokenizer": str(CHECKPOINTS / f"{kind}_vq.pth"),
        "transformer": str(CHECKPOINTS / f"{kind}_trans.pth"),
        "mean": str(folder / "mean.npy"),
        "std": str(folder / "std.npy"),
        "clip": str(folder / "ViT-B-32"),
    }


def write_clip(folder: Path, width: int) -> None:
    """A text tower of one layer, in the names of its public files."""
    folder.mkdir()
    (folder / "merges.txt").write_text(MERGES, encoding="utf-8")
    (folder / "config.json").write_text(json.dumps({"text_config": {"num_attention_heads": 1}}))
    layer = "text_model.encoder.layers.0."
    linear = [f"{layer}self_attn.{part}_proj" for part in ("q", "k", "v", "out")]
    linear += [f"{layer}mlp.fc1", f"{layer}mlp.fc2"]
    norms = [f"{layer}layer_norm1", f"{layer}layer_norm2", "text_model.final_layer_norm"]
    shapes: dict[str, tuple[int, ...]] = {
        "text_model.embeddings.token_embedding.weight": (VOCABULARY, width),
        "text_model.embeddings.position_embedding.weight": (PLACES, width),
        "text_projection.weight": (width, width),
        "visual_projection.weight": (width, width),  # of the image tower, which is left out
    }
    for name in linear:
        shapes |= {f"{name}.weight": (width, width), f"{name}.bias": (width,)}
    for name in norms:
        shapes |= {f"{name}.weight": (width,), f"{name}.bias": (width,)}
    rng = np.random.default_rng(0)
    tensors = {name: rng.standard_normal(shape, np.float32) for name, shape in shapes.items()}
    write_safetensors(folder / "model.safetensors", tensors)


def write_safetensors(path: Path, tensors: dict[str, AnyArray]) -> None:
    """A file of float32 tensors."""
    header: dict[str, object] = {}
    end = 0
    for name, values in tensors.items():
        begin, end = end, end + values.nbytes
        header[name] = {"dtype": "F32", "shape": values.shape, "data_offsets": (begin, end)}
    text = json.dumps(header).encode()
    content = b"".join(values.tobytes() for values in tensors.values())
    path.write_bytes(struct.pack("<Q", len(text)) + text + content)
