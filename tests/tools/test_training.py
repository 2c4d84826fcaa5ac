"""From prepared motions to a bundle by the commands: alone, in two processes, resumed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmm_blender.common.errors import MMMError
from mmm_blender.geometry.clip import MotionClip
from mmm_blender.motion.loaded_bundle import load_bundle
from mmm_blender.motion.networks.bundle_file import load_modules
from mmm_blender.training.data.measured import measure
from mmm_blender.training.data.motion_file import ClipRecord, save_motions
from mmm_blender.training.trainer import decoder_run, loop, tokenizer_run, transformer_run
from tests.blender.helpers import make_tiny_bundle
from tests.tools import training_driver
from tests.training.synthetic import walk_on_the_spot

STYLES = ("normal", "sad", "proud")
STOP = 3  # steps, of the session that is interrupted


def walking(frames: int, speed: float) -> MotionClip:
    clip = walk_on_the_spot(frames)
    path = np.outer(np.arange(frames) / clip.fps, [0.0, 0.0, speed])
    return clip.replace(root_T3=clip.root_T3 + path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few walks of several lengths, and a text encoder of random weights."""
    folder = tmp_path_factory.mktemp("training")
    clips = [walking(40 + 7 * (at % 9), 0.5 + 0.05 * at) for at in range(60)]
    records = [
        ClipRecord(
            f"t{at}#0", f"t{at}", "bandai", "walk", STYLES[at % 3], "", clip.frames, measure(clip)
        )
        for at, clip in enumerate(clips)
    ]
    save_motions(folder / "motions.npz", records, clips)
    make_tiny_bundle.main(folder / "tiny")
    (folder / "tiny" / "text").rename(folder / "text")
    return folder


def drive(folder: Path, out: Path, tokenizer: Path, processes: int) -> dict[str, list[float]]:
    """The curves of the driver in so many processes."""
    out.mkdir(parents=True)
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    script = [training_driver.__file__, out / "curves.json", folder, tokenizer]
    command = [sys.executable, *(launcher if processes > 1 else []), *map(str, script)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads((out / "curves.json").read_text(encoding="utf-8"))


@pytest.mark.skipif(sys.platform == "win32", reason="gloo's launcher wants a Unix socket there")
def test_two_processes_give_the_curve_of_one(folder: Path, tmp_path: Path) -> None:
    one = drive(folder, tmp_path / "one", tmp_path / "one" / "tokenizer", 1)
    two = drive(folder, tmp_path / "two", tmp_path / "one" / "tokenizer", 2)
    for name in ("tokenizer", "transformer"):
        assert len(one[name]) == training_driver.STEPS
        assert len(set(one[name])) == training_driver.STEPS
        np.testing.assert_allclose(two[name], one[name], rtol=2e-4)


def curve(tool: Any, words: list[str], monkeypatch: pytest.MonkeyPatch) -> list[float]:
    monkeypatch.setattr(sys, "argv", ["tool", *words])
    return tool.fit(tool.parse_options(), loop.ALONE)


def stopping(tool: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The session ends after a few steps, as if it were killed; every step is checkpointed."""
    whole = loop.train

    def short(*given: Any, **named: Any) -> Iterator[float]:
        yield from islice(whole(*given, **named), STOP)

    monkeypatch.setattr(loop, "_CHECKPOINT_SECONDS", -1.0)
    monkeypatch.setattr(sys.modules[tool.fit.__module__], "train", short)


def test_a_resumed_session_goes_on_with_the_same_curve_and_ends_in_a_bundle(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import train_tokenizer
    import train_transformer

    def tokenizer(out: str) -> list[str]:
        return training_driver.tokenizer_words(folder, tmp_path / out)

    def transformer(out: str) -> list[str]:
        bundle = ["--bundle", str(tmp_path / "bundle"), "--dropout", "0.2"]
        tokens = tmp_path / "whole"
        return training_driver.transformer_words(folder, tokens, tmp_path / out, *bundle)

    for tool, words, (name, cut) in (
        (train_tokenizer, tokenizer, ("whole", "cut")),
        (train_transformer, transformer, ("whole_t", "cut_t")),
    ):
        wanted = curve(tool, words(name), monkeypatch)
        with monkeypatch.context() as patched:
            stopping(tool, patched)
            first = curve(tool, words(cut), patched)
        assert len(first) == STOP
        assert first + curve(tool, words(cut), monkeypatch) == wanted
    loaded = load_bundle(tmp_path / "bundle")
    assert loaded.config.tokenizer.columns == ("lower", "lower", "upper", "upper")


def test_a_bundle_is_trained_further_and_another_size_is_refused(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch
    import train_tokenizer
    import train_transformer

    def new_model(*more: str) -> dict[str, torch.Tensor]:
        words = training_driver.transformer_words(folder, tmp_path / "tok", tmp_path / "b", *more)
        monkeypatch.setattr(sys, "argv", ["tool", *words, "--dropout", "0.3"])
        options = train_transformer.parse_options()
        tokenizer = tokenizer_run.load_tokenizer(options.tokenizer)
        width = load_bundle(bundle).config.transformer.text_width
        return transformer_run.new_model(options, tokenizer, width).state_dict()

    curve(train_tokenizer, training_driver.tokenizer_words(folder, tmp_path / "tok"), monkeypatch)
    bundle = tmp_path / "bundle"
    words = training_driver.transformer_words(folder, tmp_path / "tok", tmp_path / "a")
    curve(train_transformer, [*words, "--bundle", str(bundle)], monkeypatch)
    begun = new_model("--begin-with", str(bundle))
    for name, values in load_modules(bundle)[1].state_dict().items():
        assert torch.equal(begun[name], values)
    with pytest.raises(MMMError, match="another size or another tokenizer"):
        new_model("--begin-with", str(bundle), "--width", "16")


def test_refined_decoders_leave_the_tokens_as_they_were(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import refine_decoder
    import torch
    import train_tokenizer

    curve(train_tokenizer, training_driver.tokenizer_words(folder, tmp_path / "a"), monkeypatch)
    words = ["--data", str(folder / "motions.npz"), "--tokenizer", str(tmp_path / "a")]
    monkeypatch.setattr(sys, "argv", ["tool", *words, "--out", str(tmp_path / "b"), "--steps", "3"])
    assert len(refine_decoder.fit(refine_decoder.parse_options())) == 3
    before, after = (tokenizer_run.load_tokenizer(tmp_path / name) for name in "ab")
    changed = {
        name
        for name, values in before.state_dict().items()
        if not torch.equal(values, after.state_dict()[name])
    }
    assert changed
    assert all(".decoder." in name for name in changed)


def test_a_bundle_gets_new_decoders_and_nothing_else(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import refine_decoder
    import torch
    import train_tokenizer
    import train_transformer

    curve(train_tokenizer, training_driver.tokenizer_words(folder, tmp_path / "tok"), monkeypatch)
    old, new = tmp_path / "old", tmp_path / "new"
    words = training_driver.transformer_words(folder, tmp_path / "tok", tmp_path / "a")
    curve(train_transformer, [*words, "--bundle", str(old)], monkeypatch)
    words = ["--data", str(folder / "motions.npz"), "--tokenizer", str(old), "--bundle", str(new)]
    monkeypatch.setattr(sys, "argv", ["tool", *words, "--out", str(tmp_path / "b"), "--steps", "2"])
    refine_decoder.fit(refine_decoder.parse_options())
    (before, network), (after, same) = load_modules(old), load_modules(new)
    kept = network.state_dict()
    assert all(torch.equal(values, kept[name]) for name, values in same.state_dict().items())
    known = before.state_dict()
    changed = {n for n, values in after.state_dict().items() if not torch.equal(values, known[n])}
    assert changed and all(".decoder." in name for name in changed)
    assert load_bundle(new).config.sampler == load_bundle(old).config.sampler


def test_wrong_tokens_are_some_of_some_rows() -> None:
    import torch

    tokens = torch.full((400, 20, 4), 7)
    seen = decoder_run.with_wrong_tokens(tokens, 1000, torch.Generator().manual_seed(0))
    wrong = (seen != tokens).float().mean((1, 2))
    assert 0.4 < (wrong == 0).float().mean() < 0.65
    assert 0.2 < wrong.max() < 0.5
