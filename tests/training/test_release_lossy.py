"""From a model of representations to a released one: learned codes, measured files, a card beside it."""

import json

import pytest

from recjax.codecs.lossy import compression as lossy
from recjax.codecs.lossy.encode import Effort
from recjax.models.inr import model as inr_model
from recjax.pretrained.cards import read_lossy_cards
from tests.representations import GOLDEN
from training.inr import release as release_lossy


def test_a_released_model_has_its_card(tiny_model, tmp_path):
    model, _ = tiny_model
    files = [{"bits_per_pixel": 2.5, "psnr_db": 30.0}, {"bits_per_pixel": 1.5, "psnr_db": 25.0}]
    path = release_lossy.write(inr_model.with_card(model, model.metadata | {"files": files}), tmp_path)
    (card,) = read_lossy_cards(tmp_path)
    loaded = inr_model.load_model(path)
    assert card.name == loaded.name == "tiny" and card.digest == loaded.digest == model.digest
    assert card.rates == ((1.5, 25.0), (2.5, 30.0)) and card.priors == model.rates
    assert card.patch == (8, 8, 3) and card.whole_pictures and card.latents == model.shape.variables
    assert card.parameters == 6 * (9 * 8 + 9 * 8 + 9 * 3) + 171 + 54 * 24 + 24 + 54 * 16 + 16
    assert card.file_bytes == path.stat().st_size
    (tmp_path / "tiny.json").write_text("{}")
    with pytest.raises(ValueError, match="is not the card of a released model"):
        read_lossy_cards(tmp_path)


@pytest.mark.slow
def test_codes_of_indices_are_learned_and_files_measured(tiny_model, tmp_path, monkeypatch):
    model, pictures = tiny_model
    monkeypatch.setattr(release_lossy, "LEARNING", Effort(20, 10))
    released = release_lossy.release(model, "mine", pictures[:8], pictures[8:12], "waves", Effort(50, 10))
    settings = lossy.make_settings(released)
    assert settings.histogram in released.index_counts and released.digest != model.digest
    assert lossy.make_settings(released, partition=False).histogram in released.index_counts
    path = release_lossy.write(released, tmp_path)
    stated = json.loads((tmp_path / "mine.json").read_text())["files"]
    assert [file["prior"] for file in stated] == [0, 1] and stated[0]["bits_per_pixel"] < stated[1]["bits_per_pixel"]
    data = lossy.compress(pictures[8:12], inr_model.load_model(path), effort=Effort(50, 10))
    assert len(data) == stated[1]["file_bytes"]


def test_a_model_of_unknown_data_is_one_sentence(tmp_path, capsys):
    command = [str(GOLDEN / "tiny.safetensors"), "--name", "mine", "--out", str(tmp_path)]
    assert release_lossy.main(command) == 1
    message = capsys.readouterr().err
    assert message.startswith("training.inr.release: the card of model 'tiny' must name its data")
    assert message.count("\n") == 1 and not list(tmp_path.iterdir())


def test_the_folder_is_named_and_no_model_in_it_replaced(tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        release_lossy.main([str(GOLDEN / "tiny.safetensors"), "--name", "mine"])
    assert stop.value.code == 2 and "--out" in capsys.readouterr().err
    (tmp_path / "mine.safetensors").write_text("another")
    assert release_lossy.main([str(GOLDEN / "tiny.safetensors"), "--name", "mine", "--out", str(tmp_path)]) == 1
    assert "mine.safetensors exists; name another model or folder, or add --force" in capsys.readouterr().err
    assert [path.read_text() for path in tmp_path.iterdir()] == ["another"]
