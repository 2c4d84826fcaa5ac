"""Shapes, losslessness of the split into parts, and how far an edit reaches."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from mmm_blender.motion.config import TokenizerConfig
from mmm_blender.motion.networks.tokenizer import Tokenizer

PAPER = TokenizerConfig(
    layout="humanml3d_263",
    parts=("all",),
    dilations=(9, 3, 1),
    latent_kernel=3,
    output_kernel=3,
)
PAPER_UPPER = replace(PAPER, parts=("upper", "lower"), upper_height_relative=True)
CONFIGS = {
    "ours": TokenizerConfig(),
    "paper": PAPER,
    "upper": PAPER_UPPER,
    "kit": replace(PAPER, layout="kit_251"),
    "codebooks": TokenizerConfig(codebooks=(2, 1)),
    "four parts": TokenizerConfig(parts=("lower", "torso", "left_arm", "right_arm")),
    "eight frames": TokenizerConfig(stages=3, dilations=(2,), latent_kernel=5),
}
FRAMES = 480


def small(config: TokenizerConfig) -> Tokenizer:
    torch.manual_seed(0)
    tokenizer = Tokenizer(replace(config, width=8, code_dim=4, codes=16)).eval()
    for part in tokenizer.part_tokenizers:
        for book in part.quantizers:
            book.codebook_KD.normal_()
    return tokenizer


@pytest.fixture(params=CONFIGS, name="tokenizer")
def _tokenizer(request: pytest.FixtureRequest) -> Tokenizer:
    return small(CONFIGS[request.param])


def test_shapes(tokenizer: Tokenizer):
    config = tokenizer.config
    features_BTC = torch.randn(2, 64, config.feature_layout.channels)
    tokens_BLP = tokenizer.encode(features_BTC)
    assert tokens_BLP.shape == (2, 64 // config.frames_per_token, len(config.columns))
    assert tokenizer.decode(tokens_BLP).shape == features_BTC.shape
    passed = tokenizer(features_BTC)
    assert torch.equal(passed.tokens_BLP, tokens_BLP)
    torch.testing.assert_close(passed.reconstruction_BTC, tokenizer.decode(tokens_BLP))
    assert passed.perplexity_P.shape == (len(config.columns),)


def test_statistics_are_undone():
    tokenizer = small(CONFIGS["ours"])
    channels = tokenizer.config.feature_layout.channels
    tokenizer.set_statistics(torch.randn(channels), torch.rand(channels) + 0.1)
    features_BTC = torch.randn(1, 8, channels)
    torch.testing.assert_close(
        tokenizer.denormalise(tokenizer.normalise(features_BTC)), features_BTC
    )


def test_upper_heights_are_relative_to_the_root_and_come_back():
    tokenizer = small(CONFIGS["upper"])
    relative = tokenizer.upper_height
    assert relative is not None
    channels = tokenizer.config.feature_layout.channels
    mean_C, std_C = torch.randn(channels), torch.rand(channels) + 0.1
    relative.mean_U.normal_()
    relative.std_U.uniform_(0.5, 2)
    features_BTC = torch.randn(2, 8, channels)
    changed_BTC = relative.to_relative(features_BTC, mean_C, std_C)
    back_BTC = relative.to_absolute(changed_BTC, mean_C, std_C)
    torch.testing.assert_close(back_BTC, features_BTC, atol=1e-4, rtol=1e-4)
    raised_BTC = features_BTC.clone()  # the whole body 0.3 m higher: relative heights stay
    heights = relative.heights_U
    root = tokenizer.config.feature_layout.root_height.start
    raised_BTC[..., root] += 0.3 / std_C[root]
    raised_BTC[..., heights] += 0.3 / std_C[heights]
    raised_BTC = relative.to_relative(raised_BTC, mean_C, std_C)
    torch.testing.assert_close(
        raised_BTC[..., heights], changed_BTC[..., heights], atol=1e-4, rtol=1e-4
    )


def test_parts_hold_every_channel_once():
    layout = TokenizerConfig().feature_layout
    channels = [c for part in ("lower", "upper") for c in layout.part_channels(part).tolist()]
    assert sorted(channels) == list(range(layout.channels))


def test_a_part_is_coded_by_its_own_channels_alone():
    tokenizer = small(CONFIGS["ours"])
    layout = tokenizer.config.feature_layout
    features_BTC = torch.randn(1, 64, layout.channels)
    changed_BTC = features_BTC.clone()
    changed_BTC[..., layout.part_channels("upper")] += 5.0
    before, after = (tokenizer.encode(x)[..., 0] for x in (features_BTC, changed_BTC))
    assert tokenizer.config.parts[0] == "lower"
    assert torch.equal(before, after)


def reach(gradient_N: Tensor, first: int, last: int) -> int:
    """How far beyond first..last a dependence goes, to either side."""
    touched = gradient_N.nonzero().flatten()
    return max(first - int(touched.min()), int(touched.max()) - last)


def test_the_measured_reach_is_the_declared_one(tokenizer: Tokenizer):
    config = tokenizer.config
    # Positive weights, so that no ReLU closes: a dependence must not vanish by chance
    part = tokenizer.double().part_tokenizers[0]
    for values in part.parameters():
        values.data.abs_().add_(0.01)
    per_token = config.frames_per_token
    places = FRAMES // per_token
    middle = places // 2
    own = (middle * per_token, (middle + 1) * per_token - 1)

    channels = len(part.channels_C)
    frames_TC = torch.ones(1, FRAMES, channels, dtype=torch.float64, requires_grad=True)
    part.encoder(frames_TC)[0, middle].sum().backward()
    assert frames_TC.grad is not None
    assert reach(frames_TC.grad[0].abs().sum(1), *own) == config.encoder_reach_frames

    latent = len(part.quantizers) * config.code_dim
    code_LD = torch.ones(1, places, latent, dtype=torch.float64)
    changed_LD = code_LD.clone()
    changed_LD[0, middle] += 1.0
    difference = (part.decoder(changed_LD) - part.decoder(code_LD))[0].abs().sum(1)
    assert reach(difference.where(difference > 1e-9, 0), *own) == config.decoder_reach_frames


def test_the_paper_sees_over_four_seconds_and_we_half_a_second():
    assert PAPER.encoder_reach_frames >= 4 * PAPER.feature_layout.fps
    ours = TokenizerConfig()
    assert ours.encoder_reach_frames <= 10
    assert ours.decoder_reach_frames <= 10


def test_training_lowers_the_error():
    torch.manual_seed(0)
    tokenizer = Tokenizer(TokenizerConfig(width=32, code_dim=8, codes=64)).train()
    layout = tokenizer.config.feature_layout
    optimiser = torch.optim.AdamW(tokenizer.parameters(), lr=2e-3)
    time_T = torch.arange(32) / 5
    wave_BTC = torch.sin(time_T[None, :, None] + torch.rand(16, 1, 1) * 6).expand(
        -1, -1, layout.channels
    )
    errors: list[float] = []
    for _ in range(25):
        passed = tokenizer(wave_BTC)
        error = (passed.reconstruction_BTC - wave_BTC).square().mean()
        optimiser.zero_grad()
        (error + 0.02 * passed.commitment).backward()
        optimiser.step()
        errors.append(error.item())
    assert errors[-1] < 0.8 * errors[0]
    assert tokenizer.codebooks_PKD.shape == (2, 64, 8)


def test_frames_that_are_padding_do_not_reach_the_codebook():
    torch.manual_seed(0)
    tokenizer = Tokenizer(TokenizerConfig(width=8, code_dim=4, codes=16)).train()
    features_BTC = torch.randn(4, 32, tokenizer.config.feature_layout.channels)
    valid_BT = torch.arange(32)[None].expand(4, -1) < 16
    noisy_BTC = torch.where(valid_BT[..., None], features_BTC, 1e4)
    passed = tokenizer(noisy_BTC, valid_BT)
    assert passed.commitment < 10
    assert tokenizer.codebooks_PKD.abs().max() < 100
