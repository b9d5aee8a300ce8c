"""Benchmarks of coders, training, files, costs and devices: the same work for all, and tables say what was seen."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
import rich.console

from experiments import config, registry
from experiments.benchmarks import pinned
from experiments.benchmarks.contenders import coder_ours, symbols, training_ours
from experiments.benchmarks.costs import report as costs_report
from experiments.benchmarks.device import report as device_report
from experiments.benchmarks.files import report as files_report
from experiments.benchmarks.speeds import report as speeds_report
from experiments.config import ConfigError, build, resolve

RESULTS = Path(__file__).resolve().parents[3] / "experiments" / "results"
CONFIGS = Path(__file__).resolve().parents[3] / "configs"
KINDS = ("binary", "tables", "normals")
needs_constriction = pytest.mark.skipif(
    importlib.util.find_spec("constriction") is None, reason="constriction comes with the extra bench"
)


@pytest.mark.parametrize("name", KINDS)
def test_a_message_has_the_bytes_that_its_laws_ask_for(name):
    task = coder_ours.prepare(name, 16)
    heads = 4 * symbols.LANES
    assert 0 <= task.facts["bytes"] - task.facts["ideal_bytes"] < 1.01 * heads + 0.01 * task.facts["ideal_bytes"]
    for code, amount in task.codes.values():
        code()
        assert amount == 16 * symbols.LANES


@needs_constriction
@pytest.mark.parametrize("name", KINDS)
def test_the_peer_codes_the_same_symbols_to_as_many_bytes(name):
    from experiments.benchmarks.contenders import coder_constriction

    task = coder_constriction.prepare(name, 16)
    for code, amount in task.codes.values():
        code()
        assert amount == 16 * symbols.LANES
    assert task.facts["bytes"] == pytest.approx(task.facts["ideal_bytes"], rel=0.01)
    assert task.facts["ideal_bytes"] == coder_ours.prepare(name, 16).facts["ideal_bytes"]


@pytest.mark.parametrize("name", KINDS)
def test_symbols_follow_their_laws(name):
    """So that neither coder is given what its distribution gives no mass."""
    drawn = symbols.draw(name, 16)
    again = symbols.draw(name, 16)
    assert np.array_equal(drawn.symbol, again.symbol) and drawn.symbol.min() >= 0
    entropy = {"binary": (0.5, 0.85), "tables": (3, 7), "normals": (2, 6)}[name]
    assert entropy[0] < drawn.ideal_bits / drawn.symbol.size < entropy[1]


@pytest.mark.parametrize("name", ["bernoulli", "beta_binomial", "discretised_logistic", "inr"])
def test_training_runs(name):
    ((code, amount),) = training_ours.prepare(name, 2 if name == "inr" else 200).codes.values()
    code()
    assert amount == (40 if name == "inr" else 200)


DEVICE = {"cpu_cores": 2, "machine": "x86_64", "vectors": "AVX2", "kind": "cpu", "count": 1, "backend": "cpu"}


def rows(turn: int):
    """Of a machine that halves its speed between the rounds."""
    for name, rate in (("coder_ours", 8e6), ("coder_constriction", 2e6)):
        rates = {"encode": [rate / 2**turn] * 3, "decode": [2 * rate / 2**turn] * 3}
        facts = {"bytes": 1010, "ideal_bytes": 1000.0}
        row = {"race": "bits", "contender": name, "round": turn, "package": f"{name} 1", "peak_megabytes": 99.6}
        yield row | {"rates": rates, "facts": facts}


def test_speeds_are_compared_within_rounds(tmp_path):
    race = {"label": "bits", "contenders": ["coder_constriction"]}
    result = {
        "config": {
            "title": "Symbols", "ours": "coder_ours", "codes": ["encode", "decode"], "unit": "million symbols/s",
            "unit_size": 1e6, "races": [race], "rounds": 2, "one_core": True, "remarks": ["Mind the gap."],
        },
        "rows": [row for turn in range(2) for row in rows(turn)], "left_out": [], "device": DEVICE,
    }  # fmt: skip
    (table,) = speeds_report.tables(result)
    assert table.rows[1] == ("bits", "encode", "constriction", "1.5", "4.0 (4.0 to 4.0)")
    assert table.rows[2] == ("bits", "decode", "recjax", "12.0", "-")
    assert "Peak memory of a process, its inputs included: recjax 100 MB, constriction 100 MB." in table.notes
    assert any("bits: recjax 1.00%" in note for note in table.notes)
    race["label"] = "bytes, a normal law each"
    for row in result["rows"]:
        row["race"] = race["label"]
    (table,) = speeds_report.tables(result)
    assert {row[0] for row in table.rows} == {"bytes, each with a normal distribution"}
    speeds_report.plot(result, tmp_path / "plot.png")
    assert (tmp_path / "plot.png").stat().st_size > 10_000


def test_files_name_the_fastest_setting_near_the_bound(tmp_path):
    def point(blocks, candidates, rate, share):
        speed = {"encode": rate, "decode": 5000.0}
        return {
            "blocks": blocks, "candidates": candidates, "payload_overhead": share, "images": 100,
            "images_per_second": speed,
        }  # fmt: skip

    result = {
        "config": {"rounds": 3, "peer_images": 5},
        "device": DEVICE,
        "chains": [
            {
                "model": "m", "bits_per_dim": 0.19, "images_per_second": {"encode": 20.0, "decode": 30.0}, "lanes": 2,
                "head_bytes": 8, "file_bytes": 16000, "first_seconds": {"encode": 1.0, "decode": 2.0},
            }
        ],
        "peers": [
            {"model": "m", "name": "gzip", "bits_per_dim": 0.8, "images_per_second": {"encode": 1.0, "decode": 2.0}}
        ],
        "alone": [point(1, 64, 4000.0, 0.02), point(2, 64, 2500.0, 0.014), point(2, 256, 200.0, 0.009)],
        "decoding": {"images": 100, "seconds": {"decode": [1.0, 6.0, 7.0]}},
    }  # fmt: skip
    chains, alone = files_report.tables(result)
    assert chains.rows == (
        ("m", "BB-ANS, all images in one stream", "0.190", "20", "30", "0.050%"),
        ("m", "gzip, one file per image", "0.800", "1", "2", "-"),
    )
    assert alone.notes[0].endswith("within 1.5% of -ELBO: 2 blocks of 64 candidates, 0.40 ms per image at 1.40%.")
    assert alone.notes[1].endswith("within 1.0% of -ELBO: 2 blocks of 256 candidates, 5.00 ms per image at 0.90%.")
    assert alone.notes[2] == "A file of 100 images is decoded in 6.0 s."
    result["alone"] = result["alone"][:1]
    assert files_report.tables(result)[1].notes[0].startswith("A file of 100 images")
    files_report.plot(result, tmp_path / "plot.png")
    assert (tmp_path / "plot.png").stat().st_size > 10_000


def test_costs_and_ceilings_are_told(tmp_path):
    curves = [
        {"of": of, "name": name, "points": [[1, 0.001], [10, 0.01]], "exponent": 1.0}
        for of, name in (("divergence", "PFR, plain"), ("batch", "partitioned ORC"), ("images", "bb-ans"))
    ]
    result = {"config": {"fit_from": 0.05, "dim": 8, "blocks": 4, "rounds": 3}, "device": DEVICE, "curves": curves}
    (table,) = costs_report.tables(result)
    assert table.rows[0][1:] == ("PFR without partition", "1 to 10", "1 to 10", "2^(1.00 KL)")
    assert [row[1] for row in table.rows[1:]] == ["ORC, partitioned", "BB-ANS"]
    costs_report.plot(result, tmp_path / "costs.png")
    assert (tmp_path / "costs.png").stat().st_size > 10_000
    rates = {"copied bytes": 1e10, "product operations": 1e11, "integer operations": 1e10}
    rates |= {"independent candidates": 1e6, "binned candidates": 1e6, "shared candidates": 1e9}
    case = {"kl_bits": [1.0] * 10, "candidates": 100}
    result = {"config": {"independent": case, "binned": case, "shared": case, "blocks": 4, "rounds": 3}}
    result |= {"device": DEVICE, "rates": rates}
    assert device_report.shares(result)["shared"] == ("product operations", pytest.approx(0.4))
    (table,) = device_report.tables(result)
    assert table.rows[-1] == ("candidates that blocks share", "1e+09", "10,000,000", "40% of product operations")
    device_report.plot(result, tmp_path / "device.png")
    assert (tmp_path / "device.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("path", "override", "words"),
    [
        ("bench_coder", "rounds=0", "at least one of rounds"),
        ("bench_coder", 'races.0.contenders=["nobody"]', "must be some of"),
        ("bench_coder", "races.0.size=0", "size of 'bits, a probability each'"),
        ("bench_coder", 'ours="nobody"', "'ours' must be one of"),
        ("bench_files", "rounds=0", "at least one of rounds"),
        ("bench_files", "alone.candidates=[]", "at least one of rounds"),
        ("bench_costs", "batches=[4, 1]", "'batches' must be at least two numbers that ascend"),
        ("bench_costs", "dim=0", "must be at least 1"),
        ("bench_device", "lanes=0", "lanes must be at least 1"),
    ],
)
def test_configs_that_cannot_be_used_are_explained(path, override, words):
    table = config.read(CONFIGS / f"{path}.toml")
    with pytest.raises(ConfigError, match=words):
        build(registry.runner(path).Config, resolve(table, overrides=[override]))


@pytest.mark.slow
@needs_constriction
@pytest.mark.parametrize("number", range(3))
def test_ratios_have_not_halved(number):
    """Of the coder: in one run on one core, so that the machine's speed does not count."""
    recorded = json.loads((RESULTS / "bench_coder.json").read_text())
    race = recorded["config"]["races"][number]
    ours, theirs = (
        pinned.contest(name, {"name": race["name"], "size": race["size"]}, 1.0)["rates"]
        for name in (recorded["config"]["ours"], race["contenders"][0])
    )
    for code in recorded["config"]["codes"]:
        before = np.median(speeds_report.ratios(recorded, race["label"], race["contenders"][0], code))
        assert np.median(ours[code]) / np.median(theirs[code]) > before / 2, code


def test_the_device_is_measured(tmp_path):
    table = resolve(config.read(CONFIGS / "bench_device.toml"), smoke=True)
    module = registry.runner("bench_device")
    result = module.run(build(module.Config, table), tmp_path, rich.console.Console(quiet=True))
    assert len(result["rates"]) == 6 and all(rate > 0 for rate in result["rates"].values())
