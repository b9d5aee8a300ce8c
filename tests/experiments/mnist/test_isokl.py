"""The experiment on IsoKL VAEs: end to end on digits, and what its notes say of figures."""

import copy
import csv
import json

import numpy as np
import pytest

from experiments.config import ConfigError
from experiments.mnist.isokl import report as mnist_isokl_report
from experiments.mnist.isokl import rows as scalar_rows
from experiments.mnist.isokl import run as mnist_isokl
from experiments.mnist.isokl.notes import verdicts
from recjax.codecs.lossless import compression as lossless
from recjax.models.vae.evaluate import load_model
from training import data


def model_of(posterior, rate, over, latents, elbo=1.3, pixels=100):
    """What notes need of a model with a single code of depths."""
    code = {
        "payload_bits_per_dim": rate,
        "seeds_payload_bits_per_dim": [0.99 * rate, 1.01 * rate],
        "over_kl_bits_per_latent": over,
    }
    rows = [
        {"method": method, "max_depth": 5 if method == "dad-star" else None, "codes": {"zeta": code}}
        for method in ("ad-star", "dad-star")
    ]
    return {
        "trained_latents": 20,
        "latents": latents,
        "posterior": posterior,
        "pixels": pixels,
        "exact_bits_per_dim": elbo,
        "exact_kl_bits": 40.0,
        "rows": rows,
    }


@pytest.mark.parametrize(
    ("rate", "elbo", "words"),
    [
        (1.4, 1.3, "needs 6.7% ± 0.0 fewer bits than the VAE with AD* ("),
        (1.6, 1.35, "needs 6.7% ± 0.0 more bits than the VAE with AD* ("),
        (1.6, 1.2, "-10.0 in -ELBO and +20.0 in what the coders add to it."),
        (1.45, 1.32, "+2.0 in -ELBO and -7.0 in what the coders add to it."),
    ],
)
def test_a_comparison_states_the_difference_and_its_parts(rate, elbo, words):
    usual, isokl = model_of("normal", 1.5, 2.0, 18), model_of("isokl", rate, 1.5, 20, elbo)
    (text,) = verdicts({"models": [usual, isokl]})
    assert words in text
    assert "1.50 bits over KL for each of 20 latents of 2.00 bits of KL, against 2.00 for each of 18" in text
    assert f"{100 * (rate - 1.5):+.1f} bits/image: {100 * (elbo - 1.3):+.1f} in -ELBO" in text


def test_models_without_a_partner_have_no_verdict():
    assert verdicts({"models": [model_of("isokl", 1.5, 2.0, 20)]}) == ()
    other = {**model_of("normal", 1.5, 2.0, 20), "trained_latents": 50}
    assert verdicts({"models": [model_of("isokl", 1.5, 2.0, 20), other]}) == ()


def test_the_depth_covers_nearly_all_latents():
    model = load_model("digits")
    images = data.load("digits", "train").images[:100]
    kl_bits = scalar_rows.kl_bits(model, images)
    depth = scalar_rows.depth_for(model, images, 0)
    assert np.mean(kl_bits > depth) < 0.002 < np.mean(kl_bits > depth - 2)
    assert scalar_rows.depth_for(model, images, 2) == depth + 2
    assert scalar_rows.depth_for(model, images, 20) == scalar_rows.MOST_DEPTH


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("models=[]", "'models' must have at least one entry"),
        ("models.1.name=mnist-vae-20", "must differ from the others"),
        ("depth_slack=-1", "depth_slack must lie in 0 ... 6"),
        ("images_per_seed=0", "images_per_seed must be at least 1"),
        ("models.0.train.weight_bits=4", "weight_bits must be 8 or 16"),
    ],
)
def test_configs_that_cannot_be_used_are_explained(settings, override, words):
    with pytest.raises(ConfigError, match=words):
        settings("mnist_isokl", override)


def test_the_shipped_config_has_pairs_of_models_that_differ_in_their_posterior_alone(settings):
    config = settings("mnist_isokl")
    assert isinstance(config, mnist_isokl.Config) and len(config.models) == 6
    assert len({source.train for source in config.models}) == 1 and config.models[0].train.weight_bits == 8
    shapes = [(source.vae.posterior, source.vae.latents) for source in config.models]
    assert shapes == [(kind, latents) for kind in ("normal", "isokl") for latents in (20, 50, 100)]


@pytest.mark.slow
def test_files_of_one_search_are_those_of_searches_of_their_own(tmp_path, small_run):
    result, folder = small_run("mnist_isokl")
    usual, isokl = result["models"]
    for one in (usual, isokl):
        raw, arithmetic, ad, dad = one["rows"]
        for row in one["rows"]:
            for code in row["codes"].values():
                parts = code["code_bits_per_image"] / 64 + row["likelihood_bits_per_dim"]
                assert code["payload_bits_per_dim"] == pytest.approx(parts, rel=0.02)
                assert code["payload_bits_per_dim"] < code["file_bits_per_dim"]
        # One search: the same samples, told by branches in two codes.
        assert raw["depth"] == arithmetic["depth"] and raw["steps"] == arithmetic["steps"]
        assert raw["likelihood_bits_per_dim"] == arithmetic["likelihood_bits_per_dim"]
        assert dad["steps"] == 2 ** (dad["max_depth"] + 1) - 1 and ad["searches"] == 2 * 8 * one["latents"]
    assert isokl["kappa_bits"] > 0 and usual["kappa_bits"] is None

    model = load_model(folder / "digits-ikvae-2" / "model.safetensors")
    images = data.load("digits", "test").images[:8]
    for code in ("zeta", "delta"):
        file = lossless.compress(images, model, method="ad-star", index_code=code)
        assert 8 * len(file) / images.size < 1.3 * isokl["rows"][2]["codes"][code]["file_bits_per_dim"]
        settings = scalar_rows.settings_of(model, "ad-star", None, code, 0)
        before = scalar_rows.relative_entropy.encode(images, model, settings, seed=0)
        again = scalar_rows.relative_entropy.encode(images, model, settings, seed=0, found_before=before)
        assert before.data == again.data == file


@pytest.mark.slow
def test_tables_have_a_row_for_each_coder_model_and_published_figure(small_run):
    result, folder = small_run("mnist_isokl")
    head, *rows = csv.reader((folder / "coders.csv").read_text().splitlines())
    assert tuple(head) == mnist_isokl_report.CODER_COLUMNS and len(rows) == 8
    assert "unconfirmed" in (folder / "published.md").read_text().splitlines()[0]
    assert (folder / "plot.png").exists()
    assert "2 latents: the IKVAE with DAD*" in (folder / "coders.md").read_text()
    # Tables are made from the JSON alone, which they leave as it is.
    before = copy.deepcopy(result)
    assert len(mnist_isokl_report.tables(result)) == 3 and json.dumps(before) == json.dumps(result)
