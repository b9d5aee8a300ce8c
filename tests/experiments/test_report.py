"""From a result's JSON to tables, a plot, and the documents that show them."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from experiments import provenance as record
from experiments import registry, report
from experiments.baselines.lossless import ONE_STREAM, PER_IMAGE
from experiments.quickstart import report as quickstart_report
from experiments.reporting import documents, pages


def method(label, name, *, partition=None, rate, code, bias=None, initial_bits=0.0, exhausted=0):
    measured = {"ks": bias, "ks_limit": 0.0314, "ks_pvalue": 0.4, "log_ratio_ks": 0.123, "log_ratio_pvalue": 1e-9}
    measured |= {"mmd2": -0.00012, "draws": 2000}
    return {
        "label": label,
        "access": ONE_STREAM if name == "bb-ans" else PER_IMAGE,
        "method": {"name": name, "partition": partition, "candidates": 1024, "block_bits": 8.0},
        "file_bits_per_dim": rate,
        "file_bits_per_dim_se": None,
        "container_bits_per_dim": 0.02,
        "ideal_bits_per_dim": 1.4 + code,
        "ideal_bits_per_dim_se": None,
        "likelihood_bits_per_dim": 1.4,
        "code_bits_per_dim": code,
        "code_bits_per_image": 64 * code,
        "initial_bits": initial_bits,
        "overhead": rate / 2.0 - 1.0,
        "overhead_after_initial_bits": rate / 2.0 - 1.0,
        "encode_images_per_second": 1234.0,
        "decode_images_per_second": 56789.0,
        "searches": 3000,
        "exhausted_searches": exhausted,
        **{f"bias_{key}": None if bias is None else value for key, value in measured.items()},
    }


def example_result():
    images = np.random.default_rng(0).integers(0, 17, (10, 8, 8), dtype=np.uint8)
    speeds = {"encode_images_per_second": 10.0, "decode_images_per_second": 20.0}
    return {
        "experiment": "quickstart",
        "smoke": False,
        "config": {"seeds": [0]},
        "seconds": {"total": 7.0},
        "device": {"kind": "cpu", "cpu_cores": 2},
        "data": {
            "name": "digits", "split": "test", "count": 10, "shape": [8, 8], "levels": 17, "pixels": 640,
            "examples": {"shape": [3, 8, 8], "hex": images[:3].tobytes().hex()},
        },
        "model": {
            "file_bytes": 1234567,
            "minus_elbo_bits_per_dim": 2.0,
            "minus_elbo_bits_per_dim_se": 0.01,
            "kl_bits_per_image": 33.0,
            "conversion_loss": 1e-4,
        },
        "methods": [
            method("BB-ANS", "bb-ans", rate=2.05, code=0.6, initial_bits=64.0),
            method("PFR", "pfr", partition=True, rate=2.25, code=0.7, bias=0.02, exhausted=45),
            method("ORC", "orc", partition=False, rate=2.4, code=0.9, bias=0.2),
            method("ORC, partitioned", "orc", partition=True, rate=2.2, code=0.7, bias=0.01),
        ],
        "baselines": [
            {"name": name, "access": access, "file_bits_per_dim": rate, **speeds}
            for name, access, rate in (("gzip", PER_IMAGE, 7.9), ("gzip", ONE_STREAM, 3.1))
        ],
    }  # fmt: skip


def test_the_table_keeps_one_stream_and_per_image_apart():
    table, _ = quickstart_report.tables(example_result())
    rows = {row[0]: dict(zip(table.columns, row, strict=True)) for row in table.rows}
    whole, single = table.columns[1:3]
    assert (rows["BB-ANS"][whole], rows["BB-ANS"][single]) == ("2.050", "-")
    assert (rows["ORC"][whole], rows["ORC"][single]) == ("-", "2.400")
    assert (rows["gzip"][whole], rows["gzip"][single]) == ("3.100", "7.900")
    assert rows["-ELBO of the VAE"]["ideal, bits/dim"] == "2.000 ± 0.010"
    assert rows["-ELBO of the VAE"]["code of latents, bits/image"] == "KL 33.0"
    assert rows["ORC, partitioned"]["file over -ELBO"] == "10.0%"


def test_the_notes_state_initial_bits_and_compare_at_equal_budgets():
    notes = "\n".join(quickstart_report.tables(example_result())[0].notes)
    assert "BB-ANS: 64 initial bits (0.100 bits/dim)" in notes and "+2.50%" in notes
    assert (
        "1,024 candidates per block and blocks of 8 bits" in notes
        and "2.100 against 2.300" in notes
        and "0.010 (p 0.4) and of the log ratio" in notes
        and "against 0.200 (p 0.4) and of the log ratio" in notes
    )


def test_the_notes_say_what_is_not_counted_and_the_rate_of_uncompressed_pixels():
    notes = "\n".join(quickstart_report.tables(example_result())[0].notes)
    assert "a file of 1,234,567 bytes, whose size is not counted" in notes
    assert "Uncompressed: 8 bits/dim as bytes, log2 17 = 4.09 as grey levels" in notes
    assert "without the decoding by which `recjax compress` verifies a file" in notes


def test_the_bias_stands_beside_what_exact_samples_reach():
    first, second = quickstart_report.tables(example_result())
    rows = {row[0]: row[-1] for row in first.rows}
    assert (rows["ORC"], rows["BB-ANS"]) == ("0.200 (p 0.4)", "-")
    notes = "\n".join(first.notes)
    assert "0 when exact" not in notes
    assert "2,000 draws" in notes and "exact samples stay below 0.031 in 95% of cases" in notes
    assert [row[0] for row in second.rows] == ["PFR", "ORC", "ORC, partitioned"]
    assert second.rows[0][1:] == ("0.123 (p < 1e-6)", "-0.00012")


def test_a_note_says_how_many_searches_the_budget_of_the_pfr_ended():
    notes = [note for note in quickstart_report.tables(example_result())[0].notes if note.startswith("PFR: ")]
    assert notes == [
        "PFR: its samples are exact unless a search ends at the budget of 1,024 candidates per block, "
        "as 1.5% did (45 of 3,000)."
    ]


def test_without_a_search_there_is_no_table_of_biases():
    result = example_result()
    result["methods"] = result["methods"][:1]
    (table,) = quickstart_report.tables(result)
    assert not any(note.startswith("bias") for note in table.notes)


def test_the_parts_of_a_bar_are_the_file():
    for row in example_result()["methods"]:
        parts = quickstart_report.parts_of(row, 640)
        assert sum(parts) == pytest.approx(row["file_bits_per_dim"]) and min(parts) > 0


@pytest.mark.parametrize(("rate", "own"), [(1.95, 0.12), (2.11, 0.12), (2.5, 0.5)])
def test_what_a_chain_needs_for_itself_is_never_below_what_is_known(rate, own):
    row = method("BB-ANS", "bb-ans", rate=rate, code=0.6, initial_bits=64.0)
    parts = quickstart_report.parts_of(row, 640)
    assert parts[2] == pytest.approx(own) and parts[0] / parts[1] == pytest.approx(1.4 / 0.6)
    assert sum(parts) == pytest.approx(rate)


def test_a_plot_hides_no_negative_part(tmp_path):
    result = example_result()
    result["methods"][1]["file_bits_per_dim"] = 2.0
    with pytest.raises(ValueError, match=r"PFR.*must not be negative"):
        quickstart_report.plot(result, tmp_path / "plot.png")


def test_render_writes_every_format_and_a_plot(tmp_path):
    written = report.render(example_result(), tmp_path)
    assert (
        sorted(written)
        == sorted(path.name for path in tmp_path.iterdir())
        == ["bias.csv", "bias.md", "bias.tex", "plot.png", "table.csv", "table.md", "table.tex"]
    )
    with Image.open(tmp_path / "plot.png") as picture:
        assert min(picture.size) > 400 and len(np.unique(np.asarray(picture.convert("L")))) > 20


@pytest.fixture
def run(tmp_path):
    record.write_json(tmp_path / "run" / report.RESULT, example_result())
    report.render(example_result(), tmp_path / "run")
    return tmp_path / "run"


def test_publishing_makes_a_page_and_is_stable(run, tmp_path):
    report.publish(run, tmp_path)
    results = tmp_path / documents.RESULTS
    assert {path.name for path in results.iterdir()} == {"quickstart.json", "quickstart.png", "quickstart.md"}
    text = (results / "quickstart.md").read_text()
    assert text.startswith("# Every method on small digits\n") and "](quickstart.png)" in text
    assert "| BB-ANS | 2.050 |" in text and "| ORC | 0.123 (p < 1e-6) |" in text and "took 7 s on 2 CPU cores" in text
    assert not documents.outdated(tmp_path)
    (results / "quickstart.md").write_text(text.replace("2.050", "2.049"))
    assert report.write_documents(tmp_path) == [results / "quickstart.md"]
    assert (results / "quickstart.md").read_text() == text


def test_blocks_of_a_document_are_filled_and_the_rest_stays(tmp_path):
    text = "a\n<!-- generated: x -->\nold\n<!-- end of generated -->\nb\n"
    filled = documents.filled(text, {"x": lambda results: f"{results.name}\n"}, tmp_path / "new")
    assert filled == text.replace("old", "new")


@pytest.mark.parametrize("blocks", [{}, {"y": str}, {"x": str, "y": str}])
def test_a_document_has_the_blocks_that_are_rendered_for_it(blocks, tmp_path):
    text = "<!-- generated: x -->\n<!-- end of generated -->"
    with pytest.raises(ValueError, match=r"once each, got x; correct its markers"):
        documents.filled(text, blocks, tmp_path)


def test_every_experiment_has_a_page():
    assert pages.PAGES.keys() == registry.EXPERIMENTS.keys()


def test_smoke_runs_are_not_recorded(tmp_path):
    record.write_json(tmp_path / report.RESULT, example_result() | {"smoke": True})
    with pytest.raises(ValueError, match="without --smoke"):
        report.publish(tmp_path, tmp_path)


@pytest.mark.parametrize("form", report.FORMATS)
def test_the_command_prints_a_table(form, tmp_path, capsys):
    record.write_json(tmp_path / "r.json", example_result())
    assert report.main([str(tmp_path / "r.json"), "--format", form]) == 0
    assert "BB-ANS" in capsys.readouterr().out


@pytest.mark.parametrize("text", [None, "[1]", "{}", "{", '{"experiment": "other"}'])
def test_what_is_no_result_is_explained(text, tmp_path, capsys):
    path = tmp_path / "r.json"
    if text is not None:
        path.write_text(text)
    assert report.main([str(path)]) == 1
    message = capsys.readouterr().err
    assert message.startswith("experiments.report: ") and message.count("\n") == 1


def test_the_check_of_documents_says_what_to_do(tmp_path, monkeypatch, capsys):
    path = documents.ROOT / "README.md"
    monkeypatch.setattr(documents, "outdated", lambda root=None: {path: "new"})
    assert report.main(["--documents", "--check"]) == 1
    message = capsys.readouterr().err
    assert "README.md must show what is recorded" in message and "without --check" in message
    monkeypatch.setattr(documents, "outdated", lambda root=None: {tmp_path / "README.md": "new"})
    assert report.main(["--documents"]) == 0 and (tmp_path / "README.md").read_text() == "new"
    monkeypatch.setattr(documents, "outdated", lambda root=None: {})
    assert report.main(["--documents", "--check"]) == 0


@pytest.mark.parametrize("value", [float("nan"), float("inf"), np.float64("-inf")])
def test_json_has_finite_numbers_only(value, tmp_path):
    with pytest.raises(ValueError, match=r"rows\.1\.x .* of r\.json must be finite"):
        record.write_json(tmp_path / "r.json", {"rows": [{"x": 1.0}, {"x": value}]})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("answer", "known"), [(None, None), ("", False), (" M file", True)])
def test_changes_are_unknown_without_git(answer, known, monkeypatch):
    monkeypatch.setattr(record, "_git", lambda *arguments: answer)
    assert record.provenance()["uncommitted_changes"] is known


def test_provenance_names_versions_and_device_but_no_machine():
    found = record.provenance()
    assert found["versions"]["jax"] and found["device"]["backend"] in {"cpu", "gpu", "tpu"}
    assert str(Path.home()) not in json.dumps(found)


@pytest.mark.parametrize("path", sorted((report.HERE / "reference").glob("*.json")), ids=lambda path: path.stem)
def test_published_figures_have_a_source_and_a_status(path):
    reference = json.loads(path.read_text(encoding="utf-8"))
    assert (
        reference["source"]
        and reference["unit"]
        and reference["status"] in {"CONFIRMED", "RECALLED", "UNCONFIRMED"}
        and reference["rows"]
    )
