"""Where compiled programs go, and that a function is the same with wide vectors and within others."""

import os
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import pytest

from recjax import compiler


@pytest.mark.parametrize("word", ["off", "OFF", "0", "no"])
def test_nothing_is_kept_where_that_is_wanted(monkeypatch, word):
    monkeypatch.setenv(compiler.CACHE_VARIABLE, word)
    assert compiler.cache_folder() is None


def test_the_folder_is_the_users_cache_or_the_one_that_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv(compiler.CACHE_VARIABLE, str(tmp_path))
    assert compiler.cache_folder() == tmp_path
    monkeypatch.delenv(compiler.CACHE_VARIABLE)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert compiler.cache_folder() == tmp_path / "recjax" / "compiled"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert compiler.cache_folder() == tmp_path / ".cache" / "recjax" / "compiled"


def run_doctor_imports(folder: Path | str) -> None:
    script = (
        "import sys; from recjax import compiler; compiler.keep_programs(); import jax, jax.numpy as jnp;"
        "jax.config.update('jax_persistent_cache_min_compile_time_secs', 0.0);"
        "print(jax.jit(lambda x: jnp.sin(x).sum())(jnp.arange(7.0)))"
    )
    environment = {**os.environ, compiler.CACHE_VARIABLE: str(folder)}
    found = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert found.stdout.strip()


def test_a_process_keeps_its_programs_where_it_can(tmp_path):
    run_doctor_imports(tmp_path / "new")
    assert any((tmp_path / "new").iterdir())
    (tmp_path / "file").touch()
    run_doctor_imports(tmp_path / "file" / "not-a-folder")


def test_wide_functions_are_the_same_alone_and_within_others():
    @compiler.wide
    def scaled(factor, x):
        return factor * jnp.cumsum(x)

    x = jnp.arange(100, dtype=jnp.uint32)
    assert (scaled(3, x) == 3 * jnp.cumsum(x)).all()
    assert (jax.jit(lambda x: scaled(3, x))(x) == scaled(3, x)).all()
    assert (jax.vmap(lambda x: scaled(2, x))(x[None])[0] == scaled(2, x)).all()


def test_an_xla_without_the_option_is_asked_for_nothing(monkeypatch):
    monkeypatch.setattr(compiler, "_WIDE", {"xla_no_such_option": 1})
    monkeypatch.setattr(compiler, "_has_avx512", lambda: True)
    compiler._options.cache_clear()
    try:
        assert compiler._options() is None
    finally:
        compiler._options.cache_clear()
