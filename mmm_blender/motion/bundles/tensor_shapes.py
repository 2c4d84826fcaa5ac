"""Names and shapes of the tensors that a bundle's networks consist of, from its config alone.

What torch's modules in ``networks`` would have as parameters and buffers, without torch; a test
holds the two against each other.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..config import PATH_FEATURES, TokenizerConfig, TransformerConfig
from ..features.layout import upper_joints

Shapes = dict[str, tuple[int, ...]]

_KERNEL = 3
_HALVING_KERNEL = 4
_SPECIAL_TOKENS = 3


def tokenizer_shapes(config: TokenizerConfig) -> Shapes:
    """Of ``tokenizer.safetensors``."""
    layout = config.feature_layout
    shapes: Shapes = {"mean_C": (layout.channels,), "std_C": (layout.channels,)}
    if config.upper_height_relative:
        joints = len(upper_joints(layout))
        shapes |= {"upper_height.mean_U": (joints,), "upper_height.std_U": (joints,)}
    for index, (part, count) in enumerate(config.part_codebooks.items()):
        at, channels = f"parts.{index}", len(layout.part_channels(part))
        latent = count * config.code_dim
        for book in range(count):
            shapes[f"{at}.codebooks.{book}.codebook_KD"] = (config.codes, config.code_dim)
        shapes |= _encoder(f"{at}.encoder", channels, latent, config)
        shapes |= _decoder(f"{at}.decoder", channels, latent, config)
    return shapes


def transformer_shapes(config: TransformerConfig, tokenizer: TokenizerConfig) -> Shapes:
    """Of ``transformer.safetensors``."""
    width = config.width
    shapes: Shapes = {
        "position_SE": (config.places + 1, width),
        "special_3D": (_SPECIAL_TOKENS, tokenizer.code_dim),
        **_linear("embed", len(tokenizer.columns) * tokenizer.code_dim, width),
        **_linear("embed_sentence", config.text_width, width),
        **_linear("embed_words", config.text_width, width),
        **_norm("norm", width),
    }
    if config.trained_with_guidance:
        shapes["no_text_C"] = (config.text_width,)
    if config.path_condition:
        shapes |= _linear("embed_path.hidden", PATH_FEATURES, width)
        shapes |= _linear("embed_path.out", width, width)
    for layer in range(config.cross_layers):
        shapes |= _block(f"cross.{layer}", config) | _norm(f"cross.{layer}.norm_words", width)
    for layer in range(config.layers):
        shapes |= _block(f"blocks.{layer}", config)
    for column in range(len(predicted_columns(config, tokenizer))):
        shapes[f"heads.{column}.weight"] = (tokenizer.codes, width)
    return shapes


def predicted_columns(config: TransformerConfig, tokenizer: TokenizerConfig) -> list[int]:
    """Columns of the grid that have a logit head."""
    predicted = config.predicted_parts or tokenizer.parts
    return [column for column, part in enumerate(tokenizer.columns) if part in predicted]


def _block(name: str, config: TransformerConfig) -> Shapes:
    width, middle = config.width, config.width * config.mlp_ratio
    shapes = _norm(f"{name}.norm_attention", width) | _norm(f"{name}.norm_mlp", width)
    for kind in ("query", "key", "value", "leave"):
        shapes |= _linear(f"{name}.attention.{kind}", width, width)
    return (
        shapes | _linear(f"{name}.mlp.0", width, middle) | _linear(f"{name}.mlp.2", middle, width)
    )


def _encoder(name: str, channels: int, latent: int, config: TokenizerConfig) -> Shapes:
    width = config.width
    shapes = _convolution(f"{name}.enter", channels, width, _KERNEL)
    for stage in range(config.stages):
        shapes |= _convolution(f"{name}.stages.{stage}.halve", width, width, _HALVING_KERNEL)
        shapes |= dict(_residuals(f"{name}.stages.{stage}", config))
    return shapes | _convolution(f"{name}.leave", width, latent, config.latent_kernel)


def _decoder(name: str, channels: int, latent: int, config: TokenizerConfig) -> Shapes:
    width = config.width
    shapes = _convolution(f"{name}.enter", latent, width, config.latent_kernel)
    for stage in range(config.stages):
        shapes |= dict(_residuals(f"{name}.stages.{stage}", config))
        shapes |= _convolution(f"{name}.stages.{stage}.smooth", width, width, _KERNEL)
    shapes |= _convolution(f"{name}.refine", width, width, _KERNEL)
    return shapes | _convolution(f"{name}.leave", width, channels, config.output_kernel)


def _residuals(stage: str, config: TokenizerConfig) -> Iterator[tuple[str, tuple[int, ...]]]:
    width = config.width
    for index, dilation in enumerate(config.dilations):
        block = f"{stage}.residual.{index}"
        kernel = _KERNEL if dilation else 1
        yield from _convolution(f"{block}.dilated", width, width, kernel).items()
        yield from _convolution(f"{block}.mix", width, width, 1).items()


def _convolution(name: str, inputs: int, outputs: int, kernel: int) -> Shapes:
    return {f"{name}.weight": (outputs, inputs, kernel), f"{name}.bias": (outputs,)}


def _linear(name: str, inputs: int, outputs: int) -> Shapes:
    return {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}


def _norm(name: str, width: int) -> Shapes:
    return {f"{name}.weight": (width,), f"{name}.bias": (width,)}
