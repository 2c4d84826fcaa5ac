"""Names of tensors in published checkpoints, beside ours: the whole map of foreign names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..config import TokenizerConfig, TransformerConfig

WHOLE_ROOT = "vqvae."
"""Begins every name of the whole-body tokenizer."""

REPEATED = "trans_base.vqvae.vqvae."
"""The tokenizer within the transformer's file."""


# Ours (left) and theirs (right), both without what follows the last dot where both end in weight
# or bias. {s} stage, {s2} its place in the foreign list, {b} block in a stack, {end} the place
# behind the stages, {end2} two further on.
_ENCODER = {
    "enter": "0",
    "stages.{s}.halve": "{s2}.0",
    "stages.{s}.residual.{b}.dilated": "{s2}.1.model.{b}.conv1",
    "stages.{s}.residual.{b}.mix": "{s2}.1.model.{b}.conv2",
    "leave": "{end}",
}
_DECODER = {
    "enter": "0",
    "stages.{s}.residual.{b}.dilated": "{s2}.0.model.{b}.conv1",
    "stages.{s}.residual.{b}.mix": "{s2}.0.model.{b}.conv2",
    "stages.{s}.smooth": "{s2}.2",
    "refine": "{end}",
    "leave": "{end2}",
}
_PART = {"encoder": "encoder{suffix}.model", "decoder": "decoder{suffix}.model"}
_TRANSFORMER = {
    "special_3D": "trans_base.learn_tok_emb.weight",
    "position_SE": "trans_base.pos_embed.embed",
    "embed": "trans_base.to_emb",
    "embed_sentence": "trans_base.cond_emb",
    "embed_words": "trans_base.word_emb",
    "norm": "trans_head.ln_f",
    "heads.0": "trans_head.head",
}
_CROSS_BLOCK = {"norm_attention": "ln1", "norm_words": "ln3", "norm_mlp": "ln2"}
_SELF_BLOCK = {"norm_attention": "ln1", "norm_mlp": "ln2"}
_ANY_BLOCK = {
    "attention.query": "attn.query",
    "attention.key": "attn.key",
    "attention.value": "attn.value",
    "attention.leave": "attn.proj",
    "mlp.0": "mlp.0",
    "mlp.2": "mlp.2",
}
UNUSED = (
    r"trans_base\.vqvae\..*",  # the tokenizer once more
    r"trans_base\.pos_embedding\.weight",
    r"trans_base\.cross_att\.\d+\.attn\.mask",
)
"""Patterns of names in their files that nothing needs."""


def tokenizer_names(config: TokenizerConfig) -> Iterator[tuple[str, str]]:
    """Pairs (ours, theirs) of every tensor of the tokenizer."""
    for index, part in enumerate(config.parts):
        yield f"parts.{index}.codebooks.0.codebook_KD", foreign_codebook(part)
        for side, table in (("encoder", _ENCODER), ("decoder", _DECODER)):
            prefix = foreign_part(part)[side]
            for ours, theirs in _unrolled(table, config):
                for kind in ("weight", "bias"):
                    yield f"parts.{index}.{side}.{ours}.{kind}", f"{prefix}.{theirs}.{kind}"
    if config.upper_height_relative:
        yield "upper_height.mean_U", "mean_upper"
        yield "upper_height.std_U", "std_upper"


def _unrolled(table: Mapping[str, str], config: TokenizerConfig) -> Iterator[tuple[str, str]]:
    """The table's rows for every stage and block."""
    end = config.stages + 2
    rows: dict[str, str] = {}
    for stage in range(config.stages):
        for block in range(len(config.dilations)):
            names = {"s": stage, "s2": stage + 2, "b": block, "end": end, "end2": end + 2}
            rows |= {ours.format(**names): theirs.format(**names) for ours, theirs in table.items()}
    yield from rows.items()


def foreign_part(part: str) -> dict[str, str]:
    """Prefixes of a part's encoder and decoder."""
    whole = part == "all"
    suffix, root = ("", WHOLE_ROOT) if whole else (f"_{part}", "")
    return {side: root + template.format(suffix=suffix) for side, template in _PART.items()}


def foreign_codebook(part: str) -> str:
    """Their name of a part's codebook."""
    return f"{WHOLE_ROOT}quantizer.codebook" if part == "all" else f"quantizer_{part}.codebook"


def transformer_names(config: TransformerConfig, base_layers: int) -> Iterator[tuple[str, str]]:
    """Pairs (ours, theirs) of every tensor of the transformer."""
    rows = dict(_TRANSFORMER)
    for index in range(config.cross_layers):
        for ours, theirs in (_CROSS_BLOCK | _ANY_BLOCK).items():
            rows[f"cross.{index}.{ours}"] = f"trans_base.cross_att.{index}.{theirs}"
    for index in range(config.layers):
        in_base = index < base_layers
        home = (
            f"trans_base.blocks.{index}" if in_base else f"trans_head.blocks.{index - base_layers}"
        )
        for ours, theirs in (_SELF_BLOCK | _ANY_BLOCK).items():
            rows[f"blocks.{index}.{ours}"] = f"{home}.{theirs}"
    for ours, theirs in rows.items():
        if ours in ("special_3D", "position_SE"):
            yield ours, theirs
        else:
            yield f"{ours}.weight", f"{theirs}.weight"
            if ours != "heads.0":
                yield f"{ours}.bias", f"{theirs}.bias"
