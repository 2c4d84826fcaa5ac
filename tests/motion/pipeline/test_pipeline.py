"""From a prompt to a clip: lengths, seeds, limits, cancelling."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mmm_blender.common.arrays import IntArray
from mmm_blender.common.errors import MMMError
from mmm_blender.geometry.feet.foot_locking import pin_feet
from mmm_blender.geometry.skeleton import LOWER_JOINTS
from mmm_blender.motion.config import SamplerConfig, TokenizerConfig
from mmm_blender.motion.loaded_bundle import load_bundle
from mmm_blender.motion.networks.bundle_file import save_bundle
from mmm_blender.motion.networks.tokenizer import Tokenizer
from mmm_blender.motion.networks.transformer import MaskedTransformer
from mmm_blender.motion.pipeline.pipeline import Cancelled, GenerateRequest, MotionPipeline
from mmm_blender.motion.text import TextEncoder

WALK = GenerateRequest("a person walks forward", seconds=2.0, seed=7)


def test_a_prompt_becomes_a_clip(generator: MotionPipeline):
    result = generator.generate(WALK)
    assert result.clip.rotations_TJ4.shape == (40, 22, 4)
    assert result.clip.root_T3.shape == (40, 3)
    assert result.clip.fps == 20
    assert not result.clip.twist_estimated
    assert np.isfinite(result.clip.rotations_TJ4).all()
    assert result.tokens_LP.shape == (10, 2)
    assert result.tokens_LP.max() < 24
    assert (result.seed, result.sampler) == (7, SamplerConfig())


@pytest.mark.parametrize(
    ("seconds", "frames", "tokens"), [(0.2, 4, 1), (1.0, 20, 5), (1.05, 21, 6), (9.8, 196, 49)]
)
def test_lengths_are_cut_to_the_frame(
    generator: MotionPipeline, seconds: float, frames: int, tokens: int
):
    result = generator.generate(replace(WALK, seconds=seconds))
    assert result.clip.frames == frames
    assert len(result.tokens_LP) == tokens


def test_equal_requests_give_equal_clips(generator: MotionPipeline):
    first, second = generator.generate(WALK), generator.generate(WALK)
    assert np.array_equal(first.tokens_LP, second.tokens_LP)
    assert np.array_equal(first.clip.rotations_TJ4, second.clip.rotations_TJ4)
    assert np.array_equal(first.clip.root_T3, second.clip.root_T3)


def test_seeds_and_prompts_make_a_difference(generator: MotionPipeline):
    tokens = generator.generate(WALK).tokens_LP
    for other in (replace(WALK, seed=8), replace(WALK, prompt="a person jumps")):
        assert not np.array_equal(generator.generate(other).tokens_LP, tokens)


def test_a_batch_gives_what_single_requests_give(generator: MotionPipeline):
    requests = [WALK, replace(WALK, seconds=6.0), replace(WALK, prompt="jump", seed=3)]
    for request, result in zip(requests, generator.generate_batch(requests), strict=True):
        assert np.array_equal(result.tokens_LP, generator.generate(request).tokens_LP)


def test_tokens_of_an_earlier_result_are_decoded_again(generator: MotionPipeline):
    first = generator.generate(WALK)
    steps: list[int] = []
    replay = replace(WALK, prompt="anything", seed=0, tokens_LP=first.tokens_LP)
    again = generator.generate(replay, on_step=lambda done, _total: steps.append(done))
    assert not steps
    assert again.clip.rotations_TJ4.tobytes() == first.clip.rotations_TJ4.tobytes()
    assert again.clip.root_T3.tobytes() == first.clip.root_T3.tobytes()
    mixed = generator.generate_batch([replace(WALK, seed=9), replay, WALK])
    assert [np.array_equal(each.tokens_LP, first.tokens_LP) for each in mixed] == [
        False,
        True,
        True,
    ]
    with pytest.raises(MMMError, match="steps do not fit"):
        generator.generate(replace(replay, seconds=3.0))


@pytest.mark.parametrize(("fps", "frames"), [(0.0, 40), (24.0, 48), (23.976, 48), (60.0, 120)])
def test_a_clip_comes_at_the_rate_that_is_asked_for(
    generator: MotionPipeline, fps: float, frames: int
):
    clip = generator.generate(replace(WALK, fps=fps)).clip
    assert (clip.fps, clip.frames) == (fps or 20.0, frames)


def test_feet_are_pinned_unless_told_otherwise(generator: MotionPipeline):
    loose = generator.generate(replace(WALK, pin_feet=False)).clip
    pinned = generator.generate(WALK).clip
    legs = list(LOWER_JOINTS[1:])
    others = [joint for joint in range(22) if joint not in legs]
    assert np.array_equal(pinned.rotations_TJ4[:, others], loose.rotations_TJ4[:, others])
    assert np.array_equal(pinned.root_T3, loose.root_T3)
    assert np.array_equal(pinned.rotations_TJ4, pin_feet(loose).clip.rotations_TJ4)


def test_an_empty_batch_is_no_work(generator: MotionPipeline):
    assert generator.generate_batch([]) == []


def test_one_batch_has_one_sampler(generator: MotionPipeline, greedy: SamplerConfig):
    with pytest.raises(MMMError, match="sampler"):
        generator.generate_batch([WALK, replace(WALK, sampler=greedy)])


def test_greedy_needs_no_seed(generator: MotionPipeline, greedy: SamplerConfig):
    first, second = (
        generator.generate(replace(WALK, seed=seed, sampler=greedy)).tokens_LP for seed in (1, 2)
    )
    assert np.array_equal(first, second)


def test_guidance_changes_the_tokens_and_one_is_none(
    generator: MotionPipeline, greedy: SamplerConfig
):
    def tokens(guidance: float, prompt: str = WALK.prompt) -> IntArray:
        sampler = replace(greedy, guidance=guidance)
        return generator.generate(replace(WALK, prompt=prompt, sampler=sampler)).tokens_LP

    assert np.array_equal(tokens(1.0), generator.generate(replace(WALK, sampler=greedy)).tokens_LP)
    prompts = [f"{count} steps" for count in range(8)]
    assert any(not np.array_equal(tokens(1.0, each), tokens(6.0, each)) for each in prompts)


@pytest.mark.parametrize("prompt", ["", "   ", "\n\t"])
def test_an_empty_prompt(generator: MotionPipeline, prompt: str):
    with pytest.raises(MMMError, match="prompt is empty"):
        generator.generate(replace(WALK, prompt=prompt))


def test_a_prompt_of_10000_characters(generator: MotionPipeline):
    with pytest.raises(MMMError, match=r"10,000 characters.*2,000"):
        generator.generate(replace(WALK, prompt="walk " * 2000))


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan"), float("inf"), 9.9, 1e9])
def test_seconds_out_of_range_name_the_range(generator: MotionPipeline, seconds: float):
    with pytest.raises(MMMError, match=r"0\.2 to 9\.8 seconds"):
        generator.generate(replace(WALK, seconds=seconds))


def test_a_length_from_a_float32_property_is_in_range(generator: MotionPipeline):
    result = generator.generate(replace(WALK, seconds=float(np.float32(9.8))))
    assert result.clip.frames == 196


@pytest.mark.parametrize("seed", [-1, 2**63])
def test_a_seed_out_of_range(generator: MotionPipeline, seed: int):
    with pytest.raises(MMMError, match="seed"):
        generator.generate(replace(WALK, seed=seed))


def test_progress_and_cancelling(generator: MotionPipeline):
    steps: list[tuple[int, int]] = []
    request = replace(WALK, seconds=9.8)
    generator.generate(request, on_step=lambda done, total: steps.append((done, total)))
    assert steps == [(done, 10) for done in range(11)]
    with pytest.raises(Cancelled):
        generator.generate(request, cancelled=lambda: True)


def test_info_says_what_a_person_wants_to_know(generator: MotionPipeline):
    info = generator.info
    assert info["name"] == "tiny"
    assert info["licence"] == "CC0-1.0"
    assert info["layout"] == "smpl_269"
    assert info["parts"] == ["lower", "upper"]
    assert (info["min_seconds"], info["max_seconds"]) == (0.2, 9.8)
    assert len(info["hash"]) == 64
    assert info["parameters"] > 10_000


def test_the_text_encoder_must_fit(tiny_bundle: Path, text_encoder: TextEncoder):
    class Wider:
        width = 99
        encode = text_encoder.encode

    with pytest.raises(MMMError, match=r"12 numbers.*99"):
        MotionPipeline(load_bundle(tiny_bundle), Wider())


def test_an_unknown_kind_of_text_encoder_is_refused(tiny_bundle: Path):
    with pytest.raises(MMMError, match="fake"):
        MotionPipeline.load(tiny_bundle)


def test_an_upper_body_model_does_not_make_a_whole_body(
    generator: MotionPipeline, tiny_tokenizer: Tokenizer, text_encoder: TextEncoder, tmp_path: Path
):
    config = replace(
        generator.config,
        transformer=replace(generator.config.transformer, predicted_parts=("upper",)),
    )
    network = MaskedTransformer(
        config.transformer, tiny_tokenizer.config, tiny_tokenizer.codebooks_PKD
    )
    save_bundle(tmp_path / "upper", config, tiny_tokenizer, network)
    upper = MotionPipeline(load_bundle(tmp_path / "upper"), text_encoder)
    assert upper.info["predicted_parts"] == ["upper"]
    with pytest.raises(MMMError, match="do not make the lower body"):
        upper.generate(WALK)


@pytest.mark.parametrize(("layout", "fps"), [("humanml3d_263", 20), ("kit_251", 12.5)])
def test_layouts_without_true_rotations_are_fitted(
    generator: MotionPipeline, text_encoder: TextEncoder, tmp_path: Path, layout: str, fps: float
):
    tokenizer = Tokenizer(
        TokenizerConfig(layout=layout, parts=("all",), width=8, code_dim=4, codes=24)
    )
    tokenizer.part_tokenizers[0].quantizers[0].codebook_KD.normal_()
    network = MaskedTransformer(
        generator.config.transformer, tokenizer.config, tokenizer.codebooks_PKD
    )
    config = replace(generator.config, tokenizer=tokenizer.config)
    save_bundle(tmp_path / layout, config, tokenizer, network)
    result = MotionPipeline(load_bundle(tmp_path / layout), text_encoder).generate(WALK)
    assert result.clip.twist_estimated
    assert result.clip.fps == fps
    assert result.clip.frames == round(2 * fps)
    assert np.isfinite(result.clip.rotations_TJ4).all()
