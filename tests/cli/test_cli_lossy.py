"""The command line on lossy files: a picture to a file and back, and what is said to wrong requests."""

import re

import numpy as np
import pytest

from recjax.cli import main as cli
from recjax.codecs.lossy import compression as lossy
from recjax.codecs.lossy.encode import Effort
from recjax.images.files import read_images, write_images
from tests.representations import GOLDEN, waves

MODEL = str(GOLDEN / "tiny.safetensors")


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(lossy.EFFORTS, "quick", Effort(60, 10))
    write_images(tmp_path / "wave.png", waves(1, 8))

    def run(*arguments):
        code = cli.main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def test_a_picture_becomes_a_file_and_a_picture(run, tmp_path):
    options = ("--method", "inr", "--effort", "quick", "--candidates", 64, "--block-bits", 4, "--model", MODEL)
    code, out, err = run("compress", "wave.png", "wave.rjx", "--bpp", 12, *options)
    assert code == 0, err
    size = (tmp_path / "wave.rjx").stat().st_size
    assert re.fullmatch(
        rf"wave\.rjx: 1 picture, {size} bytes, {8 * size / 64:.3f} bits per pixel, [\d.]+ dB\. Coded by inr with "
        r"the model tiny\.\n",
        out,
    )
    code, out, err = run("decompress", "wave.rjx", "shown.png", "--model", MODEL)
    assert code == 0, err
    shown = read_images(tmp_path / "shown.png")
    psnr = lossy.psnr(shown, waves(1, 8))[0]
    code, out, err = run("verify", "wave.rjx", "--model", MODEL, "--against", "wave.png")
    assert (code, err) == (0, "") and f"{psnr:.2f} dB against wave.png" in out
    assert psnr > 15 and np.array_equal(shown.shape, (1, 8, 8, 3))
    code, out, _ = run("info", "wave.rjx")
    assert code == 0 and "inr" in out
    code, out, err = run("info", GOLDEN / "inr-photo.rjx")
    assert (code, err) == (0, "") and "13x11" in out
    code, _, err = run("decompress", "wave.rjx", "other.png", "--model", "digits")
    assert code == 1 and "there is no model of representations 'digits'" in err and err.count("\n") == 1
    assert not (tmp_path / "other.png").exists()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--method", "orc", "--bpp", 1), "orc has no use for bpp, which belongs to inr"),
        (("--method", "bb-ans", "--effort", "quick"), "bb-ans has no use for effort"),
        (("--method", "inr", "--blocks", 2, "--model", MODEL), "inr has no use for blocks"),
        (("--method", "inr", "--bpp", 0, "--model", MODEL), "bpp must lie above 0"),
        (
            ("--method", "inr", "--index-code", "delta", "--model", MODEL),
            "invalid choice 'delta' for argument '--index-code'",
        ),
        (("--method", "inr", "--candidates", 100, "--model", MODEL), "power of two"),
        (("--model", "cifar10"), "the model cifar10 is of lossy files; add --method inr"),
    ],
)
def test_wrong_usage_gets_a_sentence(run, tmp_path, options, told):
    code, out, err = run("compress", "wave.png", "out.rjx", *options)
    assert (code, out) == (2, "") and told in err and err.count("\n") == 1
    assert not (tmp_path / "out.rjx").exists()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--model", "nothing"), "there is no model of representations 'nothing'"),
        (("--bpp", 0.5, "--model", MODEL), "0.5 bits per pixel are too few for 1 of 8x8 pixels"),
    ],
)
def test_what_cannot_be_done_gets_a_sentence(run, tmp_path, options, told):
    code, out, err = run("compress", "wave.png", "out.rjx", "--method", "inr", *options)
    assert (code, out) == (1, "") and told in err and err.count("\n") == 1
    assert not (tmp_path / "out.rjx").exists()


def test_grey_and_large_pictures_are_told(run, tmp_path):
    write_images(tmp_path / "grey.png", waves(1, 8)[..., 0])
    code, _, err = run("compress", "grey.png", "out.rjx", "--method", "inr")
    assert code == 1 and "inr codes RGB pictures, got the shape 8x8" in err
    write_images(tmp_path / "large.png", waves(1, 16))
    code, _, err = run("compress", "large.png", "out.rjx", "--method", "inr", "--model", MODEL)
    assert code == 1 and "codes pictures of 8x8, got 16x16" in err and not (tmp_path / "out.rjx").exists()
