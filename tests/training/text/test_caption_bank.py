from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import torch

from mmm_blender.motion.networks.text.features import TextFeatures
from mmm_blender.training.data.captions import caption
from mmm_blender.training.data.dataset import Example
from mmm_blender.training.data.measured import Measured
from mmm_blender.training.data.motion_file import ClipRecord
from mmm_blender.training.text.caption_bank import CaptionBank

RECORD = ClipRecord("n", "t", "bandai", "wave-left-hand", "sad", "", 40, Measured(speed=0.1))
EXAMPLES = [Example(RECORD, mirrored, np.zeros((4, 1))) for mirrored in (False, True)]


class CountingEncoder:
    """Word w of a sentence is w + 1 three times; the sentence is its length."""

    width = 3

    def encode(self, prompts: Sequence[str]) -> TextFeatures:
        counts = torch.tensor([len(prompt.split()) for prompt in prompts])
        mask = torch.arange(int(counts.max())) < counts[:, None]
        words = (torch.arange(mask.shape[1]) + 1.0)[None, :, None] * mask[..., None]
        return TextFeatures(counts[:, None].expand(-1, 3).float(), words.expand(-1, -1, 3), mask)


def test_captions_come_back_as_they_were_encoded_and_padded() -> None:
    bank = CaptionBank(EXAMPLES, CountingEncoder(), seed=0)
    rng = np.random.default_rng(0)
    numbers = [bank.draw(0, rng) for _ in range(6)]
    given = bank.features(numbers)
    wanted = CountingEncoder().encode([bank.sentences[number] for number in numbers])
    assert torch.equal(given.sentence_BC, wanted.sentence_BC)
    assert torch.equal(given.words_BWC, wanted.words_BWC)
    assert torch.equal(given.word_mask_BW, wanted.word_mask_BW)


def test_a_mirrored_clip_has_mirrored_captions() -> None:
    bank = CaptionBank(EXAMPLES, CountingEncoder(), seed=0)
    rng = np.random.default_rng(0)
    for index, side in enumerate(("left", "right")):
        assert all(side in bank.sentences[bank.draw(index, rng)] for _ in range(20))


def test_a_bank_holds_out_wordings_and_repeats_itself() -> None:
    train, again = (CaptionBank(EXAMPLES, CountingEncoder(), seed=3) for _ in range(2))
    held_out = CaptionBank(EXAMPLES, CountingEncoder(), seed=3, held_out=True)
    assert train.sentences == again.sentences
    assert not set(train.sentences) & set(held_out.sentences)
    assert not set(held_out.sentences) & {
        caption(RECORD, random.Random(at), at % 2 == 0) for at in range(200)
    }
