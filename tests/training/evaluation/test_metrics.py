import numpy as np
import pytest
from scipy.linalg import sqrtm

from mmm_blender.training.evaluation import metrics


def rng(seed: int = 0):
    return np.random.default_rng(seed)


def random_covariance(size: int, seed: int):
    root = rng(seed).normal(size=(size, size))
    return root @ root.T / size + 0.1 * np.eye(size)


def test_frechet_distance_of_known_gaussians_in_closed_form():
    # diagonal covariances commute: |a - b|^2 + sum (sqrt(A) - sqrt(B))^2
    a, b = np.array([1.0, 2.0, 3.0]), np.array([0.0, 2.0, 5.0])
    var_a, var_b = np.array([1.0, 4.0, 9.0]), np.array([4.0, 4.0, 1.0])
    wanted = 1 + 0 + 4 + (1 - 2) ** 2 + 0 + (3 - 1) ** 2
    assert metrics.frechet_distance(a, np.diag(var_a), b, np.diag(var_b)) == pytest.approx(wanted)


def test_frechet_distance_against_scipys_matrix_root():
    cov_a, cov_b = random_covariance(12, 1), random_covariance(12, 2)
    a, b = rng(3).normal(size=12), rng(4).normal(size=12)
    root = np.real(sqrtm(cov_a @ cov_b))
    wanted = ((a - b) ** 2).sum() + np.trace(cov_a + cov_b - 2 * root)
    assert metrics.frechet_distance(a, cov_a, b, cov_b) == pytest.approx(wanted, rel=1e-9)


def test_frechet_distance_needs_no_full_rank():
    flat = np.zeros((5, 5))
    flat[0, 0] = 4.0
    zero = np.zeros(5)
    assert metrics.frechet_distance(zero, flat, zero, flat) == pytest.approx(0, abs=1e-9)
    assert metrics.frechet_distance(zero, flat, zero, np.zeros((5, 5))) == pytest.approx(4)


def test_fid_of_samples_finds_the_shift_between_them():
    same = rng(1).normal(size=(4000, 6))
    other = rng(2).normal(size=(4000, 6)) + np.array([2.0, 0, 0, 0, 0, 0])
    assert metrics.fid(same, same) == pytest.approx(0, abs=1e-8)
    assert metrics.fid(same, other) == pytest.approx(4.0, rel=0.1)
    assert metrics.fid(same, other) == pytest.approx(metrics.fid(other, same))


def test_a_perfect_matcher_is_right_every_time():
    rows = rng().normal(size=(32, 16))
    assert metrics.r_precision(rows, rows).tolist() == [1, 1, 1]
    assert metrics.matching_distance(rows, rows) == 0


def test_a_random_matcher_is_at_chance():
    shares = [
        metrics.r_precision(rng(2 * at).normal(size=(32, 8)), rng(2 * at + 1).normal(size=(32, 8)))
        for at in range(300)
    ]
    assert np.mean(shares, axis=0) == pytest.approx(np.array([1, 2, 3]) / 32, abs=0.01)


def test_a_matcher_that_always_says_the_same_is_wrong():
    same = np.ones((32, 4))
    assert metrics.r_precision(same, same).tolist() == [0, 0, 0]


def test_ranks_count_the_motions_that_lie_nearer():
    text = np.array([[0.0], [10.0], [20.0]])
    motion = np.array([[1.0], [16.0], [17.0]])
    assert metrics.ranks(text, motion).tolist() == [0, 0, 0]
    assert metrics.ranks(text, motion[[1, 0, 2]]).tolist() == [1, 2, 0]
    assert metrics.r_precision(text, motion[[1, 0, 2]]) == pytest.approx([1 / 3, 2 / 3, 1])


def test_matching_distance_is_the_mean_distance_of_pairs():
    text = np.zeros((2, 2))
    assert metrics.matching_distance(text, np.array([[3.0, 4.0], [0.0, 1.0]])) == pytest.approx(3)


def test_diversity_of_a_gaussian_in_closed_form():
    # the distance of two points of N(0, I) in two dimensions: sqrt(2) times a Rayleigh mean
    points = rng().normal(size=(20000, 2))
    wanted = np.sqrt(2) * np.sqrt(np.pi / 2)
    assert metrics.diversity(points, 20000, rng(1)) == pytest.approx(wanted, rel=0.02)


def test_diversity_never_pairs_a_row_with_itself():
    two = np.array([[0.0], [1.0]])
    assert metrics.diversity(two, 500, rng()) == 1.0


def test_multimodality_looks_within_groups_alone():
    groups = [np.array([[0.0], [2.0]]), np.array([[100.0], [104.0]])]
    assert metrics.multimodality(groups, 50, rng()) == pytest.approx(3.0)


def test_an_interval_is_the_normal_one():
    interval = metrics.Interval.of([1.0, 2.0, 3.0])
    assert interval.mean == 2.0
    assert interval.half == pytest.approx(1.96 / np.sqrt(3))
    assert metrics.Interval.of([5.0]) == metrics.Interval(5.0, 0.0)
    assert str(metrics.Interval(0.5, 0.01)) == "0.500 ±0.010"


def test_distances_are_euclidean():
    a, b = rng().normal(size=(5, 3)), rng(1).normal(size=(7, 3))
    wanted = np.linalg.norm(a[:, None] - b, axis=-1)
    assert metrics.distances(a, b) == pytest.approx(wanted)


def test_a_batch_holds_different_labels_and_every_row_comes_up():
    labels = ["a"] * 5 + ["b"] * 2 + ["c"]
    seen: set[int] = set()
    for at in range(60):
        rows = metrics.distinct_batch(labels, 2, rng(at))
        assert len({labels[row] for row in rows}) == 2
        seen |= set(rows.tolist())
    assert seen == set(range(8))
    assert len(metrics.distinct_batch(labels, 32, rng())) == 3


def test_the_same_seed_gives_the_same_figures():
    points = rng().normal(size=(50, 4))
    assert metrics.diversity(points, 20, rng(7)) == metrics.diversity(points, 20, rng(7))
    assert metrics.diversity(points, 20, rng(7)) != metrics.diversity(points, 20, rng(8))
