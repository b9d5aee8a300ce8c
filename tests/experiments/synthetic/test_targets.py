"""Gaussian targets: closed forms, evidence of bias, and codelengths."""

import jax.numpy as jnp
import numpy as np
import pytest

from experiments.reporting import verdicts
from experiments.synthetic import codelength
from experiments.synthetic import targets as synthetic
from recjax import rec
from recjax.distributions.divergences import kl_bits, renyi_infinity_bits
from recjax.rec import diagnostics


def test_divergences_of_the_targets_are_those_of_the_library():
    noise = np.random.default_rng(0).standard_normal((6, 3))
    made = synthetic.targets(np.array([0.0, 1.5, 4.0]), noise)
    np.testing.assert_allclose(made.kl_bits, kl_bits(made.normal, synthetic.PRIOR), atol=1e-5)
    found = np.asarray(renyi_infinity_bits(made.normal, synthetic.PRIOR))
    expected = np.array([1.5, 4.0]) + noise[:, 1:] ** 2 / (2 * np.log(2))
    np.testing.assert_allclose(found[:, 1:], expected, atol=2e-2)


def test_the_kl_that_a_bin_leaves():
    # From an independent simulation.
    made = synthetic.Targets(np.array([[1.0], [2.0]]), np.array([[0.25], [0.05]]))
    assert synthetic.residual_kl_bits(made, [4])[0] == pytest.approx(0.50, abs=0.01)
    assert synthetic.residual_kl_bits(made, [64])[1] == pytest.approx(0.53, abs=0.01)
    np.testing.assert_allclose(synthetic.residual_kl_bits(made, [1]), made.kl_bits[:, 0])


def test_evidence_of_exact_samples_shows_no_bias_and_of_others_does():
    rng = np.random.default_rng(1)
    made = synthetic.targets(np.array([1.0, 2.0]), rng.standard_normal((800, 2)))
    for factor, exact in ((1.0, True), (1.5, False)):
        draws = synthetic.evidence(made, made.mean + factor * made.scale * rng.standard_normal((800, 2)), 0)
        found = diagnostics.bias(draws)
        assert (found.ks < found.ks_limit) == (found.log_ratio_pvalue > 0.01) == exact
        assert diagnostics.ks_distance(draws.uniforms).max() == pytest.approx(found.ks)


def test_a_longer_mean_index_makes_a_longer_code_of_small_indices():
    short, long = (
        synthetic.learned_code_bits(synthetic.Lengths(3.0, mean, 4.0, 0.0), jnp.array([1, 2], jnp.uint32), 64)
        for mean in (1.0, 4.0)
    )
    assert (short < long).all() and short[0] > 3.0


def test_codelengths_of_indices_and_paths():
    # The lengths that Elias 1975 gives.
    numbers = np.array([1, 2, 3, 4, 8, 16, 32, 64])
    np.testing.assert_array_equal(codelength.delta_bits(numbers), [1, 4, 4, 5, 8, 9, 10, 11])
    depth = jnp.array([[0, 3], [1, 4], [2, 63]], jnp.uint32)
    found = codelength.in_sample_bits(rec.Path(depth, jnp.zeros((3, 2, 2), jnp.uint32)), (3, 2), 20)
    np.testing.assert_array_equal(found.delta, codelength.delta_bits(np.asarray(depth) + 1) + depth)
    # The masses of each column sum to 1, but for what its table keeps for larger indices, and depend on its mean alone.
    index = jnp.stack([jnp.arange(1, 65), jnp.ones(64)], axis=1).astype(jnp.uint32)
    zeta = codelength.in_sample_bits(rec.Code(jnp.zeros((64, 2, 1), jnp.uint32), index), (64, 2), 6, [0.0, 3.0]).zeta
    assert np.exp2(-zeta[:, 0]).sum() == pytest.approx(1, abs=3e-3)
    np.testing.assert_allclose(zeta[:, 1], 3, atol=1e-2)


def row(size, p_value, exhausted=0, unsuited=0):
    return {"bits": size, "bias_ks_pvalue": p_value, "bias_log_ratio_pvalue": 0.5, "runs": 100} | {
        "exhausted": exhausted,
        "unsuited": unsuited,
    }


def test_the_smallest_size_without_a_detected_bias():
    rows = [row(3, 1e-9), row(4, 0.3), row(5, 1e-3), row(6, 0.2), row(7, 0.9)]
    # A bias that shows at 5 was there at 4 too.
    assert verdicts.smallest_undetected(rows, "bits")["bits"] == 6
    assert verdicts.smallest_undetected(rows[:3], "bits") is None


def test_searches_that_fall_short_are_marked():
    assert [verdicts.flagged(row(1, 0.5, *short)) for short in ((0, 0), (1, 1), (2, 0), (0, 97))] == [
        False,
        False,
        True,
        True,
    ]
    assert verdicts.largest_of(0.01, 63) == pytest.approx(0.469, abs=1e-3)
