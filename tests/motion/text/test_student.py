import errno
import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from mmm_blender.common.errors import MMMError
from mmm_blender.motion.networks.text.student import (
    StudentTextEncoder,
    StudentTextModel,
    quantise_rows,
    save_student,
)
from mmm_blender.motion.runtime.opening import ONNX, TORCH, open_text_encoder
from mmm_blender.motion.text.student_files import StudentConfig

SHIPPED = Path(__file__).resolve().parents[3] / "weights" / "starter" / "text"
PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "person", "walk", "##s", "run", "."]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    config = StudentConfig(
        vocabulary=len(PIECES), rank=8, inner_width=16, layers=2, heads=2, mlp_width=32, width=24,
        max_tokens=8,
    )  # fmt: skip
    save_student(tmp_path / "text", StudentTextModel(config), PIECES)
    return tmp_path / "text"


def test_every_vector_has_the_length_of_unit_channels(folder: Path) -> None:
    features = StudentTextEncoder.load(folder).encode(["a person walks", "run."])
    root = torch.tensor(24.0).sqrt()
    assert torch.allclose(features.sentence_BC.norm(dim=-1), root)
    assert torch.allclose(features.words_BWC.norm(dim=-1)[features.word_mask_BW], root)
    assert not features.words_BWC[~features.word_mask_BW].any()
    assert features.word_mask_BW.sum(dim=1).tolist() == [6, 4]


def test_a_prompt_reads_the_same_alone_and_beside_a_longer_one(folder: Path) -> None:
    encoder = StudentTextEncoder.load(folder)
    alone = encoder.encode(["run"])
    beside = encoder.encode(["run", "a person walks."])
    assert torch.allclose(alone.sentence_BC[0], beside.sentence_BC[0], atol=1e-5)
    assert torch.allclose(alone.words_BWC[0], beside.words_BWC[0, :3], atol=1e-5)


def test_long_and_empty_prompts_are_read(folder: Path) -> None:
    features = StudentTextEncoder.load(folder).encode(["walk " * 500, ""])
    assert features.word_mask_BW.sum(dim=1).tolist() == [8, 2]
    assert features.sentence_BC.isfinite().all()


def test_word_order_matters(folder: Path) -> None:
    features = StudentTextEncoder.load(folder).encode(["a person", "person a"])
    assert (features.sentence_BC[0] - features.sentence_BC[1]).abs().max() > 1e-4


def test_both_libraries_say_the_same(folder: Path) -> None:
    prompts = ["a person walks", "run.", "", "walk " * 500]
    ours, theirs = (
        open_text_encoder(folder.parent, {"kind": "student"}, library=library).encode(prompts)
        for library in (ONNX, TORCH)
    )
    assert ours.words_BWC.dtype == np.float32 and ours.words_BWC.shape == (4, 8, 24)
    assert np.array_equal(ours.word_mask_BW, theirs.word_mask_BW)
    assert np.abs(ours.sentence_BC - theirs.sentence_BC).max() < 1e-5
    assert np.abs(ours.words_BWC - theirs.words_BWC).max() < 1e-5


def test_an_unknown_kind_is_told(tmp_path: Path) -> None:
    with pytest.raises(MMMError, match="'t5', which this version does not know"):
        open_text_encoder(tmp_path, {"kind": "t5"})
    with pytest.raises(MMMError, match=r"again with --clip FOLDER, .*merges\.txt"):
        open_text_encoder(tmp_path, {"kind": "clip"})


def test_a_save_that_fails_leaves_the_old_student(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = StudentTextEncoder.load(folder).model
    before, write_bytes = {p.name: p.read_bytes() for p in folder.iterdir()}, Path.write_bytes

    def until_full(path: Path, content: bytes) -> int:
        if path.name.startswith("config.json"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write_bytes(path, content)

    monkeypatch.setattr(Path, "write_bytes", until_full)
    with pytest.raises(MMMError, match=r"config\.json could not be written"):
        save_student(folder, model, [*PIECES[:-1], "!"])
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before


def test_eight_bit_rows_keep_their_direction() -> None:
    table = torch.randn(50, 32, generator=torch.Generator().manual_seed(1)) * 7
    table[3] = 0
    int8, scale = quantise_rows(table)
    assert int8.dtype == torch.int8
    assert ((int8.float() * scale - table).abs() <= scale / 2 + 1e-6).all()


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "vocab.txt"])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(MMMError, match=name):
        StudentTextEncoder.load(folder)


def test_truncated_weights_are_told(folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:200])
    with pytest.raises(MMMError, match="damaged"):
        StudentTextEncoder.load(folder)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"rank": "many"}, "rank has a value of the wrong kind"),
        ({"layers": 0}, "no valid layers"),
        ({"heads": 5}, "no valid heads"),
        ({"layers": 3}, "do not fit"),
        ({"vocabulary": 11}, "lists 10"),
        ({"teacher": None}, "teacher has a value of the wrong kind"),
    ],
)
def test_a_config_that_does_not_fit_is_told(
    folder: Path, change: dict[str, object], told: str
) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | change))
    with pytest.raises(MMMError, match=told):
        StudentTextEncoder.load(folder)


@pytest.mark.skipif(not SHIPPED.is_dir(), reason="the starter weights are not in this checkout")
@pytest.mark.parametrize(
    ("unseen", "kin", "others"),
    [
        ("strolls", "walks", ("punches", "sits", "bows", "throws")),
        ("jogging", "running", ("sitting", "bowing", "waving", "punching")),
        ("exhausted", "tired", ("proud", "happy", "young", "elegant")),
        ("elderly", "old", ("proud", "angry", "happy", "drunk")),
        ("furious", "angry", ("tired", "young", "proud", "elegant")),
        ("greets", "greeting", ("running", "sitting", "kicking", "crawling")),
    ],
)
def test_the_shipped_student_knows_unseen_words(
    unseen: str, kin: str, others: tuple[str, ...]
) -> None:
    sentence_BC = StudentTextEncoder.load(SHIPPED).encode([unseen, kin, *others]).sentence_BC
    likeness = torch.cosine_similarity(sentence_BC[:1], sentence_BC[1:], dim=-1)
    assert likeness.argmax() == 0
    assert likeness[0] > likeness[1:].max() + 0.1
