"""From a result's JSON to tables, a plot and the README."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from experiments import quickstart_report, record, report
from experiments.baselines import ONE_STREAM, PER_IMAGE


def method(label, name, *, partition=False, rate, code, bias=None, initial_bits=0.0):
    return {
        "label": label,
        "access": ONE_STREAM if name == "bb-ans" else PER_IMAGE,
        "method": {"name": name, "partition": partition, "candidates": 1024, "block_bits": 8.0},
        "file_bits_per_dim": rate,
        "file_bits_per_dim_se": None,
        "ideal_bits_per_dim": 1.4 + code,
        "likelihood_bits_per_dim": 1.4,
        "code_bits_per_dim": code,
        "code_bits_per_image": 64 * code,
        "initial_bits": initial_bits,
        "overhead": rate / 2.0 - 1.0,
        "overhead_after_initial_bits": rate / 2.0 - 1.0,
        "encode_images_per_second": 1234.0,
        "decode_images_per_second": 56789.0,
        "bias_ks": bias,
        "bias_ks_pvalue": bias and 0.5,
    }


def example_result():
    images = np.random.default_rng(0).integers(0, 17, (10, 8, 8), dtype=np.uint8)
    speeds = {"encode_images_per_second": 10.0, "decode_images_per_second": 20.0}
    return {
        "experiment": "quickstart",
        "smoke": False,
        "config": {"seeds": [0]},
        "device": {"kind": "cpu", "cpu_cores": 2},
        "data": {
            "name": "digits", "split": "test", "count": 10, "shape": [8, 8], "levels": 17, "pixels": 640,
            "examples": {"shape": [3, 8, 8], "hex": images[:3].tobytes().hex()},
        },
        "model": {
            "minus_elbo_bits_per_dim": 2.0,
            "minus_elbo_bits_per_dim_se": 0.01,
            "kl_bits_per_image": 33.0,
            "conversion_loss": 1e-4,
        },
        "methods": [
            method("BB-ANS", "bb-ans", rate=2.05, code=0.6, initial_bits=64.0),
            method("ORC", "orc", rate=2.4, code=0.9, bias=0.2),
            method("ORC, partitioned", "orc", partition=True, rate=2.2, code=0.7, bias=0.01),
        ],
        "baselines": [
            {"name": name, "access": access, "file_bits_per_dim": rate, **speeds}
            for name, access, rate in (("gzip", PER_IMAGE, 7.9), ("gzip", ONE_STREAM, 3.1))
        ],
    }  # fmt: skip


def test_the_table_keeps_one_stream_and_per_image_apart():
    (table,) = quickstart_report.tables(example_result())
    rows = {row[0]: dict(zip(table.columns, row, strict=True)) for row in table.rows}
    whole, single = table.columns[1:3]
    assert (rows["BB-ANS"][whole], rows["BB-ANS"][single]) == ("2.050", "-")
    assert (rows["ORC"][whole], rows["ORC"][single]) == ("-", "2.400")
    assert (rows["gzip"][whole], rows["gzip"][single]) == ("3.100", "7.900")
    assert rows["-ELBO of the VAE"]["ideal bits/dim"] == "2.000 ± 0.010"
    assert rows["-ELBO of the VAE"]["latent code, bits/image"] == "KL 33.0"
    assert rows["ORC, partitioned"]["over -ELBO"] == "10.0%"


def test_the_notes_state_initial_bits_and_compare_at_equal_budgets():
    (table,) = quickstart_report.tables(example_result())
    notes = "\n".join(table.notes)
    assert "BB-ANS: 64 initial bits (0.100 bits/dim)" in notes and "+2.50%" in notes
    assert (
        "1,024 candidates a block and blocks of 8 bits" in notes
        and "2.100 against 2.300" in notes
        and "0.010 against 0.200" in notes
    )


def test_render_writes_every_format_and_a_plot(tmp_path):
    written = report.render(example_result(), tmp_path)
    assert (
        sorted(written)
        == sorted(path.name for path in tmp_path.iterdir())
        == ["plot.png", "table.csv", "table.md", "table.tex"]
    )
    with Image.open(tmp_path / "plot.png") as picture:
        assert min(picture.size) > 400 and len(np.unique(np.asarray(picture.convert("L")))) > 20


def test_publishing_fills_the_readme_and_is_stable(tmp_path):
    run, results, readme = tmp_path / "run", tmp_path / "results", tmp_path / "README.md"
    record.write_json(run / report.RESULT, example_result())
    report.render(example_result(), run)
    readme.write_text("a\n<!-- generated: quickstart -->\nold\n<!-- end of generated -->\nb\n")
    report.publish(run, results, readme)
    text = readme.read_text()
    assert text.startswith("a\n<!-- generated: quickstart -->\n**10 test images") and text.endswith(
        "<!-- end of generated -->\nb\n"
    )
    assert "old" not in text and "| BB-ANS | 2.050 |" in text
    assert report.rendered_readme(text, results) == text
    assert {path.name for path in results.iterdir()} == {"quickstart.json", "quickstart.png"}


def test_a_block_without_a_result_is_left_alone(tmp_path):
    text = "<!-- generated: nothing -->\nx\n<!-- end of generated -->"
    assert report.rendered_readme(text, tmp_path) == text


def test_smoke_runs_are_not_recorded(tmp_path):
    record.write_json(tmp_path / report.RESULT, example_result() | {"smoke": True})
    with pytest.raises(ValueError, match="without --smoke"):
        report.publish(tmp_path, tmp_path / "results", tmp_path / "README.md")


@pytest.mark.parametrize("form", report.FORMATS)
def test_the_command_prints_a_table(form, tmp_path, capsys):
    record.write_json(tmp_path / "r.json", example_result())
    assert report.main([str(tmp_path / "r.json"), "--format", form]) == 0
    assert "BB-ANS" in capsys.readouterr().out


def test_json_has_no_nan(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        record.write_json(tmp_path / "r.json", {"x": float("nan")})
    assert not list(tmp_path.iterdir())


def test_provenance_names_versions_and_device_but_no_machine():
    found = record.provenance()
    assert found["versions"]["jax"] and found["device"]["backend"] in {"cpu", "gpu", "tpu"}
    assert str(Path.home()) not in json.dumps(found)


@pytest.mark.parametrize("path", sorted((report.HERE / "reference").glob("*.json")), ids=lambda path: path.stem)
def test_published_figures_have_a_source_and_a_status(path):
    reference = report.load(path)
    assert (
        reference["source"]
        and reference["unit"]
        and reference["status"] in {"CONFIRMED", "RECALLED"}
        and reference["rows"]
    )
