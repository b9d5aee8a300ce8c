import numpy as np
import pytest

from recjax import chunks, container
from recjax.codecs import report


@pytest.mark.parametrize("partition", [True, False])
def test_ideal_bits_are_those_of_the_file(partition, model, digits, one_by_one):
    settings = report.lossless.make_settings(model, "orc", partition, 64, 6.0)
    encoding = report.relative_entropy.encode(digits[:100], model, settings, seed=0)
    latent_bits, likelihood_bits = report.ideal_bits_of_searches(digits[:100], model, settings, encoding)
    file = container.read(encoding.data)
    message_bits = int(chunks.unpack_messages(file.chunk(0), 100).lengths_bits.sum())
    ideal_bits = (latent_bits + likelihood_bits).sum()
    print(f"{message_bits} bits in messages, ideal {ideal_bits:.1f}: {message_bits / ideal_bits - 1:+.4%}")
    assert latent_bits.shape == likelihood_bits.shape == (100,) and (likelihood_bits > 0).all()
    assert message_bits == pytest.approx(ideal_bits, rel=0.01)


def test_report_of_a_search(model, digits, one_by_one):
    told = report.encode_report(digits[:20], model, method="orc", partition=False, candidates=64, block_bits=6.0)
    assert np.array_equal(told.ideal_bits, told.latent_bits + told.likelihood_bits)
    assert told.bias is not None and 0 < told.bias["ks"] < 1 and 0 <= told.bias["ks_pvalue"] <= 1
    assert (told.initial_bits, told.exhausted) == (0, 0) and told.blocks > 1 and told.encode_seconds > 0
    assert container.read(told.data).header.count == 20


def test_report_of_a_chain(model, digits, golden):
    told = report.encode_report(digits[:8], model)
    assert told.data == golden["bb-ans"] and told.bias is None
    body_bits = 8 * (len(told.data) - container.read(told.data).offsets[0] - 4)
    assert 0 < told.initial_bits < body_bits
    # A few images, and a fresh draw of their latents, so the two agree only roughly.
    assert body_bits - told.initial_bits == pytest.approx(told.ideal_bits.sum(), rel=0.1)
