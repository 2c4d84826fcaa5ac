"""CLIP's text tower, read from a local folder of the public ViT-B/32 files.

The sentence is the text projection at the end of text; the words are all final-layer-norm outputs,
places behind the end included, because the published motion models were trained to look at them.
Shapes: B prompts, W token places, D width, C projected width, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from ....common.errors import MMMError
from ...text import TextFeatures
from ...text.byte_pair import BytePairTokenizer
from ...text.files import read_json
from ..weights import load_weights, read_tensors
from .blocks import Block, quick_gelu

WEIGHTS_FILES = ("model.safetensors", "open_clip_model.safetensors")
CONFIG_FILE = "config.json"
# The released tokenizer fills the places behind the end with zeros.
PAD_ID = 0
# Every CLIP text tower splits its width into heads of this size.
HEAD_WIDTH = 64
ADVICE = "choose the folder that holds CLIP ViT-B/32's files."

State = dict[str, Tensor]


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
    def of_state(cls, state: Mapping[str, Tensor], heads: int | None = None) -> ClipTextConfig:
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


class ClipTextModel(nn.Module):
    """Token ids to the sentence and the words."""

    def __init__(self, config: ClipTextConfig) -> None:
        super().__init__()
        self.token_embedding = nn.Embedding(config.vocabulary, config.width)
        self.place_embedding = nn.Parameter(torch.zeros(config.max_tokens, config.width))
        self.blocks = nn.ModuleList(
            Block(config.width, config.heads, config.mlp_width, quick_gelu)
            for _ in range(config.layers)
        )
        self.norm = nn.LayerNorm(config.width)
        self.projection = nn.Linear(config.width, config.projected_width, bias=False)

    def forward(self, ids_BW: Tensor, end_B: Tensor) -> tuple[Tensor, Tensor]:
        """``end_B`` is each prompt's end-of-text place; gives (sentence_BC, words_BWD)."""
        words = ids_BW.shape[1]
        causal_WW = torch.ones(words, words, dtype=torch.bool, device=ids_BW.device).tril()
        x_BWD = self.token_embedding(ids_BW) + self.place_embedding[:words]
        for block in self.blocks:
            x_BWD = block(x_BWD, causal_WW)
        x_BWD = self.norm(x_BWD)
        rows_B = torch.arange(len(ids_BW), device=ids_BW.device)
        return self.projection(x_BWD[rows_B, end_B]), x_BWD


class ClipTextEncoder:
    """Prompts to the features that the published motion models were trained on."""

    def __init__(
        self,
        model: ClipTextModel,
        config: ClipTextConfig,
        tokenizer: BytePairTokenizer,
        device: torch.device | str,
    ) -> None:
        self.model = model.eval().float().requires_grad_(False).to(device)
        self.config = config
        self.tokenizer = tokenizer
        self._device = torch.device(device)

    @classmethod
    def load(cls, folder: Path, device: torch.device | str = "cpu") -> ClipTextEncoder:
        """Read weights and merges of CLIP ViT-B/32 from a folder."""
        if not folder.is_dir():
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
        model = ClipTextModel(config)
        load_weights(model, state, folder, ADVICE)
        return cls(model, config, tokenizer, device)

    @property
    def width(self) -> int:
        """C, the channels of the sentence and of every word."""
        return self.config.projected_width

    def tokenize(self, prompts: Sequence[str]) -> Tensor:
        """Give (B, W) ids, always W = the tower's places, zeros behind the end of text."""
        ids_BW = torch.full((len(prompts), self.config.max_tokens), PAD_ID, dtype=torch.long)
        for row, prompt in enumerate(prompts):
            ids = self.tokenizer.encode(prompt, self.config.max_tokens)
            ids_BW[row, : len(ids)] = torch.tensor(ids)
        return ids_BW

    @torch.no_grad()
    def encode(self, prompts: Sequence[str]) -> TextFeatures:
        """Encode B prompts; what does not fit the tower's places is not read."""
        ids_BW = self.tokenize(prompts).to(self._device)
        # The first one: a prompt may spell the end of text itself.
        end_B = (ids_BW == self.tokenizer.end_id).int().argmax(dim=1)
        places_W = torch.arange(ids_BW.shape[1], device=self._device)
        sentence_BC, words_BWD = self.model(ids_BW, end_B)
        return TextFeatures(sentence_BC, words_BWD, places_W <= end_B[:, None])


def text_state(stored: Mapping[str, Tensor]) -> State:
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


def _from_transformers(stored: Mapping[str, Tensor]) -> State:
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
            joined = torch.cat([_taken(stored, name) for name in names])
            state[f"blocks.{layer}.query_key_value.{kind}"] = joined
    return state


def _from_openai(stored: Mapping[str, Tensor]) -> State:
    state = {
        "token_embedding.weight": stored["token_embedding.weight"],
        "place_embedding": _taken(stored, "positional_embedding"),
        "norm.weight": stored["ln_final.weight"],
        "norm.bias": _taken(stored, "ln_final.bias"),
        # Stored for x @ projection, the transpose of a linear layer's weight.
        "projection.weight": _taken(stored, "text_projection").T.contiguous(),
    }
    state.update(_renamed_blocks(stored, "transformer.resblocks.", OPENAI_BLOCK))
    return state


def _renamed_blocks(stored: Mapping[str, Tensor], prefix: str, names: Mapping[str, str]) -> State:
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


def _taken(stored: Mapping[str, Tensor], name: str) -> Tensor:
    if name not in stored:
        raise MMMError(f"The CLIP weights lack {name}: {ADVICE}")
    return stored[name]


def _read_weights(folder: Path) -> State:
    path = next((folder / name for name in WEIGHTS_FILES if (folder / name).is_file()), None)
    if path is None:
        raise MMMError(f"The folder {folder} has no {WEIGHTS_FILES[0]}: {ADVICE}")
    return read_tensors(path, ADVICE)


def _configured_heads(folder: Path) -> int | None:
    """Look for the number of heads in a transformers config; the tensors cannot tell it."""
    path = folder / CONFIG_FILE
    if not path.is_file():
        return None
    config = read_json(path, ADVICE)
    section = config.get("text_config", config)
    heads = section.get("num_attention_heads") if isinstance(section, dict) else None
    return heads if isinstance(heads, int) else None
