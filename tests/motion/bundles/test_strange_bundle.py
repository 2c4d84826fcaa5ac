"""A bundle that somebody made to harm: sizes, files and texts that no bundle has."""

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from mmm_blender.common.errors import MMMError
from mmm_blender.motion.bundles.bundle import read_config
from mmm_blender.motion.bundles.published_checkpoint import (
    TOKENIZER_KEY,
    TRANSFORMER_KEY,
    import_tokenizer,
    import_transformer,
)
from mmm_blender.motion.loaded_bundle import load_bundle
from mmm_blender.motion.runtime.opening import open_text_encoder
from tests.limits import peak_memory
from tests.motion.bundles.test_bundle import edit_config
from tests.motion.bundles.test_published_checkpoint import HEADS, STATISTICS, tensors

BILLION = 10**9
SECONDS = 10.0  # of the processor

SIZES: list[tuple[str, str, object]] = [
    *[("tokenizer", name, BILLION) for name in ("width", "code_dim", "codes", "stages")],
    *[("tokenizer", name, 2**13) for name in ("width", "code_dim", "codes")],
    ("tokenizer", "stages", 8),
    ("tokenizer", "dilations", [BILLION]),
    ("tokenizer", "dilations", [1] * 10_000),
    ("tokenizer", "codebooks", [BILLION, 1]),
    ("tokenizer", "latent_kernel", BILLION + 1),
    *[
        ("transformer", n, BILLION)
        for n in ("places", "width", "layers", "text_width", "mlp_ratio")
    ],
    *[("transformer", name, 2**14) for name in ("places", "width", "text_width")],
    ("transformer", "layers", 256),
    ("transformer", "cross_layers", BILLION),
    ("sampler", "full_length_steps", BILLION),
    ("sampler", "revisions", BILLION),
]


@pytest.mark.parametrize(("section", "name", "value"), SIZES)
def test_sizes_that_the_files_do_not_have_are_refused_before_they_are_built(
    tiny_bundle: Path, section: str, name: str, value: object
):
    """Before: a worker of 8 GB, or one that never answers."""
    edit_config(tiny_bundle, lambda values: values[section].update({name: value}))
    start = time.process_time()
    with peak_memory() as peak, pytest.raises(MMMError):
        load_bundle(tiny_bundle)
    assert peak.megabytes < 100 and time.process_time() - start < SECONDS


def _renamed(values: dict[str, Any], name: str) -> None:
    values["files"][name] = values["files"].pop("tokenizer.safetensors")


@pytest.mark.parametrize("name", ["../tokenizer.safetensors", "/etc/passwd", "a\0b", "\ud800", ""])
def test_files_outside_the_folder_are_refused(tiny_bundle: Path, name: str):
    (tiny_bundle.parent / "tokenizer.safetensors").write_bytes(b"")
    edit_config(tiny_bundle, lambda values: _renamed(values, name))
    with pytest.raises(MMMError) as raised:
        load_bundle(tiny_bundle)
    str(raised.value).encode()


def _link_to(target: str) -> Callable[[Path], object]:
    return lambda path: path.symlink_to(target)


MAKERS: Mapping[str, Callable[[Path], object]] = {
    "pipe": os.mkfifo,
    "zeros": _link_to("/dev/zero"),
    "outside": _link_to("/etc/hostname"),
    "circle": lambda path: path.symlink_to(path),
    "folder": lambda path: path.mkdir(),
}


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")
@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("name", ["config.json", "tokenizer.safetensors"])
def test_files_that_are_no_files_are_refused(tiny_bundle: Path, kind: str, name: str):
    (tiny_bundle / name).unlink()
    MAKERS[kind](tiny_bundle / name)
    with peak_memory() as peak, pytest.raises(MMMError):
        load_bundle(tiny_bundle)
    assert peak.megabytes < 100


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        '{"version": ' + "9" * 5_000 + "}",
        '{"version": NaN}',
        '{"version": 1e999}',
        '{"name": "\\ud800"}',
        '{"name": "\\u0000"}',
        '{"version": "' + "x" * 2**20 + '"}',
        " " * 2**21,
    ],
)
def test_json_that_no_config_is_made_of_is_one_sentence(tiny_bundle: Path, text: str):
    (tiny_bundle / "config.json").write_text(text, "utf-8")
    with pytest.raises(MMMError) as raised:
        read_config(tiny_bundle)
    assert len(str(raised.value)) < 600


def test_a_text_folder_outside_is_refused(tiny_bundle: Path):
    for folder in ("..", "/etc", "../other"):
        with pytest.raises(MMMError, match="outside its own"):
            open_text_encoder(tiny_bundle, {"kind": "student", "folder": folder})


def test_a_checkpoint_of_a_hundred_thousand_blocks_is_refused():
    """Before: a network as deep as the names say."""
    tokenizer = import_tokenizer(tensors("full", TOKENIZER_KEY), STATISTICS)
    named = dict(tensors("full", TRANSFORMER_KEY))
    small = next(iter(named.values()))[:1].flatten()[:1]
    named |= {f"trans_head.blocks.{block}.ln1.weight": small for block in range(100, 100_100)}
    start = time.process_time()
    with pytest.raises(MMMError) as raised:
        import_transformer(named, tokenizer, HEADS)
    assert len(str(raised.value)) < 600 and time.process_time() - start < SECONDS
