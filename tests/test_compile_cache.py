"""Where compiled programs go, and that commands keep them without being slowed by it."""

import os
import subprocess
import sys

import pytest

from recjax import compile_cache


@pytest.fixture(autouse=True)
def nothing_is_set_for_jax(monkeypatch):
    for name in ("JAX_COMPILATION_CACHE_DIR", "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("word", ["off", "OFF", "0", "no"])
def test_nothing_is_kept_where_that_is_wanted(monkeypatch, word):
    monkeypatch.setenv(compile_cache.VARIABLE, word)
    environment = {}
    compile_cache.keep(environment)
    assert compile_cache.folder() is None and environment == {}


def test_the_folder_is_that_of_jax_or_the_one_that_is_named_or_the_users(monkeypatch, tmp_path):
    monkeypatch.setenv(compile_cache.VARIABLE, str(tmp_path))
    assert compile_cache.folder() == tmp_path
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(tmp_path / "jax"))
    assert compile_cache.folder() == tmp_path / "jax"
    monkeypatch.delenv("JAX_COMPILATION_CACHE_DIR")
    monkeypatch.delenv(compile_cache.VARIABLE)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert compile_cache.folder() == tmp_path / "recjax" / "compiled"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert compile_cache.folder() == tmp_path / ".cache" / "recjax" / "compiled"


def run_and_keep(folder) -> None:
    script = (
        "import sys; from recjax import compile_cache; compile_cache.keep(); assert 'jax' not in sys.modules;"
        "import jax, jax.numpy as jnp; print(jax.jit(lambda x: jnp.linalg.svd(x)[1].sum())(jnp.eye(7)))"
    )
    environment = {**os.environ, compile_cache.VARIABLE: str(folder), "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"}
    found = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "7.0"


def test_a_process_keeps_its_programs_where_it_can(tmp_path):
    run_and_keep(tmp_path / "new")
    assert any((tmp_path / "new").iterdir())
    (tmp_path / "file").touch()
    run_and_keep(tmp_path / "file" / "not-a-folder")


def test_commands_that_code_nothing_import_no_jax(tmp_path):
    (tmp_path / "damaged").write_bytes(b"nothing that is a file")
    # A process of its own, which looks for the folder of compiled programs, too.
    command = [sys.executable, "-X", "importtime", "-m", "recjax", "info", str(tmp_path / "damaged")]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    imported = {line.rpartition("|")[2].strip() for line in found.stderr.splitlines()}
    assert found.returncode == 1 and "recjax.commands" in imported and "jax" not in imported
