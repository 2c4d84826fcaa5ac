"""A bundle is whole and unchanged, or it is refused with a sentence that says what is wrong."""

import errno
import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from torch import Tensor

from mmm_blender.common.errors import MMMError
from mmm_blender.common.schema import to_json
from mmm_blender.motion.bundles.bundle import bundle_hash, files_of, read_config
from mmm_blender.motion.loaded_bundle import load_bundle
from mmm_blender.motion.networks.bundle_file import load_modules, save_bundle
from mmm_blender.motion.networks.quantizer import TRAINING_ONLY
from mmm_blender.motion.networks.tokenizer import Tokenizer
from mmm_blender.motion.networks.transformer import MaskedTransformer


def edit_config(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    values = json.loads((folder / "config.json").read_text("utf-8"))
    change(values)
    (folder / "config.json").write_text(json.dumps(values), "utf-8")


def edit_tensors(folder: Path, name: str, change: Callable[[dict[str, Tensor]], None]) -> None:
    """Change a weight file and its hash, as a careless tool might."""
    tensors = safetensors.torch.load_file(folder / name)
    change(tensors)
    safetensors.torch.save_file(tensors, folder / name)
    digest = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    edit_config(folder, lambda values: values["files"].update({name: digest}))


def test_what_is_saved_is_what_is_loaded(
    tiny_bundle: Path, tiny_tokenizer: Tokenizer, tiny_transformer: MaskedTransformer
):
    tokenizer, transformer = load_modules(tiny_bundle)
    for saved, loaded in ((tiny_tokenizer, tokenizer), (tiny_transformer, transformer)):
        state = loaded.state_dict()
        for name, value in saved.state_dict().items():
            if not name.endswith(TRAINING_ONLY):
                assert torch.equal(value, state[name]), name
    assert torch.equal(transformer.codebooks_PKD, tiny_tokenizer.codebooks_PKD)
    assert not tokenizer.training
    assert load_bundle(tiny_bundle).config == read_config(tiny_bundle)


def test_training_state_stays_at_home(tiny_bundle: Path):
    names = safetensors.torch.load_file(tiny_bundle / "tokenizer.safetensors")
    assert not [name for name in names if name.endswith(TRAINING_ONLY)]


def test_half_storage_halves_the_files_and_keeps_the_codebooks(
    tmp_path: Path,
    tiny_bundle: Path,
    tiny_tokenizer: Tokenizer,
    tiny_transformer: MaskedTransformer,
):
    config = read_config(tiny_bundle)
    half = replace(config, storage="float16")
    save_bundle(tmp_path / "half", half, tiny_tokenizer, tiny_transformer)
    sizes = [
        (folder / "transformer.safetensors").stat().st_size
        for folder in (tmp_path / "half", tiny_bundle)
    ]
    assert sizes[0] < 0.7 * sizes[1]
    tokenizer, transformer = load_modules(tmp_path / "half")
    assert torch.equal(tokenizer.codebooks_PKD, tiny_tokenizer.codebooks_PKD)
    weight = transformer.embed.weight
    assert weight.dtype == torch.float32
    torch.testing.assert_close(weight, tiny_transformer.embed.weight, atol=1e-3, rtol=1e-3)


def test_the_hash_stands_for_weights_and_config(
    tiny_bundle: Path, tiny_tokenizer: Tokenizer, tiny_transformer: MaskedTransformer
):
    before = load_bundle(tiny_bundle).hash
    config = read_config(tiny_bundle)
    assert before == bundle_hash(tiny_bundle)
    save_bundle(tiny_bundle, config, tiny_tokenizer, tiny_transformer)
    assert bundle_hash(tiny_bundle) == before
    renamed = replace(config, licence="other")
    save_bundle(tiny_bundle, renamed, tiny_tokenizer, tiny_transformer)
    assert bundle_hash(tiny_bundle) != before


def test_an_older_bundle_is_known_by_what_its_config_says(tiny_bundle: Path):
    """Blender reads the same hash off the file, and knows nothing of later entries' defaults."""
    path = tiny_bundle / "config.json"
    values = json.loads(path.read_text(encoding="utf-8"))
    del values["sampler"]["revisions"]
    path.write_text(json.dumps(values), encoding="utf-8")
    text = json.dumps(values, sort_keys=True).encode()
    assert load_bundle(tiny_bundle).hash == hashlib.sha256(text).hexdigest()


def test_what_it_can_make_is_written_and_checked(tiny_bundle: Path):
    limits = read_config(tiny_bundle).derived_limits
    written = json.loads((tiny_bundle / "config.json").read_text("utf-8"))["limits"]
    assert written == to_json(limits)
    edit_config(tiny_bundle, lambda values: values["limits"].update(max_seconds=99.0))
    with pytest.raises(MMMError, match="other limits than its networks"):
        load_bundle(tiny_bundle)
    edit_config(tiny_bundle, lambda values: values.pop("limits"))  # as version 0.1.0 saved it
    assert load_bundle(tiny_bundle).config.derived_limits == limits


def test_files_of_the_text_encoder_belong_to_it(
    tiny_bundle: Path, tiny_tokenizer: Tokenizer, tiny_transformer: MaskedTransformer
):
    (tiny_bundle / "text").mkdir()
    (tiny_bundle / "text" / "vocab.txt").write_text("walk\n", "utf-8")
    save_bundle(tiny_bundle, read_config(tiny_bundle), tiny_tokenizer, tiny_transformer)
    load_bundle(tiny_bundle)
    (tiny_bundle / "text" / "vocab.txt").write_text("wolk\n", "utf-8")
    with pytest.raises(MMMError, match=r"text/vocab\.txt.*hash"):
        load_bundle(tiny_bundle)


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_extra_files_are_saved_with_it(
    tmp_path: Path,
    tiny_bundle: Path,
    tiny_tokenizer: Tokenizer,
    tiny_transformer: MaskedTransformer,
):
    (tmp_path / "student" / "deep").mkdir(parents=True)
    (tmp_path / "student" / "vocab.txt").write_text("walk\n", "utf-8")
    (tmp_path / "student" / "deep" / "a.bin").write_bytes(b"a")
    (tmp_path / "student" / "vocab.txt.part").write_text("wal", "utf-8")  # of a killed save
    extra = files_of(tmp_path / "student", "text")
    config = read_config(tiny_bundle)
    saved = save_bundle(
        tiny_bundle, config, tiny_tokenizer, tiny_transformer, extra | {"text/b.bin": b"b"}
    )
    assert set(saved.files) - set(config.files) == {
        "text/vocab.txt",
        "text/deep/a.bin",
        "text/b.bin",
    }
    load_bundle(tiny_bundle)
    assert (tiny_bundle / "text" / "deep" / "a.bin").read_bytes() == b"a"
    assert (tiny_bundle / "text" / "b.bin").read_bytes() == b"b"


@pytest.mark.parametrize("name", ["../x", "/x/y", "config.json", "text/../../x"])
def test_extra_files_stay_in_sub_folders(
    name: str, tiny_bundle: Path, tiny_tokenizer: Tokenizer, tiny_transformer: MaskedTransformer
):
    with pytest.raises(MMMError, match="cannot be named"):
        save_bundle(
            tiny_bundle, read_config(tiny_bundle), tiny_tokenizer, tiny_transformer, {name: b"x"}
        )


def test_extra_files_that_are_not_there_are_told(
    tmp_path: Path,
    tiny_bundle: Path,
    tiny_tokenizer: Tokenizer,
    tiny_transformer: MaskedTransformer,
):
    with pytest.raises(MMMError, match="holds no weights"):
        files_of(tmp_path / "nowhere", "text")
    before = contents(tiny_bundle)
    extra = {"text/vocab.txt": tmp_path / "nowhere"}
    with pytest.raises(MMMError, match="could not be read"):
        save_bundle(tiny_bundle, read_config(tiny_bundle), tiny_tokenizer, tiny_transformer, extra)
    assert contents(tiny_bundle) == before


@pytest.mark.parametrize(
    "failing", ["vocab.txt", "tokenizer.safetensors", "transformer.safetensors", "config.json"]
)
def test_a_save_that_fails_leaves_the_old_bundle(
    failing: str,
    tiny_bundle: Path,
    tiny_tokenizer: Tokenizer,
    tiny_transformer: MaskedTransformer,
    monkeypatch: pytest.MonkeyPatch,
):
    arguments = (read_config(tiny_bundle), tiny_tokenizer, tiny_transformer)
    save_bundle(tiny_bundle, *arguments, {"text/vocab.txt": b"old"})
    before, write_bytes = contents(tiny_bundle), Path.write_bytes

    def until_full(path: Path, content: bytes) -> int:
        if path.name.startswith(failing) and path.suffix == ".part":
            write_bytes(path, content[:1])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write_bytes(path, content)

    other = replace(arguments[0], storage="float16")
    monkeypatch.setattr(Path, "write_bytes", until_full)
    with pytest.raises(MMMError, match=rf"{failing} could not be written \(No space left"):
        save_bundle(tiny_bundle, other, *arguments[1:], {"text/vocab.txt": b"new"})
    assert contents(tiny_bundle) == before
    load_bundle(tiny_bundle)


def test_a_folder_that_cannot_be_made_is_told(
    tmp_path: Path,
    tiny_bundle: Path,
    tiny_tokenizer: Tokenizer,
    tiny_transformer: MaskedTransformer,
):
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(MMMError, match="could not be written"):
            save_bundle(folder, read_config(tiny_bundle), tiny_tokenizer, tiny_transformer)


def test_no_bundle_there(tmp_path: Path):
    for folder in (tmp_path / "nothing", tmp_path):
        with pytest.raises(MMMError, match="no weights"):
            load_bundle(folder)


@pytest.mark.parametrize("name", ["tokenizer.safetensors", "transformer.safetensors"])
def test_a_missing_file_is_named(tiny_bundle: Path, name: str):
    (tiny_bundle / name).unlink()
    with pytest.raises(MMMError, match=f"lacks its file {name}"):
        load_bundle(tiny_bundle)


@pytest.mark.parametrize("name", ["tokenizer.safetensors", "transformer.safetensors"])
def test_a_truncated_file_is_refused(tiny_bundle: Path, name: str):
    content = (tiny_bundle / name).read_bytes()
    (tiny_bundle / name).write_bytes(content[: len(content) // 2])
    with pytest.raises(MMMError, match=f"{name}.*truncated"):
        load_bundle(tiny_bundle)


def test_one_changed_bit_is_noticed(tiny_bundle: Path):
    path = tiny_bundle / "transformer.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(MMMError, match="hash"):
        load_bundle(tiny_bundle)


def test_a_file_that_is_no_safetensors(tiny_bundle: Path):
    path = tiny_bundle / "tokenizer.safetensors"
    path.write_bytes(b"not tensors")
    digest = hashlib.sha256(b"not tensors").hexdigest()
    edit_config(tiny_bundle, lambda values: values["files"].update({path.name: digest}))
    with pytest.raises(MMMError, match=r"tokenizer\.safetensors.*damaged"):
        load_bundle(tiny_bundle)


def test_a_config_that_is_no_json(tiny_bundle: Path):
    (tiny_bundle / "config.json").write_text('{"name": "ti', "utf-8")
    with pytest.raises(MMMError, match="damaged"):
        load_bundle(tiny_bundle)


@pytest.mark.parametrize("version", [0, 2, "1"])
def test_another_version_is_said_before_anything_else(tiny_bundle: Path, version: object):
    edit_config(tiny_bundle, lambda values: values.update(version=version, invention=1))
    with pytest.raises(MMMError, match=rf"version {version}.*reads version 1"):
        load_bundle(tiny_bundle)


def test_an_unknown_entry_is_refused(tiny_bundle: Path):
    edit_config(tiny_bundle, lambda values: values.update(invention=1))
    with pytest.raises(MMMError, match=r"unknown entries .*invention"):
        load_bundle(tiny_bundle)


def test_a_layout_of_the_future_is_refused(tiny_bundle: Path):
    edit_config(tiny_bundle, lambda values: values["tokenizer"].update(layout="smpl_999"))
    with pytest.raises(MMMError, match="smpl_999"):
        load_bundle(tiny_bundle)


def test_a_weight_file_that_the_config_does_not_name(tiny_bundle: Path):
    edit_config(tiny_bundle, lambda values: values["files"].pop("transformer.safetensors"))
    with pytest.raises(MMMError, match=r"does not name its file transformer\.safetensors"):
        load_bundle(tiny_bundle)


def drop(tensors: dict[str, Tensor]) -> None:
    del tensors["embed.bias"]


def add(tensors: dict[str, Tensor]) -> None:
    tensors["extra"] = torch.zeros(1)


def reshape(tensors: dict[str, Tensor]) -> None:
    tensors["embed.bias"] = torch.zeros(3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (drop, r"lacks tensors \(embed.bias\)"),
        (add, r"unknown tensors \(extra\)"),
        (reshape, r"misshapen tensors \(embed.bias\)"),
    ],
)
def test_tensors_are_matched_one_by_one(
    tiny_bundle: Path, change: Callable[[dict[str, Tensor]], None], message: str
):
    edit_tensors(tiny_bundle, "transformer.safetensors", change)
    with pytest.raises(MMMError, match=message):
        load_bundle(tiny_bundle)
