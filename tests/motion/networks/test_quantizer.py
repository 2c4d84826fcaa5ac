"""The codebook follows the encoder, and codes that nobody chooses come back to life."""

import torch
from torch import Tensor

from mmm_blender.motion.networks.quantizer import Quantizer, ScalarQuantizer

CENTRES = torch.tensor([[4.0, 0.0], [-4.0, 0.0], [0.0, 4.0], [0.0, -4.0]])


def clustered(rows: int, seed: int = 0, offset: float = 0.0) -> Tensor:
    """Vectors (rows, 1, 2) close to the four centres."""
    generator = torch.Generator().manual_seed(seed)
    which = torch.randint(4, (rows,), generator=generator)
    noise = 0.05 * torch.randn(rows, 2, generator=generator)
    return (CENTRES[which] + offset + noise)[:, None]


def trained(quantizer: Quantizer, calls: int, offset: float = 0.0) -> Quantizer:
    quantizer.train()
    for call in range(calls):
        quantizer(clustered(256, seed=call, offset=offset))
    return quantizer


def test_the_first_batch_places_the_codes():
    torch.manual_seed(0)
    quantizer = trained(Quantizer(16, 2), calls=1)
    assert torch.cdist(CENTRES, quantizer.codebook_KD).min(1).values.max() < 0.1
    passed = quantizer.eval()(clustered(256))
    assert passed.commitment < 0.01
    assert passed.perplexity > 3


def test_the_codebook_follows_by_its_moving_average():
    torch.manual_seed(0)
    quantizer = trained(Quantizer(4, 2), calls=1)
    before = quantizer.codebook_KD.clone()
    latent = clustered(512, seed=9, offset=0.5)
    tokens = quantizer.encode(latent)[:, 0]
    count = torch.bincount(tokens, minlength=4)
    total = torch.zeros(4, 2).index_add_(0, tokens, latent[:, 0])
    expected_count = 0.99 * quantizer.ema_count_K + 0.01 * count
    expected = (0.99 * quantizer.ema_sum_KD + 0.01 * total) / expected_count[:, None]
    quantizer(latent)
    torch.testing.assert_close(quantizer.codebook_KD, expected)
    assert not torch.equal(quantizer.codebook_KD, before)


def test_dead_codes_are_put_onto_vectors_every_twenty_calls():
    torch.manual_seed(0)
    quantizer = trained(Quantizer(8, 2), calls=1)
    with torch.no_grad():
        quantizer.codebook_KD[0] = quantizer.ema_sum_KD[0] = torch.tensor([500.0, 500.0])
        quantizer.ema_count_K[0] = 1e-3
    assert quantizer.dead_codes == 1
    trained(quantizer, calls=18)
    assert quantizer.dead_codes == 1, "not before its time"
    trained(quantizer, calls=1)
    assert quantizer.dead_codes == 0
    assert torch.cdist(quantizer.codebook_KD[:1], CENTRES).min() < 1.0


def test_evaluation_changes_nothing():
    torch.manual_seed(0)
    quantizer = trained(Quantizer(8, 2), calls=3).eval()
    before = {name: value.clone() for name, value in quantizer.state_dict().items()}
    for call in range(45):
        quantizer(clustered(64, seed=call, offset=1.0))
    for name, value in quantizer.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_a_batch_with_fewer_vectors_than_codes_starts_a_codebook():
    torch.manual_seed(0)
    quantizer = Quantizer(64, 2).train()
    passed = quantizer(clustered(10))
    assert torch.isfinite(quantizer.codebook_KD).all()
    assert passed.commitment < 0.01


def test_padding_has_no_part_in_the_codes():
    torch.manual_seed(0)
    latent = clustered(64)
    latent[::2] = 1000.0
    valid = torch.arange(64)[:, None] % 2 == 1
    quantizer = Quantizer(8, 2).train()
    for _ in range(24):
        quantizer(latent, valid)
    passed = quantizer(latent, valid)
    assert quantizer.codebook_KD.abs().max() < 10
    assert passed.commitment < 0.1


def test_gradients_pass_straight_through():
    quantizer = Quantizer(8, 2).train()
    latent = clustered(32).requires_grad_()
    quantizer(latent).vectors_BLD.sum().backward()
    assert latent.grad is not None
    assert torch.equal(latent.grad, torch.ones_like(latent))


def test_perplexity_is_the_number_of_codes_in_even_use():
    quantizer = Quantizer(4, 2)
    quantizer.codebook_KD.copy_(CENTRES)
    even = quantizer.eval()(CENTRES.repeat(10, 1)[:, None])
    assert abs(float(even.perplexity) - 4) < 0.01
    one = quantizer(CENTRES[:1].repeat(10, 1)[:, None])
    assert abs(float(one.perplexity) - 1) < 0.01


def test_it_computes_in_float32_under_autocast():
    quantizer = Quantizer(8, 2).train()
    with torch.autocast("cpu", torch.bfloat16):
        passed = quantizer(clustered(32).bfloat16())
    assert passed.vectors_BLD.dtype == torch.float32


def test_dead_codes_stay_dead_where_revival_is_off():
    torch.manual_seed(0)
    quantizer = trained(Quantizer(8, 2), calls=1)
    quantizer.revives = False
    with torch.no_grad():
        quantizer.codebook_KD[0] = quantizer.ema_sum_KD[0] = torch.tensor([500.0, 500.0])
        quantizer.ema_count_K[0] = 1e-3
    assert trained(quantizer, calls=40).dead_codes >= 1


def test_scalar_codes_are_a_grid_that_training_leaves_alone():
    quantizer = ScalarQuantizer((3, 5))
    before = quantizer.codebook_KD.clone()
    assert before.shape == (15, 2)
    assert sorted(set(before[:, 0].tolist())) == [-1.0, 0.0, 1.0]
    assert torch.equal(trained(quantizer, calls=25).codebook_KD, before)


def test_scalar_codes_are_the_nearest_ones_to_the_bounded_vector_and_pass_gradients():
    quantizer = ScalarQuantizer((3, 5)).train()
    latent = torch.randn(4, 6, 2, requires_grad=True)
    passed = quantizer(latent)
    distance = (latent.tanh()[..., None, :] - quantizer.codebook_KD).norm(dim=-1)
    assert torch.equal(passed.tokens_BL, distance.argmin(-1))
    torch.testing.assert_close(passed.vectors_BLD, quantizer.decode(passed.tokens_BL))
    passed.vectors_BLD.sum().backward()
    assert latent.grad is not None
    assert (latent.grad > 0).all()
