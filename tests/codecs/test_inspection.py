"""What Python says about a file is what the command line says, and a file is compared with its images."""

import json

import numpy as np
import pytest

import recjax
from recjax.cli.main import main
from recjax.codecs.lossy.encode import Effort


@pytest.fixture(scope="module")
def data(golden):
    return golden["orc"]


def told(capsys, *arguments) -> dict:
    assert main([*map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_info_is_that_of_the_command_line(data, tmp_path, capsys):
    path = tmp_path / "digits.rjx"
    path.write_bytes(data)
    assert {"file": str(path), **recjax.info(data)} == told(capsys, "info", path)


def test_info_reads_all_checksums(golden):
    data = golden["bb-ans"]
    with pytest.raises(recjax.FormatError, match="the checksum of chunk 0 is wrong"):
        recjax.info(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(recjax.FormatError, match="raise max_bytes"):
        recjax.info(data, max_bytes=100)


def test_verify_is_that_of_the_command_line(data, digits, tmp_path, capsys):
    path, images = tmp_path / "digits.rjx", tmp_path / "digits.npy"
    path.write_bytes(data)
    np.save(images, digits[:8])
    facts = told(capsys, "verify", path, "--against", images)
    assert facts == {"file": str(path), "good": True, "against": str(images), **recjax.verify(data, digits[:8])}


def test_verify_compares_and_can_do_without(data, digits):
    assert recjax.verify(data)["images"] == 8
    with pytest.raises(ValueError, match="the images of the file are not those of the array; compress them again"):
        recjax.verify(data, digits[1:9])
    with pytest.raises(ValueError, match="images of shape 8x8x8, and the array those of 7x8x8"):
        recjax.verify(data, digits[:7])


def test_verify_measures_a_lossy_file(tiny_model):
    model, pictures = tiny_model
    data = recjax.compress_lossy(pictures[:2], model, effort=Effort(10, 0), candidates=16, block_bits=3.0)
    decoded = recjax.decompress(data, model=model)
    mse = np.mean((decoded.astype(float) - pictures[:2]) ** 2, axis=(1, 2, 3))
    facts = recjax.verify(data, pictures[:2], model=model)
    assert facts["psnr_db"] == round(float(np.mean(10 * np.log10(255**2 / mse))), 2)
    assert recjax.verify(data, model=model)["psnr_db"] is None
