from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
import torch

from mmm_blender.common.errors import MMMError
from mmm_blender.motion.features.smpl import encode_clip
from mmm_blender.motion.networks.text.features import TextFeatures
from mmm_blender.training.data.captions import caption
from mmm_blender.training.data.dataset import Example
from mmm_blender.training.data.labels import label_of
from mmm_blender.training.data.motion_file import ClipRecord
from mmm_blender.training.evaluation.evaluator import (
    CONFIG_FILE,
    TAKES_FILE,
    EvaluatorModel,
    load_evaluator,
    pad_features,
    save_evaluator,
)
from mmm_blender.training.trainer.contrastive import PairBatch, PairSampler, contrast_loss
from tests.training import judges

SHIPPED = Path(__file__).resolve().parents[3] / "weights" / "evaluator"
NOTHING = TextFeatures(torch.zeros(1), torch.zeros(1), torch.zeros(1))


def batch(kinds: list[int], captions: list[int]) -> PairBatch:
    empty = torch.zeros(len(kinds))
    return PairBatch(empty, empty, NOTHING, torch.tensor(kinds), torch.tensor(captions))


def loss(kinds: list[int], captions: list[int], motion: torch.Tensor, text: torch.Tensor) -> float:
    return float(contrast_loss(motion, text, torch.tensor(10.0), batch(kinds, captions)))


def test_right_pairs_cost_little_and_wrong_ones_much() -> None:
    rows = torch.eye(4)
    right = loss([0, 1, 2, 3], [0, 1, 2, 3], rows, rows)
    wrong = loss([0, 1, 2, 3], [0, 1, 2, 3], rows, rows.roll(1, 0))
    assert right < 0.01
    assert wrong > 5


def test_equal_labels_are_no_negatives() -> None:
    same = torch.ones(2, 3) / 3**0.5
    assert loss([0, 1], [0, 1], same, same) == pytest.approx(np.log(2))
    assert loss([7, 7], [0, 1], same, same) == pytest.approx(0)


def test_the_same_sentence_is_no_negative() -> None:
    same = torch.ones(2, 3) / 3**0.5
    assert loss([0, 1], [5, 5], same, same) == pytest.approx(0)


def bandai(content: str, style: str) -> ClipRecord:
    return ClipRecord("x", "x", "bandai", content, style, "", 40)


def test_labels_undo_the_sources_names_and_the_mirror() -> None:
    assert label_of(bandai("walk", "old")) == label_of(bandai("walk", "elderly"))
    left, right = bandai("walk-turn-left", "sad"), bandai("walk-turn-right", "sad")
    assert label_of(left, mirrored=True) == label_of(right)
    assert label_of(left) != label_of(right)
    walk = ClipRecord("y", "y", "cmu", "cmu", "", "Walk", 40)
    assert label_of(walk) == label_of(bandai("walk", "normal"))


def sampler(rows: int = 12) -> PairSampler:
    records, clips = judges.material()
    examples = [
        Example(record, at % 2 == 1, encode_clip(clip).astype(np.float32))
        for at, (record, clip) in enumerate(zip(records[:rows], clips[:rows], strict=True))
    ]
    return PairSampler(examples, judges.judge().encoder, (np.zeros(269), np.ones(269)), 8)


def test_a_draw_depends_on_seed_and_step_alone() -> None:
    first, again, other = (sampler().draw(0, step) for step in (3, 3, 4))
    assert torch.equal(first.features_BTC, again.features_BTC)
    assert torch.equal(first.text.words_BWC, again.text.words_BWC)
    assert first.features_BTC.shape != other.features_BTC.shape or not torch.equal(
        first.features_BTC, other.features_BTC
    )


def test_embeddings_do_not_hear_of_padding_or_of_their_neighbours() -> None:
    judge = judges.judge()
    clips = [judges.clip(at, frames) for at, frames in enumerate((21, 40, 66, 196))]
    together = judge.embed_motion(clips)
    for clip, row in zip(clips, together, strict=True):
        assert judge.embed_motion([clip])[0] == pytest.approx(row, abs=1e-5)
    assert np.linalg.norm(together, axis=1) == pytest.approx(1)
    features = [encode_clip(clip) for clip in clips]
    assert judge.embed_motion(features) == pytest.approx(together, abs=1e-5)


def test_text_is_embedded_in_order() -> None:
    judge = judges.judge()
    rows = judge.embed_text(["walk", "run fast", "walk"])
    assert np.array_equal(rows[0], rows[2])
    assert not np.allclose(rows[0], rows[1])
    assert judge.embed_text([]).shape == (0, judges.CONFIG.embedding)


def test_features_are_cut_at_the_longest_clip() -> None:
    padded, frames = pad_features(
        [np.ones((300, 269)), np.ones((10, 269))], np.zeros(269), np.ones(269)
    )
    assert padded.shape == (2, 196, 269)
    assert frames.tolist() == [196, 10]
    assert padded[1].sum() == 10 * 269


def written(folder: Path) -> Path:
    model = EvaluatorModel(judges.CONFIG)
    save_evaluator(folder, model, ["b", "a"], {"steps": 1})
    return folder


def test_a_folder_without_a_part_is_told(tmp_path: Path) -> None:
    with pytest.raises(MMMError, match=CONFIG_FILE):
        load_evaluator(tmp_path)
    written(tmp_path)
    assert (tmp_path / TAKES_FILE).read_text() == "a\nb\n"
    with pytest.raises(MMMError, match="text"):
        load_evaluator(tmp_path)
    (tmp_path / CONFIG_FILE).write_text("{}")
    with pytest.raises(MMMError, match="must be a JSON object"):
        load_evaluator(tmp_path)


def test_the_shipped_evaluator_is_the_one_on_its_card() -> None:
    card = (SHIPPED / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert load_evaluator(SHIPPED).hash in card
    assert sum(path.stat().st_size for path in SHIPPED.rglob("*")) < 9_000_000


def test_the_shipped_evaluator_tells_sides_and_contents_apart_in_words() -> None:
    judge = load_evaluator(SHIPPED)
    assert judge.model.config.embedding <= 128
    same = [bandai("raise-up-left-hand", "normal"), bandai("walk-turn-left", "elderly")]
    texts = [caption(r, random.Random(at), m) for at in (0, 1) for r in same for m in (False, True)]
    rows = judge.embed_text(texts)
    alike = rows[:4] @ rows[4:].T
    assert (alike.argmax(axis=1) == np.arange(4)).all()
