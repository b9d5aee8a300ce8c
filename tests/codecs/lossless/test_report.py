import numpy as np
import pytest

from recjax.codecs.lossless import report
from recjax.container import chunks
from recjax.container import file as container
from recjax.rec import diagnostics


@pytest.mark.parametrize("partition", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_ideal_bits_are_those_of_the_file(partition, model, digits, one_by_one):
    settings = report.lossless.make_settings(model, "orc", partition, 64, 6.0)
    encoding = report.relative_entropy.encode(digits[:100], model, settings, seed=0)
    latent_bits, likelihood_bits = report.ideal_bits_of_searches(digits[:100], model, settings, encoding, seed=0)
    file = container.read(encoding.data)
    message_bits = int(chunks.unpack_messages(file.chunk(0), 100).lengths_bits.sum())
    ideal_bits = (latent_bits + likelihood_bits).sum()
    print(f"{message_bits} bits in messages, ideal {ideal_bits:.1f}: {message_bits / ideal_bits - 1:+.4%}")
    assert latent_bits.shape == likelihood_bits.shape == (100,) and (likelihood_bits > 0).all()
    assert message_bits == pytest.approx(ideal_bits, rel=0.01)


def test_report_of_a_search(model, digits, one_by_one):
    told = report.encode_report(digits[:20], model, method="orc", partition=False, candidates=64, block_bits=6.0)
    assert np.array_equal(told.ideal_bits, told.latent_bits + told.likelihood_bits)
    assert told.draws is not None and told.draws.uniforms.shape == told.draws.residuals.shape == (20, model.latents)
    for known in (told.draws.uniforms, told.draws.log_ratio_ranks):
        assert (known >= 0).all() and (known <= 1).all()
    assert (told.initial_bits, told.exhausted) == (0, 0) and told.blocks > 1 and told.encode_seconds > 0
    assert container.read(told.data).header.count == 20


def test_report_of_a_chain(model, digits, golden):
    told = report.encode_report(digits[:8], model)
    assert told.data == golden["bb-ans"] and told.draws is None
    body_bits = 8 * (len(told.data) - container.read(told.data).offsets[0] - 4)
    assert 0 < told.initial_bits < body_bits
    # A few images, and a fresh draw of their latents, so the two agree only roughly.
    assert body_bits - told.initial_bits == pytest.approx(told.ideal_bits.sum(), rel=0.1)


@pytest.mark.slow
def test_exact_searches_show_no_bias_and_short_ones_do(model, digits):
    images = digits[:200]

    def measured(method, candidates, block_bits):
        settings = report.lossless.make_settings(model, method, False, candidates, block_bits)
        return diagnostics.bias(report.draw_again(images, model, settings, seed=0))

    exact, short = measured("pfr", 1 << 16, 6.0), measured("orc", 16, 32.0)
    assert min(exact.ks_pvalue, exact.log_ratio_pvalue) > 1e-3 and abs(exact.mmd2) < 0.005
    assert max(short.ks_pvalue, short.log_ratio_pvalue) < 1e-6 and short.mmd2 > 0.05
