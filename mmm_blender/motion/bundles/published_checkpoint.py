"""The authors' checkpoint files (.pth) to our networks.

The files are read without running code from them. ``published_names`` has the whole map
of foreign names; every size but the number of heads follows from the tensors' shapes.
"""

from __future__ import annotations

import io
import re
import struct
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from ...common.errors import MMMError
from ...common.untrusted import clean_text, file_bytes, is_file
from ..config import SamplerConfig, TokenizerConfig, TransformerConfig
from ..features.layout import LAYOUTS
from ..networks.quantizer import TRAINING_ONLY
from ..networks.tokenizer import Tokenizer
from ..networks.transformer import MaskedTransformer
from .published_names import (
    REPEATED,
    UNUSED,
    WHOLE_ROOT,
    foreign_codebook,
    foreign_part,
    tokenizer_names,
    transformer_names,
)
from .tensor_file import read_tensor_file

TOKENIZER_KEY, TRANSFORMER_KEY = "net", "trans"

Tensors = Mapping[str, Tensor]

_MOST_STATISTICS_BYTES = 2**20
_DILATION_GROWTH = 3  # of the published residual stacks: 9, 3, 1
_UPPER_PARTS = ("upper", "lower")  # order in the published embedding
# what reading raises at a file with changed or missing bytes
_DAMAGED = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
    zipfile.BadZipFile,
)
_MATRIX, _CONVOLUTION, _POSITIONS = 2, 3, 3  # axes of their tensors; positions have a batch axis
_FULL_STEPS, _UPPER_STEPS = 10, 20  # sampling steps for 49 tokens
_UPPER_MARK = "encoder_upper."


@dataclass(frozen=True)
class Statistics:
    """Mean and deviation (C,) that the checkpoint's features were normalised with."""

    mean_C: Tensor
    std_C: Tensor


def read_statistics(mean: Path, std: Path) -> Statistics:
    """Mean and deviation from two .npy files, float32."""
    statistics = Statistics(_read_vector(mean), _read_vector(std))
    if not (statistics.std_C > 0).all():
        raise MMMError(f"{std.name} holds deviations that are not above 0: get the file again.")
    return statistics


def read_checkpoint(path: Path, key: str) -> dict[str, Tensor]:
    """The tensors under ``key`` of a .pth file; MMMError if it wants to run code or is none."""
    if not is_file(path):
        raise MMMError(f"There is no file {path}: choose the checkpoint.")
    content = _load(path)
    if not isinstance(content, Mapping) or key not in content:
        raise MMMError(f"{path.name} has no entry '{key}': this is not that kind of checkpoint.")
    entries = cast("Mapping[str, object]", content)[key]
    if not isinstance(entries, Mapping):
        raise MMMError(
            f"The entry '{key}' of {path.name} holds no tensors by name: this is not a checkpoint "
            "that MMM knows."
        )
    named = cast("Mapping[object, object]", entries)
    tensors = {
        name: value
        for name, value in named.items()
        if isinstance(name, str) and isinstance(value, Tensor)
    }
    others = [repr(name) for name in named if name not in tensors]
    _refuse_names(path.name, "entries that are no tensors with a name", others)
    return tensors


def import_tokenizer(tensors: Tensors, statistics: Statistics) -> Tokenizer:
    """A tokenizer with the weights of a published one (whole body, or upper and lower)."""
    config = tokenizer_config(tensors)
    channels = config.feature_layout.channels
    for name, value in (("mean", statistics.mean_C), ("deviation", statistics.std_C)):
        if tuple(value.shape) != (channels,):
            raise MMMError(
                f"The {name} has the shape {tuple(value.shape)}, but the checkpoint's features "
                f"have {channels} channels: give the file that belongs to the checkpoint."
            )
    names = dict(tokenizer_names(config))
    with torch.device("meta"):  # no memory yet: the file's names may ask for any size
        _values(Tokenizer(config), tensors, names, "The tokenizer")
    tokenizer = Tokenizer(config)
    tokenizer.set_statistics(statistics.mean_C, statistics.std_C)
    tokenizer.load_state_dict(_values(tokenizer, tensors, names, "The tokenizer"), strict=False)
    return tokenizer.eval()


def import_transformer(tensors: Tensors, tokenizer: Tokenizer, heads: int) -> MaskedTransformer:
    """A transformer with the weights of a published one, for that tokenizer."""
    _check_codebooks(tensors, tokenizer)
    used = {
        name: value
        for name, value in tensors.items()
        if not any(re.fullmatch(pattern, name) for pattern in UNUSED)
    }
    config = transformer_config(used, tokenizer.config, heads)
    base_layers = _count(used, r"trans_base\.blocks\.(\d+)\.")
    names = dict(transformer_names(config, base_layers))
    with torch.device("meta"):  # as above
        model = MaskedTransformer(config, tokenizer.config, tokenizer.codebooks_PKD)
        _values(model, used, names, "The transformer")
    model = MaskedTransformer(config, tokenizer.config, tokenizer.codebooks_PKD)
    model.load_state_dict(_values(model, used, names, "The transformer"), strict=False)
    return model.eval()


def tokenizer_config(tensors: Tensors) -> TokenizerConfig:
    """All sizes of a published tokenizer, read from its tensors."""
    upper = any(name.startswith(_UPPER_MARK) for name in tensors)
    parts = _UPPER_PARTS if upper else ("all",)
    first = foreign_part(parts[0])["encoder"]
    width, _, _ = _sizes(tensors, f"{first}.0.weight", _CONVOLUTION)
    stages = _count(tensors, re.escape(first) + r"\.(\d+)\.0\.weight")
    depth = _count(tensors, re.escape(first) + r"\.2\.1\.model\.(\d+)\.conv1\.weight")
    codes, code_dim = _sizes(tensors, foreign_codebook(parts[0]), _MATRIX)
    entries = (f"{foreign_part(part)['encoder']}.0.weight" for part in parts)
    channels = sum(_sizes(tensors, name, _CONVOLUTION)[1] for name in entries)
    last = f"{foreign_part(parts[0])['decoder']}.{stages + 4}.weight"
    return TokenizerConfig(
        layout=_layout_of(channels),
        parts=parts,
        width=width,
        code_dim=code_dim,
        codes=codes,
        dilations=tuple(_DILATION_GROWTH**power for power in reversed(range(depth))),
        stages=stages,
        latent_kernel=_sizes(tensors, f"{first}.{stages + 2}.weight", _CONVOLUTION)[2],
        output_kernel=_sizes(tensors, last, _CONVOLUTION)[2],
        upper_height_relative=upper,
    )


def transformer_config(
    tensors: Tensors, tokenizer: TokenizerConfig, heads: int
) -> TransformerConfig:
    """All sizes of a published transformer, read from its tensors."""
    width, text_width = _sizes(tensors, "trans_base.cond_emb.weight", _MATRIX)
    places = _sizes(tensors, "trans_base.pos_embed.embed", _POSITIONS)[0] - 1
    mlp_width, _ = _sizes(tensors, "trans_head.blocks.0.mlp.0.weight", _MATRIX)
    base_layers = _count(tensors, r"trans_base\.blocks\.(\d+)\.")
    head_layers = _count(tensors, r"trans_head\.blocks\.(\d+)\.")
    return TransformerConfig(
        places=places,
        width=width,
        heads=heads,
        layers=base_layers + head_layers,
        cross_layers=_count(tensors, r"trans_base\.cross_att\.(\d+)\."),
        mlp_ratio=mlp_width // width,
        text_width=text_width,
        word_mask=False,
        predicted_parts=tokenizer.parts[:1],
        trained_with_guidance=False,
    )


def sampler_config(tokenizer: TokenizerConfig) -> SamplerConfig:
    """The sampler that the published model of this kind was measured with."""
    upper = tokenizer.upper_height_relative
    return SamplerConfig(
        full_length_steps=_UPPER_STEPS if upper else _FULL_STEPS, closing_step=upper
    )


def _read_vector(path: Path) -> Tensor:
    try:
        values = np.load(io.BytesIO(file_bytes(path, _MOST_STATISTICS_BYTES)), allow_pickle=False)
    except FileNotFoundError as error:
        raise MMMError(f"There is no file {path}: give the statistics of the features.") from error
    except (ValueError, EOFError, OSError) as error:
        raise MMMError(f"{path.name} is no NumPy array (.npy): get the file again.") from error
    if values.ndim != 1 or not np.isfinite(values).all():
        raise MMMError(f"{path.name} is not one row of finite numbers: get the file again.")
    return torch.from_numpy(values.astype(np.float32))


def _load(path: Path) -> object:
    """The file's dictionaries and tensors; MMMError names what else it asks for."""
    try:
        return read_tensor_file(path, lambda wanted: _runs_code(path, wanted))
    except OSError as error:
        raise MMMError(
            f"{path.name} could not be read ({error.strerror or error}): choose a file that can be."
        ) from error
    except _DAMAGED as error:
        raise _not_a_checkpoint(path) from error


def _runs_code(path: Path, wanted: str) -> MMMError:
    return MMMError(
        f"{path.name} asks to load {wanted}, which could run code on this machine, so it was "
        "refused: use a checkpoint that holds tensors only."
    )


def _not_a_checkpoint(path: Path) -> MMMError:
    return MMMError(f"{path.name} is damaged or no checkpoint of PyTorch: get the file again.")


def _check_codebooks(tensors: Tensors, tokenizer: Tokenizer) -> None:
    """The transformer repeats its tokenizer: codes of another one would mean nothing to it."""
    for part, codebook_KD in zip(tokenizer.config.parts, tokenizer.codebooks_PKD, strict=True):
        repeated = tensors.get(REPEATED + foreign_codebook(part).removeprefix(WHOLE_ROOT))
        if repeated is not None and not _same(repeated, codebook_KD):
            raise MMMError(
                "The transformer was trained with another tokenizer: give the two files of one run."
            )


def _same(ours: Tensor, theirs: Tensor) -> bool:
    return ours.shape == theirs.shape and bool((ours == theirs).all())


def _values(
    module: nn.Module, tensors: Tensors, names: Mapping[str, str], what: str
) -> dict[str, Tensor]:
    """What the module is filled with; MMMError names what is missing, unknown or misshapen."""
    _refuse_names(what, "missing tensors", set(names.values()) - set(tensors))
    _refuse_names(what, "unknown tensors", set(tensors) - set(names.values()))
    state = {name: value for name, value in module.state_dict().items() if not _is_own(name)}
    if set(names) != set(state):
        raise AssertionError(f"the name table is not complete: {set(names) ^ set(state)}")
    values = {ours: tensors[theirs] for ours, theirs in names.items()}
    if "position_SE" in values:
        values["position_SE"] = values["position_SE"].squeeze(1)  # theirs has a batch axis
    wrong = {names[ours] for ours, value in values.items() if value.shape != state[ours].shape}
    _refuse_names(what, "tensors of an unexpected shape", wrong)
    wrong = {names[ours] for ours, value in values.items() if not _is_plain(value)}
    _refuse_names(what, "tensors with other values than finite numbers", wrong)
    return values


def _is_own(name: str) -> bool:
    """Whether a published file has no such tensor: statistics, and what only training needs."""
    return name in ("mean_C", "std_C") or name.endswith(TRAINING_ONLY)


def _is_plain(value: Tensor) -> bool:
    """Whether it is a dense tensor of finite real numbers."""
    dense = value.layout is torch.strided and not value.is_quantized
    return dense and value.is_floating_point() and bool(value.isfinite().all())


def _refuse_names(what: str, kind: str, names: Iterable[str]) -> None:
    if listed := ", ".join(sorted(names)):
        raise MMMError(
            f"{what} has {kind} ({clean_text(listed)}): this is not a checkpoint that MMM knows."
        )


def _sizes(tensors: Tensors, name: str, rank: int) -> tuple[int, ...]:
    """The shape of a tensor that must be there with that many axes, none of them empty."""
    if name not in tensors:
        _refuse_names("The checkpoint", "missing tensors", [name])
    shape = tuple(tensors[name].shape)
    if len(shape) != rank or 0 in shape:
        _refuse_names("The checkpoint", "tensors of an unexpected shape", [f"{name}: {shape}"])
    return shape


def _count(tensors: Tensors, pattern: str) -> int:
    """How many different numbers stand in that place of the names."""
    found = (re.match(pattern, name) for name in tensors)
    return len({match[1] for match in found if match})


def _layout_of(channels: int) -> str:
    """The published layout with that many channels."""
    for layout in LAYOUTS.values():
        if layout.channels == channels and not layout.true_rotations:
            return layout.name
    raise MMMError(
        f"The checkpoint's features have {channels} channels, and no published layout has: "
        "only HumanML3D (263) and KIT-ML (251) can be imported."
    )
