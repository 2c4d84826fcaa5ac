"""The files of CLIP's text tower: a local folder of the public ViT-B/32 files.

Shapes: B prompts, W token places, D width, C projected width, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...common.arrays import AnyArray, IntArray
from ...common.errors import MMMError
from ...common.untrusted import is_folder
from ..weight_files import check_arrays, read_arrays
from .byte_pair import BytePairTokenizer
from .files import read_json

WEIGHTS_FILES = ("model.safetensors", "open_clip_model.safetensors")
CONFIG_FILE = "config.json"
# The released tokenizer fills the places behind the end with zeros.
PAD_ID = 0
# Every CLIP text tower splits its width into heads of this size.
HEAD_WIDTH = 64
ADVICE = "choose the folder that holds CLIP ViT-B/32's files."

State = dict[str, AnyArray]


@dataclass(frozen=True)
class ClipTextConfig:
    """Sizes of a text tower; all but the heads follow from the tensors."""

    vocabulary: int
    max_tokens: int
    width: int
    projected_width: int
    layers: int
    mlp_width: int
    heads: int

    @classmethod
    def of_state(cls, state: Mapping[str, AnyArray], heads: int | None = None) -> ClipTextConfig:
        """Read the sizes off a state in our own names."""
        vocabulary, width = state["token_embedding.weight"].shape
        layers = len({name.split(".")[1] for name in state if name.startswith("blocks.")})
        return cls(
            vocabulary=vocabulary,
            max_tokens=state["place_embedding"].shape[0],
            width=width,
            projected_width=state["projection.weight"].shape[0],
            layers=layers,
            mlp_width=_taken(state, "blocks.0.mlp_in.weight").shape[0],
            heads=heads or max(1, width // HEAD_WIDTH),
        )

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Of all its tensors."""
        width, middle = self.width, self.mlp_width
        shapes: dict[str, tuple[int, ...]] = {
            "token_embedding.weight": (self.vocabulary, width),
            "place_embedding": (self.max_tokens, width),
            "projection.weight": (self.projected_width, width),
            "norm.weight": (width,),
            "norm.bias": (width,),
        }
        for layer in range(self.layers):
            block = f"blocks.{layer}"
            for name, inputs, outputs in (
                ("query_key_value", width, 3 * width),
                ("attention_out", width, width),
                ("mlp_in", width, middle),
                ("mlp_out", middle, width),
            ):
                shapes[f"{block}.{name}.weight"] = (outputs, inputs)
                shapes[f"{block}.{name}.bias"] = (outputs,)
            for name in ("norm_attention", "norm_mlp"):
                shapes[f"{block}.{name}.weight"] = shapes[f"{block}.{name}.bias"] = (width,)
        return shapes


@dataclass(frozen=True, eq=False)
class ClipFiles:
    """A text tower as read from its folder, in our own names."""

    config: ClipTextConfig
    tokenizer: BytePairTokenizer
    weights: State

    def tokenize(self, prompts: Sequence[str]) -> IntArray:
        """Give (B, W) ids, always W = the tower's places, zeros behind the end of text."""
        places = self.config.max_tokens
        ids_BW = np.full((len(prompts), places), PAD_ID, dtype=np.int64)
        for row, prompt in enumerate(prompts):
            ids = self.tokenizer.encode(prompt, places)
            ids_BW[row, : len(ids)] = ids
        return ids_BW


def read_clip(folder: Path) -> ClipFiles:
    """Read weights and merges of CLIP ViT-B/32 from a folder."""
    if not is_folder(folder):
        raise MMMError(f"The CLIP folder {folder} does not exist: {ADVICE}")
    tokenizer = BytePairTokenizer.from_folder(folder)
    state = text_state(_read_weights(folder))
    config = ClipTextConfig.of_state(state, _configured_heads(folder))
    if len(tokenizer) != config.vocabulary:
        raise MMMError(
            f"The CLIP weights in {folder} know {config.vocabulary} tokens and the tokenizer "
            f"files make {len(tokenizer)}: {ADVICE}"
        )
    if config.width != config.projected_width:
        raise MMMError(
            f"The CLIP in {folder} gives words of {config.width} numbers and sentences of "
            f"{config.projected_width}, and ViT-B/32 gives both alike: {ADVICE}"
        )
    check_arrays(config.shapes, state, folder, ADVICE)
    return ClipFiles(config, tokenizer, state)


def text_state(stored: Mapping[str, AnyArray]) -> State:
    """Bring the public names to ours; the image tower's tensors are left out."""
    if "text_model.embeddings.token_embedding.weight" in stored:
        return _from_transformers(stored)
    if "token_embedding.weight" in stored and "ln_final.weight" in stored:
        return _from_openai(stored)
    raise MMMError(f"The CLIP weights hold no text tower in a known layout: {ADVICE}")


TRANSFORMERS_BLOCK = {
    "self_attn.out_proj": "attention_out",
    "layer_norm1": "norm_attention",
    "layer_norm2": "norm_mlp",
    "mlp.fc1": "mlp_in",
    "mlp.fc2": "mlp_out",
}
OPENAI_BLOCK = {
    "attn.in_proj_": "query_key_value.",
    "attn.out_proj": "attention_out",
    "ln_1": "norm_attention",
    "ln_2": "norm_mlp",
    "mlp.c_fc": "mlp_in",
    "mlp.c_proj": "mlp_out",
}


def _from_transformers(stored: Mapping[str, AnyArray]) -> State:
    prefix = "text_model.encoder.layers."
    state = {
        "token_embedding.weight": stored["text_model.embeddings.token_embedding.weight"],
        "place_embedding": _taken(stored, "text_model.embeddings.position_embedding.weight"),
        "norm.weight": _taken(stored, "text_model.final_layer_norm.weight"),
        "norm.bias": _taken(stored, "text_model.final_layer_norm.bias"),
        "projection.weight": _taken(stored, "text_projection.weight"),
    }
    state.update(_renamed_blocks(stored, prefix, TRANSFORMERS_BLOCK))
    for layer in {name[len(prefix) :].split(".")[0] for name in stored if name.startswith(prefix)}:
        for kind in ("weight", "bias"):
            names = [f"{prefix}{layer}.self_attn.{part}_proj.{kind}" for part in "qkv"]
            joined = np.concatenate([_taken(stored, name) for name in names])
            state[f"blocks.{layer}.query_key_value.{kind}"] = joined
    return state


def _from_openai(stored: Mapping[str, AnyArray]) -> State:
    state = {
        "token_embedding.weight": stored["token_embedding.weight"],
        "place_embedding": _taken(stored, "positional_embedding"),
        "norm.weight": stored["ln_final.weight"],
        "norm.bias": _taken(stored, "ln_final.bias"),
        # Stored for x @ projection, the transpose of a linear layer's weight.
        "projection.weight": _taken(stored, "text_projection").T,
    }
    state.update(_renamed_blocks(stored, "transformer.resblocks.", OPENAI_BLOCK))
    return state


def _renamed_blocks(stored: Mapping[str, AnyArray], prefix: str, names: Mapping[str, str]) -> State:
    """Pick the tensors of all blocks whose names ``names`` translates."""
    state: State = {}
    for name, value in stored.items():
        if not name.startswith(prefix):
            continue
        layer, _, inner = name[len(prefix) :].partition(".")
        theirs = next((known for known in names if inner.startswith(known)), None)
        if theirs is not None:
            state[f"blocks.{layer}.{names[theirs]}{inner[len(theirs) :]}"] = value
    return state


def _taken(stored: Mapping[str, AnyArray], name: str) -> AnyArray:
    if name not in stored:
        raise MMMError(f"The CLIP weights lack {name}: {ADVICE}")
    return stored[name]


def _read_weights(folder: Path) -> State:
    path = next((folder / name for name in WEIGHTS_FILES if (folder / name).is_file()), None)
    if path is None:
        raise MMMError(f"The folder {folder} has no {WEIGHTS_FILES[0]}: {ADVICE}")
    return read_arrays(path, ADVICE)


def _configured_heads(folder: Path) -> int | None:
    """Look for the number of heads in a transformers config; the tensors cannot tell it."""
    path = folder / CONFIG_FILE
    if not path.is_file():
        return None
    config = read_json(path, ADVICE)
    section = config.get("text_config", config)
    heads = section.get("num_attention_heads") if isinstance(section, dict) else None
    return heads if isinstance(heads, int) else None
