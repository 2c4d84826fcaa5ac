"""What the logits may depend on, and what they may not."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from mmm_blender.common.errors import MMMError
from mmm_blender.motion.networks import masks
from mmm_blender.motion.networks.text.features import TextEncoder, TextFeatures
from mmm_blender.motion.networks.tokenizer import Tokenizer
from mmm_blender.motion.networks.transformer import MaskedTransformer

PROMPTS = ["a person walks", "a person jumps"]


@pytest.fixture(name="text")
def _text(torch_text: TextEncoder) -> TextFeatures:
    return torch_text.encode(PROMPTS)


def random_grid(network: MaskedTransformer, tokenizer: Tokenizer, lengths_B: Tensor) -> Tensor:
    shape = (len(lengths_B), network.config.places, len(tokenizer.config.parts))
    tokens_BLP = torch.randint(tokenizer.config.codes, shape)
    return masks.close_grid(tokens_BLP, lengths_B, tokenizer.config.vocabulary)


def test_one_head_for_each_predicted_part(
    tiny_tokenizer: Tokenizer, tiny_transformer: MaskedTransformer, text: TextFeatures
):
    lengths_B = torch.tensor([49, 10])
    tokens_BLP = random_grid(tiny_transformer, tiny_tokenizer, lengths_B)
    logits = tiny_transformer(tokens_BLP, lengths_B, text)
    assert [tuple(part.shape) for part in logits] == [(2, 50, 24)] * 2
    upper_only = MaskedTransformer(
        replace(tiny_transformer.config, predicted_parts=("upper",)),
        tiny_tokenizer.config,
        tiny_tokenizer.codebooks_PKD,
    )
    assert len(upper_only.eval()(tokens_BLP, lengths_B, text)) == 1
    assert upper_only.predicted_columns == [1]


def test_padding_has_no_influence_and_may_be_cut_off(
    tiny_tokenizer: Tokenizer, tiny_transformer: MaskedTransformer, text: TextFeatures
):
    lengths_B = torch.tensor([12, 10])
    tokens_BLP = random_grid(tiny_transformer, tiny_tokenizer, lengths_B)
    whole = tiny_transformer(tokens_BLP, lengths_B, text)[0]
    changed_BLP = tokens_BLP.clone()
    changed_BLP[:, 13:] = 3
    cut = tiny_transformer(tokens_BLP[:, :13], lengths_B, text)[0]
    torch.testing.assert_close(tiny_transformer(changed_BLP, lengths_B, text)[0][:, :13], cut)
    torch.testing.assert_close(whole[:, :13], cut)


def test_every_motion_token_has_influence(
    tiny_tokenizer: Tokenizer, tiny_transformer: MaskedTransformer, text: TextFeatures
):
    lengths_B = torch.tensor([12, 12])
    tokens_BLP = random_grid(tiny_transformer, tiny_tokenizer, lengths_B)
    whole = tiny_transformer(tokens_BLP, lengths_B, text)[0]
    for place in (0, 5, 11):
        changed_BLP = tokens_BLP.clone()
        changed_BLP[:, place] = (changed_BLP[:, place] + 1) % tiny_tokenizer.config.codes
        other = tiny_transformer(changed_BLP, lengths_B, text)[0]
        assert (whole - other)[:, :12].abs().amax(-1).min() > 0


def test_masked_words_have_no_influence_and_real_ones_do(
    tiny_tokenizer: Tokenizer, tiny_transformer: MaskedTransformer, text: TextFeatures
):
    lengths_B = torch.tensor([12, 12])
    tokens_BLP = random_grid(tiny_transformer, tiny_tokenizer, lengths_B)
    whole = tiny_transformer(tokens_BLP, lengths_B, text)[0]
    for word, matters in ((-1, False), (0, True)):
        words_BWC = text.words_BWC.clone()
        words_BWC[:, word] += 3.0
        changed = TextFeatures(text.sentence_BC, words_BWC, text.word_mask_BW)
        other = tiny_transformer(tokens_BLP, lengths_B, changed)[0]
        assert torch.equal(whole, other) is not matters


def test_without_a_word_mask_all_words_count(
    tiny_tokenizer: Tokenizer, tiny_transformer: MaskedTransformer, text: TextFeatures
):
    published = MaskedTransformer(
        replace(tiny_transformer.config, word_mask=False),
        tiny_tokenizer.config,
        tiny_tokenizer.codebooks_PKD,
    ).eval()
    assert published.precompute_kv(text).attend_B11W is None


def test_a_dropped_text_is_no_text_at_all(
    tiny_tokenizer: Tokenizer, tiny_transformer: MaskedTransformer, text: TextFeatures
):
    lengths_B = torch.tensor([12, 12])
    tokens_BLP = random_grid(tiny_transformer, tiny_tokenizer, lengths_B)[:1].repeat(2, 1, 1)
    both = torch.tensor([True, True])
    first, second = tiny_transformer(tokens_BLP, lengths_B, text, both)[0]
    torch.testing.assert_close(first, second)
    one = tiny_transformer(tokens_BLP, lengths_B, text, torch.tensor([True, False]))[0]
    kept = tiny_transformer(tokens_BLP, lengths_B, text)[0]
    torch.testing.assert_close(one[0], first)
    torch.testing.assert_close(one[1], kept[1])
    assert not torch.allclose(one[1], second)


def test_guidance_needs_training_for_it(
    tiny_tokenizer: Tokenizer, tiny_transformer: MaskedTransformer, text: TextFeatures
):
    plain = MaskedTransformer(
        replace(tiny_transformer.config, trained_with_guidance=False),
        tiny_tokenizer.config,
        tiny_tokenizer.codebooks_PKD,
    )
    with pytest.raises(MMMError, match="guidance"):
        plain.precompute_kv(text, torch.tensor([True, False]))


def test_it_must_fit_its_tokenizer(tiny_tokenizer: Tokenizer, tiny_transformer: MaskedTransformer):
    with pytest.raises(MMMError, match="do not fit"):
        MaskedTransformer(tiny_transformer.config, tiny_tokenizer.config, torch.zeros(2, 5, 4))


def test_it_learns_tokens_from_text(
    tiny_tokenizer: Tokenizer, tiny_transformer: MaskedTransformer, text: TextFeatures
):
    """Two prompts, two motions: after a few steps all masked cells are predicted right."""
    torch.manual_seed(0)
    network = MaskedTransformer(
        replace(tiny_transformer.config, dropout=0.0),
        tiny_tokenizer.config,
        tiny_tokenizer.codebooks_PKD,
    )
    lengths_B = torch.tensor([8, 8])
    vocabulary = tiny_tokenizer.config.vocabulary
    wanted_BLP = torch.randint(vocabulary.codes, (2, 9, 2))
    masked_BLP = masks.masked_grid(lengths_B, 9, 2, vocabulary)
    optimiser = torch.optim.AdamW(network.parameters(), lr=3e-3)
    logits_BLPK = torch.empty(0)
    for _ in range(60):
        logits_BLPK = torch.stack(network(masked_BLP, lengths_B, text), dim=2)[:, :8]
        loss = torch.nn.functional.cross_entropy(
            logits_BLPK.flatten(0, 2), wanted_BLP[:, :8].flatten()
        )
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert torch.equal(logits_BLPK.argmax(-1), wanted_BLP[:, :8])
