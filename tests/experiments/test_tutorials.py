"""The tutorials run, and what they show is true."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

import recjax
from experiments.tutorials import (
    a_own_vae_to_bytes,
    b_train_on_a_folder,
    c_rec_in_your_jax_program,
    d_a_new_coder_in_one_file,
)
from recjax import rec


def test_a_own_vae_to_bytes(tmp_path):
    rates = a_own_vae_to_bytes.main(tmp_path)
    assert rates["file"] < 1.05 * rates["negative ELBO"] < 0.55


def test_b_train_on_a_folder(tmp_path):
    assert b_train_on_a_folder.main(tmp_path) < 3.3  # xz takes 3.4
    assert {path.name for path in (tmp_path / "released").iterdir()} == {"scans.json", "scans.safetensors"}


def test_c_rec_in_your_jax_program(tmp_path):
    bits = c_rec_in_your_jax_program.main(tmp_path)
    assert bits["KL"] < bits["bytes"] < bits["expected"] + 6  # lengths and the plan


@pytest.fixture
def forget_the_coder():
    yield
    del rec.ALGORITHMS["rejection"]


@pytest.mark.usefixtures("forget_the_coder")
def test_d_a_new_coder_in_one_file():
    found = d_a_new_coder_in_one_file.main()
    assert abs(found["mean"]) < 0.05 and abs(found["deviation"] - 1) < 0.03
    assert 2.5 < found["index bits"] < found["bits"] < 14
    q = recjax.Normal(np.full((4000, 1), 0.7, np.float32), 0.3)
    sample = rec.encode(
        d_a_new_coder_in_one_file.rejection(max_candidates=1 << 12), recjax.key(1), q, recjax.Normal(0.0, 1.0)
    )
    assert stats.kstest((np.asarray(sample.sample)[:, 0] - 0.7) / 0.3, "norm").pvalue > 1e-3


WRITER = """
import sys, numpy as np, recjax
from recjax import rec
q, p, key = recjax.Normal(*np.load(sys.argv[1])), recjax.Normal(0.0, 1.0), recjax.key(1)
plan = rec.plan(np.asarray(recjax.distributions.kl_bits(q, p)).mean(0))
encoded = rec.encode(plan, key, q, p)
open(sys.argv[2], "wb").write(rec.to_bytes(plan, key, encoded.code))
np.save(sys.argv[3], encoded.sample)
"""
READER = """
import sys, numpy as np, recjax
from recjax import rec
plan, code = rec.from_bytes(open(sys.argv[1], "rb").read(), recjax.key(1))
np.save(sys.argv[2], rec.decode(plan, recjax.key(1), recjax.Normal(0.0, 1.0), code))
"""


def test_own_posteriors_take_few_lines(tmp_path):
    assert len((WRITER + READER).strip().splitlines()) <= 15
    posteriors, codes, ours, theirs = (tmp_path / name for name in ("q.npy", "codes", "ours.npy", "theirs.npy"))
    np.save(posteriors, np.stack([np.linspace(-1, 1, 24).reshape(4, 6), np.full((4, 6), 0.3)]))
    for script, paths in ((WRITER, (posteriors, codes, ours)), (READER, (codes, theirs))):
        subprocess.run([sys.executable, "-c", script, *map(str, paths)], check=True, cwd=Path(__file__).parents[2])
    assert np.array_equal(np.load(ours), np.load(theirs))
