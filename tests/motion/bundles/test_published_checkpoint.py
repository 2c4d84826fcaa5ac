"""Foreign files: nothing in them runs, and nothing in them is guessed."""

import errno
import os
import pickle
import re
from pathlib import Path
from typing import Any

import import_checkpoint
import numpy as np
import pytest
import torch
from torch import Tensor
from transformers import CLIPTextConfig, CLIPTextModelWithProjection

from mmm_blender.common.errors import MMMError
from mmm_blender.motion.bundles.published_checkpoint import (
    TOKENIZER_KEY,
    TRANSFORMER_KEY,
    Statistics,
    import_tokenizer,
    import_transformer,
    read_checkpoint,
    read_statistics,
    tokenizer_config,
)
from mmm_blender.motion.loaded_bundle import load_bundle
from mmm_blender.motion.pipeline.pipeline import GenerateRequest, MotionPipeline

FOLDER = Path(__file__).parents[2] / "data" / "mmm"
HEADS = 4
STATISTICS = Statistics(torch.zeros(263), torch.ones(263))


class Malicious:
    """Pickled, it runs a command when it is loaded."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, (  # pyright: ignore[reportDeprecated]  (what an attacker would use)
            f"touch {self.trace}",
        )


def tensors(kind: str, key: str) -> dict[str, Tensor]:
    name = {TOKENIZER_KEY: "vq", TRANSFORMER_KEY: "trans"}[key]
    return read_checkpoint(FOLDER / f"{kind}_{name}.pth", key)


@pytest.mark.parametrize("zipped", [True, False])
def test_code_in_a_checkpoint_is_refused_by_name_and_not_run(tmp_path: Path, zipped: bool):
    path, trace = tmp_path / "net_last.pth", tmp_path / "trace"
    torch.save({"net": Malicious(trace)}, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(MMMError, match=r"net_last.pth asks to load (posix|nt)\.system"):
        read_checkpoint(path, "net")
    assert not trace.exists()


def test_a_bare_pickle_is_not_run_either(tmp_path: Path):
    path, trace = tmp_path / "net_last.pth", tmp_path / "trace"
    path.write_bytes(pickle.dumps({"net": Malicious(trace)}, protocol=2))
    with pytest.raises(MMMError, match=r"net_last\.pth"):
        read_checkpoint(path, "net")
    assert not trace.exists()


def test_a_harmless_looking_global_is_refused_too(tmp_path: Path):
    path = tmp_path / "net_last.pth"
    torch.save({"net": {"a": torch.zeros(1)}, "args": Path("x")}, path)
    with pytest.raises(MMMError, match="pathlib"):
        read_checkpoint(path, "net")


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04 but no archive"])
def test_a_file_that_is_no_checkpoint(tmp_path: Path, content: bytes):
    path = tmp_path / "net_last.pth"
    path.write_bytes(content)
    with pytest.raises(MMMError, match="damaged or no checkpoint"):
        read_checkpoint(path, "net")


def test_a_truncated_checkpoint(tmp_path: Path):
    path = tmp_path / "net_last.pth"
    path.write_bytes((FOLDER / "full_vq.pth").read_bytes()[:100_000])
    with pytest.raises(MMMError, match="damaged"):
        read_checkpoint(path, TOKENIZER_KEY)


def test_a_missing_file_and_a_missing_key(tmp_path: Path):
    with pytest.raises(MMMError, match="no file"):
        read_checkpoint(tmp_path / "nothing.pth", "net")
    with pytest.raises(MMMError, match="no entry 'trans'"):
        read_checkpoint(FOLDER / "full_vq.pth", "trans")


def test_entries_that_are_no_tensors_are_named(tmp_path: Path):
    torch.save({"net": {"a": torch.zeros(1), "epoch": 3, 7: torch.zeros(1)}}, tmp_path / "x.pth")
    with pytest.raises(MMMError, match=r"no tensors with a name \('epoch', 7\)"):
        read_checkpoint(tmp_path / "x.pth", "net")


@pytest.mark.parametrize("entry", [torch.zeros(2), None, [torch.zeros(1)], 3])
def test_an_entry_without_names_is_told(tmp_path: Path, entry: object):
    torch.save({"net": entry}, tmp_path / "x.pth")
    with pytest.raises(MMMError, match=r"'net' of x\.pth holds no tensors by name"):
        read_checkpoint(tmp_path / "x.pth", "net")


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("zipped", [True, False])
def test_changed_bytes_never_end_in_a_traceback(tmp_path: Path, zipped: bool):
    path, rng = tmp_path / "x.pth", np.random.default_rng(0)
    torch.save({"net": {"a": torch.zeros(3)}}, path, _use_new_zipfile_serialization=zipped)
    whole, refused = path.read_bytes(), 0
    for _ in range(300):
        content = bytearray(whole)
        for at in rng.integers(len(content), size=3):
            content[at] = rng.integers(256)
        path.write_bytes(content)
        try:
            read_checkpoint(path, "net")
        except MMMError:
            refused += 1
    assert refused > 100


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(*_arguments: object, **_options: object) -> object:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    (tmp_path / "x.pth").write_bytes(b"")
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(MMMError, match=r"x\.pth could not be read \(Permission denied\)"):
        read_checkpoint(tmp_path / "x.pth", "net")


def test_sizes_come_from_the_shapes():
    full = tokenizer_config(tensors("full", TOKENIZER_KEY))
    assert (full.layout, full.parts) == ("humanml3d_263", ("all",))
    assert (full.width, full.code_dim, full.codes, full.dilations) == (32, 16, 96, (9, 3, 1))
    upper = tokenizer_config(tensors("upper", TOKENIZER_KEY))
    assert (upper.parts, upper.code_dim) == (("upper", "lower"), 8)
    assert upper.upper_height_relative


@pytest.mark.parametrize("kind", ["full", "upper"])
def test_every_tensor_is_needed_and_no_other_is_taken(kind: str):
    content = tensors(kind, TOKENIZER_KEY)
    unknown = content | {"vqvae.ema": torch.zeros(1)}
    with pytest.raises(MMMError, match=r"unknown tensors \(vqvae.ema\)"):
        import_tokenizer(unknown, STATISTICS)
    for name in list(content)[:: len(content) // 12]:
        missing = {other: value for other, value in content.items() if other != name}
        with pytest.raises(MMMError, match=r"missing tensors|unknown tensors"):
            import_tokenizer(missing, STATISTICS)


def test_tensors_of_the_transformer_are_matched_too():
    tokenizer = import_tokenizer(tensors("full", TOKENIZER_KEY), STATISTICS)
    content = tensors("full", TRANSFORMER_KEY)
    with pytest.raises(MMMError, match=r"unknown tensors \(trans_head.extra\)"):
        import_transformer(content | {"trans_head.extra": torch.zeros(1)}, tokenizer, HEADS)
    del content["trans_head.ln_f.bias"]
    with pytest.raises(MMMError, match=r"missing tensors \(trans_head.ln_f.bias\)"):
        import_transformer(content, tokenizer, HEADS)


def test_a_tensor_of_another_shape_is_named():
    content = tensors("full", TOKENIZER_KEY)
    content["vqvae.encoder.model.0.bias"] = torch.zeros(5)
    with pytest.raises(MMMError, match=r"unexpected shape \(vqvae.encoder.model.0.bias\)"):
        import_tokenizer(content, STATISTICS)


WRONG_TENSORS = {
    "no axes": torch.tensor(1.0),
    "one axis": torch.zeros(5),
    "nothing": torch.zeros(0),
    "no rows": torch.zeros(0, 16),
    "too many axes": torch.zeros(2, 2, 2, 2),
}


@pytest.mark.parametrize("wrong", WRONG_TENSORS.values(), ids=WRONG_TENSORS)
@pytest.mark.parametrize(
    ("key", "name"),
    [
        (TOKENIZER_KEY, "vqvae.quantizer.codebook"),
        (TOKENIZER_KEY, "vqvae.encoder.model.0.weight"),
        (TOKENIZER_KEY, "vqvae.encoder.model.4.weight"),
        (TOKENIZER_KEY, "vqvae.decoder.model.6.weight"),
        (TRANSFORMER_KEY, "trans_base.cond_emb.weight"),
        (TRANSFORMER_KEY, "trans_base.pos_embed.embed"),
        (TRANSFORMER_KEY, "trans_head.blocks.0.mlp.0.weight"),
    ],
)
def test_tensors_with_other_axes_are_named(key: str, name: str, wrong: Tensor):
    content = tensors("full", key)
    assert name in content
    content[name] = wrong
    with pytest.raises(MMMError, match=rf"unexpected shape \({re.escape(name)}: "):
        if key == TOKENIZER_KEY:
            import_tokenizer(content, STATISTICS)
        else:
            tokenizer = import_tokenizer(tensors("full", TOKENIZER_KEY), STATISTICS)
            import_transformer(content, tokenizer, HEADS)


@pytest.mark.parametrize("value", [float("nan"), 1j, 3])
def test_other_values_than_finite_numbers_are_named(value: complex):
    content = tensors("full", TOKENIZER_KEY)
    name = "vqvae.encoder.model.0.bias"
    content[name] = torch.full(content[name].shape, value)
    with pytest.raises(MMMError, match=rf"finite numbers \({name}\)"):
        import_tokenizer(content, STATISTICS)


def test_files_of_two_runs_do_not_go_together():
    tokenizer = import_tokenizer(tensors("full", TOKENIZER_KEY), STATISTICS)
    tokenizer.part_tokenizers[0].quantizers[0].codebook_KD += 0.01
    with pytest.raises(MMMError, match="another tokenizer"):
        import_transformer(tensors("full", TRANSFORMER_KEY), tokenizer, HEADS)
    with pytest.raises(MMMError):
        import_transformer(tensors("upper", TRANSFORMER_KEY), tokenizer, HEADS)


def test_heads_that_do_not_divide_the_width():
    tokenizer = import_tokenizer(tensors("full", TOKENIZER_KEY), STATISTICS)
    with pytest.raises(MMMError, match="heads"):
        import_transformer(tensors("full", TRANSFORMER_KEY), tokenizer, 7)


def write_statistics(folder: Path, channels: int = 263, deviation: float = 1.0) -> list[str]:
    np.save(folder / "mean.npy", np.zeros(channels))
    np.save(folder / "std.npy", np.full(channels, deviation))
    return ["--mean", str(folder / "mean.npy"), "--std", str(folder / "std.npy")]


def test_statistics_must_fit_and_be_sane(tmp_path: Path):
    write_statistics(tmp_path, channels=251)
    statistics = read_statistics(tmp_path / "mean.npy", tmp_path / "std.npy")
    with pytest.raises(MMMError, match="263 channels"):
        import_tokenizer(tensors("full", TOKENIZER_KEY), statistics)
    write_statistics(tmp_path, deviation=0.0)
    with pytest.raises(MMMError, match="not above 0"):
        read_statistics(tmp_path / "mean.npy", tmp_path / "std.npy")
    with pytest.raises(MMMError, match="no file"):
        read_statistics(tmp_path / "nothing.npy", tmp_path / "std.npy")
    (tmp_path / "mean.npy").write_bytes(b"text")
    with pytest.raises(MMMError, match="no NumPy array"):
        read_statistics(tmp_path / "mean.npy", tmp_path / "std.npy")


def test_statistics_with_pickled_objects_are_refused(tmp_path: Path):
    write_statistics(tmp_path)
    np.save(tmp_path / "mean.npy", np.array([Malicious(tmp_path / "trace")]), allow_pickle=True)
    with pytest.raises(MMMError, match="no NumPy array"):
        read_statistics(tmp_path / "mean.npy", tmp_path / "std.npy")
    assert not (tmp_path / "trace").exists()


@pytest.mark.parametrize("kind", ["full", "upper"])
def test_the_command_makes_a_bundle_that_computes_the_same(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    files = [
        "--tokenizer",
        f"{FOLDER}/{kind}_vq.pth",
        "--transformer",
        f"{FOLDER}/{kind}_trans.pth",
    ]
    assert import_checkpoint.main(arguments(tmp_path, *files)) == 0
    assert "up to 9.8 s" in capsys.readouterr().out
    bundle = load_bundle(tmp_path / "bundle")
    direct = import_tokenizer(tensors(kind, TOKENIZER_KEY), STATISTICS)
    features_BTC = torch.randn(1, 64, 263)
    tokens_BLP = bundle.model.networks.encode(features_BTC.numpy())
    assert np.array_equal(tokens_BLP, direct.encode(features_BTC).numpy())
    assert bundle.config.sampler.closing_step is (kind == "upper")
    assert bundle.config.text["kind"] == "clip"
    assert not bundle.config.transformer.trained_with_guidance


def arguments(tmp_path: Path, *more: str) -> list[str]:
    """A command that would do, but for what is in ``more``."""
    files = {"--tokenizer": FOLDER / "full_vq.pth", "--transformer": FOLDER / "full_trans.pth"}
    named = [text for flag, path in files.items() for text in (flag, str(path))]
    common = ["--heads", str(HEADS), "--out", str(tmp_path / "bundle")]
    return [*named, *common, *write_statistics(tmp_path), *more]


def test_without_clip_the_command_says_what_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert import_checkpoint.main(arguments(tmp_path)) == 0
    told = capsys.readouterr().err
    assert "cannot read prompts yet: import it again with --clip FOLDER" in told
    assert "model.safetensors and merges.txt" in told
    with pytest.raises(MMMError, match="again with --clip FOLDER"):
        MotionPipeline.load(tmp_path / "bundle")


def save_clip(folder: Path, width: int, projected: int | None = None) -> None:
    """A text tower with random weights in the public layout."""
    merges = "#version: 0.2\nw a\n"
    config = CLIPTextConfig(
        vocab_size=2 * 256 + 1 + 2,
        hidden_size=width,
        intermediate_size=width,
        projection_dim=projected or width,
        num_hidden_layers=1,
        num_attention_heads=1,
    )
    CLIPTextModelWithProjection(config).save_pretrained(folder)
    (folder / "merges.txt").write_text(merges)


def test_clip_is_tried_and_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    save_clip(tmp_path / "clip", width=24)
    capsys.readouterr()
    assert import_checkpoint.main(arguments(tmp_path, "--clip", str(tmp_path / "clip"))) == 0
    assert not capsys.readouterr().err
    generator = MotionPipeline.load(tmp_path / "bundle")
    result = generator.generate(GenerateRequest("walks", 1.0))
    assert result.clip.frames == 20


def test_a_wrong_clip_folder_is_not_baked_in(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    save_clip(tmp_path / "wide", width=32)
    save_clip(tmp_path / "uneven", width=32, projected=24)
    for folder, told in (
        ("wide", "wants text features of 24"),
        ("uneven", "words of 32 numbers and sentences of 24"),
        ("none", "does not exist"),
    ):
        assert import_checkpoint.main(arguments(tmp_path, "--clip", str(tmp_path / folder))) == 1
        assert told in capsys.readouterr().err
    assert not (tmp_path / "bundle").exists()


def test_an_unwritable_bundle_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "file").write_text("")
    assert import_checkpoint.main(arguments(tmp_path, "--out", str(tmp_path / "file" / "x"))) == 1
    assert (
        "could not be written (Not a directory): choose another folder" in capsys.readouterr().err
    )


def test_the_command_says_in_one_sentence_what_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    missing = str(tmp_path / "x.pth")
    assert import_checkpoint.main(arguments(tmp_path, "--tokenizer", missing)) == 1
    assert "There is no file" in capsys.readouterr().err
    assert not (tmp_path / "bundle").exists()


def test_statistics_are_not_guessed(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        import_checkpoint.main(["--tokenizer", "x", "--transformer", "y", "--heads", "4"])
    assert "--mean" in capsys.readouterr().err
