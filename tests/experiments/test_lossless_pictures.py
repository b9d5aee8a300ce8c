"""The experiment on lossless photographs, with random weights and two crops of a synthetic picture."""

import csv
import importlib.util
import json
from pathlib import Path

import jax
import numpy as np
import pytest

import recjax
from experiments import __main__ as command
from experiments import config
from experiments.baselines import pictures as peers
from experiments.baselines.names import JPEG_XL_7, JPEG_XL_9
from experiments.baselines.pictures import PictureCodec
from experiments.config import ConfigError
from experiments.lossless_pictures import names, report
from experiments.lossless_pictures import run as lossless_pictures
from experiments.reporting import headline, overview
from recjax.models.pixel_network.context import num_inputs
from recjax.models.pixel_network.convert import convert
from recjax.models.pixel_network.floats import initial_parameters
from recjax.models.pixel_network.model import PixelModel, load_model, save_model
from tests.representations import waves
from training import pictures

CONFIG = Path(__file__).resolve().parents[2] / "configs" / "lossless_pictures.toml"
BENCH = importlib.util.find_spec("imagecodecs") is not None
IMAGES = waves(2, 32)[:, :24]


def tiny_model():
    """A pixel network with random weights."""
    parameters = initial_parameters(jax.random.key(0), 3, (8,))
    rng = np.random.default_rng(0)
    inputs = [rng.normal(size=(64, num_inputs(3, channel))) for channel in range(3)]
    return PixelModel(convert(parameters, inputs), "tiny")


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Folder and result of a run on two small pictures."""
    folder = tmp_path_factory.mktemp("pictures")
    save_model(folder / "tiny.safetensors", tiny_model())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pictures, "load", lambda name, split: IMAGES)
        settings = [f"model={folder / 'tiny.safetensors'}", "pictures=2"]
        assert command.main([str(CONFIG), *settings, "--out", str(folder)]) == 0
    return folder, json.loads((folder / "result.json").read_text())


def as_if_all(result):
    """The result as if it were of all pictures of Kodak."""
    return result | {"data": result["data"] | {"count": names.ALL_PICTURES}, "rows": [
        row | {key: row[key][:1] * names.ALL_PICTURES for key in ("file_bytes", "bits_per_subpixel")}
        for row in result["rows"]
    ]}  # fmt: skip


def test_rates_are_those_of_files_that_decode(small):
    folder, result = small
    ours = names.rows_by_name(result)[names.OURS]
    model = load_model(folder / "tiny.safetensors")
    assert result["model"] == {"name": "tiny", "digest": model.digest}
    for number, (size, rate) in enumerate(zip(ours["file_bytes"], ours["bits_per_subpixel"], strict=True), 1):
        data = (folder / "files" / f"{number}.rjx").read_bytes()
        assert size == len(data) and rate == 8 * size / (24 * 32 * 3)
        np.testing.assert_array_equal(recjax.decompress(data, model=model)[0], IMAGES[number - 1])
    assert recjax.info(data)["method"] == lossless_pictures.METHOD
    assert ours["total_bytes"] == sum(ours["file_bytes"])
    assert ours["mean_bits_per_subpixel"] == pytest.approx(8 * ours["total_bytes"] / IMAGES.size)


def test_every_codec_is_measured_on_the_same_pictures(small):
    _, result = small
    assert [row["name"] for row in result["rows"]] == [names.OURS, *(codec.name for codec in peers.picture_codecs())]
    for row in result["rows"]:
        assert len(row["file_bytes"]) == 2 and row["settings"]
        for code in ("encode", "decode"):
            speed = 2 * 24 * 32 / 1e6 / sum(row["seconds"][code])
            assert row["megapixels_per_second"][code] == pytest.approx(speed)
    assert all(seconds > 0 for seconds in result["first_call_seconds"].values())


@pytest.mark.skipif(not BENCH, reason="JPEG XL needs imagecodecs")
def test_files_are_compared_with_those_of_jpeg_xl(small):
    _, result = small
    rows = names.rows_by_name(result)
    sizes = [rows[name]["file_bytes"] for name in (names.OURS, JPEG_XL_9)]
    assert result["smaller"] == {"than": JPEG_XL_9, "pictures": sum(map(int.__lt__, *sizes))}
    assert set(rows[JPEG_XL_7]["to_jpeg_xl_7"].values()) == {1.0}
    ratio = rows[names.OURS]["total_bytes"] / rows[JPEG_XL_7]["total_bytes"]
    assert rows[names.OURS]["to_jpeg_xl_7"]["bytes"] == ratio


def test_the_tables_hold_every_codec_and_picture(small):
    folder, result = small
    codecs = list(csv.reader((folder / "codecs.csv").read_text().splitlines()))
    assert [row[0] for row in codecs[1:]] == [row["name"] for row in result["rows"]]
    assert len((folder / "pictures.csv").read_text().splitlines()) == 1 + 2
    assert (folder / "plot.png").exists() and not (folder / "published.csv").exists()


def test_published_rates_stand_beside_those_of_all_pictures_only(small, tmp_path):
    _, result = small
    (tmp_path / "lossless_pictures.json").write_text(json.dumps(result))
    assert "published" not in headline.table(tmp_path) and "CALLIC" not in overview.papers(tmp_path)
    full = as_if_all(result)
    (tmp_path / "lossless_pictures.json").write_text(json.dumps(full))
    rate = f"{names.rows_by_name(full)[names.OURS]['mean_bits_per_subpixel']:.3f}"
    assert f"| {rate} |" in headline.table(tmp_path) and "2.54 (CALLIC, published)" in headline.table(tmp_path)
    assert f"| {rate} | 2.54 |" in overview.papers(tmp_path)
    table = report.tables(full)[-1]
    assert table.name == "published" and table.rows[0][0] == "CALLIC"


def test_our_files_alone_are_reported(small, tmp_path):
    _, result = small
    alone = [row | {"to_jpeg_xl_7": None} for row in result["rows"][:1]]
    result = result | {"rows": alone, "smaller": None, "left_out": "Other codecs were not measured."}
    codecs, shown = report.tables(result)
    assert len(codecs.rows) == 1 and codecs.notes[-1] == "Other codecs were not measured." and not shown.notes
    report.plot(result, tmp_path / "plot.png")
    assert (tmp_path / "plot.png").exists()


@pytest.mark.parametrize(("override", "words"), [("pictures=0", "at least 1"), ("crop=-1", "at least 0")])
def test_configs_that_cannot_be_used_are_explained(override, words):
    table = config.resolve(config.read(CONFIG), overrides=[override])
    with pytest.raises(ConfigError, match=words):
        config.build(lossless_pictures.Config, table)


def test_no_more_pictures_are_coded_than_there_are(monkeypatch):
    monkeypatch.setattr(pictures, "load", lambda name, split: IMAGES)
    with pytest.raises(ValueError, match="at most 2"):
        lossless_pictures._images(lossless_pictures.Config("lossless_pictures"))


@pytest.mark.parametrize("codec", peers.picture_codecs(), ids=lambda codec: codec.name)
def test_other_codecs_return_the_picture(codec):
    assert 0 < len(peers.measure(codec, IMAGES[0]).data) < IMAGES[0].size


def test_a_lossy_codec_is_refused():
    lossy = PictureCodec("lossy", lambda picture: b"", lambda data: np.zeros((1, 1, 3), np.uint8))
    with pytest.raises(RuntimeError, match="lossy must return the picture"):
        peers.measure(lossy, IMAGES[0])


def test_jpeg_xl_is_left_out_with_a_sentence_where_it_is_not_installed(monkeypatch):
    monkeypatch.setattr(peers, "_has_bench", lambda: False)
    assert "pip install" in peers.left_out()
    assert [codec.name for codec in peers.picture_codecs()] == ["WebP", "PNG"]


def test_whole_photographs_have_their_size():
    try:
        found = lossless_pictures._images(lossless_pictures.Config("lossless_pictures"))
    except ValueError as error:
        pytest.skip(str(error))
    assert found.shape == (names.ALL_PICTURES, 512, 768, 3)
