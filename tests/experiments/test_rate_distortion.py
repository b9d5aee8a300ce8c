"""The experiment on rate and distortion, with a tiny model and two codecs, and its curves."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from experiments import __main__ as command
from experiments import config
from experiments.baselines import lossy as lossy_peers
from experiments.config import ConfigError
from experiments.rate_distortion import curves as rate_distortion_curves
from experiments.rate_distortion import run as rate_distortion
from experiments.rate_distortion.notes import rows_of
from tests.representations import GOLDEN, waves
from training import pictures

CONFIGS = Path(__file__).resolve().parents[2] / "configs"

# As the config of CIFAR-10, with blocks for so small a model.
CONFIG = f"""
experiment = "cifar10_rate_distortion"
pictures = 3
shared_steps = 10
first_steps = 10
one_by_one = 1
shown = 2
peer_settings = 3
[model]
name = "{GOLDEN / "tiny.safetensors"}"
[[ways]]
label = "partition"
candidates = 64
block_bits = 4.0
steps_between = 0
priors = [0]
[[ways]]
label = "6-bit blocks"
partition = "none"
candidates = 64
block_bits = 6.0
index_codes = ["uniform", "zeta", "learned"]
steps_between = 0
fill = true
priors = [0]
"""


@pytest.fixture(scope="module")
def smoke(tmp_path_factory):
    """Folder and result of a smoke run on pictures of waves."""
    folder = tmp_path_factory.mktemp("rates")
    every = lossy_peers._peers()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pictures, "load", lambda name, split: waves(3, 8))
        patch.setattr(lossy_peers, "_peers", lambda: [peer for peer in every if peer.name in ("JPEG", "WebP")])
        (folder / "config.toml").write_text(CONFIG)
        assert command.main([str(folder / "config.toml"), "--out", str(folder)]) == 0
    return folder, json.loads((folder / "result.json").read_text())


def test_rates_are_those_of_files(smoke):
    folder, result = smoke
    assert result["data"]["count"] == 3 and len(result["rows"]) == 1 + 2
    for row in result["rows"]:
        assert row["bits_per_pixel"] == 8 * (folder / row["file"]).stat().st_size / (3 * 64)
        assert 5 < row["psnr_db"] < 60 and row["encode_seconds"] > 0
        assert row["alone_bits_per_pixel"] > row["bits_per_pixel"]
    assert [row["index_code"] for row in rows_of(result, "partition")] == ["zeta"]
    # The model has learned no codes; both others are of one search.
    (uniform,), (zeta,) = rows_of(result, "6-bit blocks"), rows_of(result, "6-bit blocks", "zeta")
    assert uniform["psnr_db"] == zeta["psnr_db"] and uniform["bits_per_pixel"] != zeta["bits_per_pixel"]


def test_the_timed_batch_and_other_codecs_have_figures(smoke):
    _, result = smoke
    assert result["timing"]["ratio"] > 0 and result["timing"]["batch_pictures"] == 3
    assert sorted(result["peers"]) == ["JPEG", "WebP"] and "AVIF" in result["left_out"]
    for points in result["peers"].values():
        rates = [point["bits_per_pixel"] for point in points]
        assert len(points) == 3 and rates == sorted(rates)
        assert all(point["net_bits_per_pixel"] < point["bits_per_pixel"] for point in points)


def test_the_tables_hold_every_file_and_codec(smoke):
    folder, _ = smoke
    rows = list(csv.reader((folder / "rates.csv").read_text().splitlines()))
    assert {row[0] for row in rows[1:]} >= {"partitioned", "6-bit blocks"}
    assert len((folder / "peers.csv").read_text().splitlines()) == 1 + 2 * 3
    assert (folder / "plot.png").exists()


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("ways.1.label=partition", "labels of 'ways' must differ"),
        ("pictures=0", "pictures must be at least 1"),
        ("peer_settings=1", "peer_settings must be at least 2"),
    ],
)
def test_configs_that_cannot_be_used_are_explained(override, words):
    table = config.resolve(config.read(CONFIGS / "cifar10_rate_distortion.toml"), overrides=[override])
    with pytest.raises(ConfigError, match=words):
        config.build(rate_distortion.Config, table)


def test_curves_leave_out_points_that_others_beat():
    rows = [{"bits_per_pixel": bits, "psnr_db": psnr} for bits, psnr in ((1.0, 20.0), (2.0, 19.0), (2.0, 26.0))]
    bits, psnr = rate_distortion_curves.curve(rows)
    assert bits.tolist() == [1.0, 2.0] and psnr.tolist() == [20.0, 26.0]
    assert rate_distortion_curves.rate_at(bits, psnr, 23.0) == pytest.approx(np.sqrt(2))
    assert rate_distortion_curves.psnr_at(bits, psnr, np.sqrt(2)) == pytest.approx(23.0)
    assert rate_distortion_curves.rate_at(bits, psnr, 27.0) is None
    assert rate_distortion_curves.psnr_at(bits, psnr, 0.5) is None


def test_savings_are_of_bits_at_equal_quality():
    others = [{"bits_per_pixel": bits, "psnr_db": psnr} for bits, psnr in ((1.0, 20.0), (2.0, 26.0))]
    ours = [{"bits_per_pixel": bits, "psnr_db": psnr} for bits, psnr in ((0.9, 20.0), (1.0, 23.0), (5.0, 30.0))]
    assert rate_distortion_curves.savings(ours, others) == pytest.approx([0.1, 1 - np.sqrt(0.5)])
    assert rate_distortion_curves.savings(ours, others[:1]) == []
    (saved,) = rate_distortion_curves.savings_either_way(others, [{"bits_per_pixel": 2.0, "psnr_db": 20.0}])
    assert saved == pytest.approx(0.5)


@pytest.mark.parametrize("peer", lossy_peers.peers(2), ids=lambda peer: peer.name)
def test_other_codecs_show_more_with_more_bits(peer):
    coarse, fine = lossy_peers.curve(peer, np.repeat(np.repeat(waves(2, 16), 2, axis=1), 2, axis=2))
    assert coarse["bits_per_pixel"] < fine["bits_per_pixel"] and coarse["psnr_db"] < fine["psnr_db"]
