"""Where compiled programs go, and that commands keep them without being slowed by it."""

import json
import os
import stat
import subprocess
import sys

import pytest

from recjax.cli import main as cli
from recjax.cli.process import cached_programs, compile_cache
from recjax.io import own_folder


@pytest.fixture(autouse=True)
def nothing_is_set_for_jax(monkeypatch):
    for name in (
        "JAX_COMPILATION_CACHE_DIR",
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS",
        compile_cache.LIMIT_VARIABLE,
    ):
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


def run_and_keep(folder, limit: int = 1 << 30) -> str:
    """What a process says on stderr that compiles a program and keeps it."""
    script = (
        "import sys; from recjax.cli.process import compile_cache; kept = compile_cache.keep();"
        "assert 'jax' not in sys.modules;"
        "import jax, jax.numpy as jnp; print(jax.jit(lambda x: jnp.linalg.svd(x)[1].sum())(jnp.eye(7)));"
        "kept and compile_cache.limit(kept)"
    )
    environment = {
        **os.environ,
        compile_cache.VARIABLE: str(folder),
        compile_cache.LIMIT_VARIABLE: str(limit),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    }
    found = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "7.0"
    return found.stderr


def test_a_process_keeps_its_programs_where_it_can(tmp_path):
    assert run_and_keep(tmp_path / "new" / "below") == ""
    programs = cached_programs.list_programs(tmp_path / "new" / "below")
    # Nothing that JAX writes is unknown.
    assert len(programs) == len(list((tmp_path / "new" / "below").iterdir())) > 0
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "new", tmp_path / "new" / "below")} == {0o700}
    one = max(program.size for program in programs)
    run_and_keep(tmp_path / "new" / "below", one)
    assert 0 < sum(program.size for program in cached_programs.list_programs(tmp_path / "new" / "below")) <= one
    (tmp_path / "file").touch()
    said = run_and_keep(tmp_path / "file" / "not-a-folder")
    assert said.startswith("recjax: compiled programs are not kept: ") and said.count("\n") == 1


def others_own(folder):
    os.chown(folder, 12345, -1)


def others_own_what_it_lies_in(folder):
    os.chown(folder.parent, 12345, -1)


def a_link_of_others(folder):
    folder.rename(folder.with_name("real"))
    folder.symlink_to("real")
    os.chown(folder, 12345, -1, follow_symlinks=False)


needs_root = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives files away")


@pytest.mark.skipif(os.name != "posix", reason="modes and owners are of POSIX")
@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda folder: folder.chmod(0o720), "others may write to"),
        (lambda folder: folder.chmod(0o702), "others may write to"),
        (lambda folder: folder.parent.chmod(0o707), "where others may write"),
        (lambda folder: (folder.rmdir(), folder.touch()), "cannot be made"),
        pytest.param(others_own, "belongs to another user", marks=needs_root),
        pytest.param(others_own_what_it_lies_in, "where others may write", marks=needs_root),
        pytest.param(a_link_of_others, "where others may write", marks=needs_root),
        pytest.param(
            lambda folder: os.chown(folder.parent, -1, 4321) or folder.parent.chmod(0o770),
            "where others may",
            marks=needs_root,
        ),
    ],
)
def test_a_folder_that_others_may_write_to_is_not_used(change, words, tmp_path, monkeypatch, capsys):
    folder = tmp_path / "cache" / "compiled"
    monkeypatch.setenv(compile_cache.VARIABLE, str(folder))
    environment = {}
    compile_cache.keep(environment)
    assert environment["JAX_COMPILATION_CACHE_DIR"] == str(folder)
    change(folder)
    environment = {}
    compile_cache.keep(environment)
    told = capsys.readouterr().err
    assert environment == {} and words in told and told.count("\n") == 1
    assert "not used by commands" in compile_cache.describe()
    # What is set for JAX is the user's own matter.
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(folder))
    compile_cache.keep(environment)
    assert environment["JAX_COMPILATION_CACHE_DIR"] == str(folder) and capsys.readouterr().err == ""


@pytest.mark.skipif(os.name != "posix", reason="modes and owners are of POSIX")
def test_folders_that_nobody_else_can_change_are_used(tmp_path):
    (tmp_path / "compiled").mkdir(mode=0o755)
    (tmp_path / "sticky").mkdir()
    (tmp_path / "sticky").chmod(0o1777)
    (tmp_path / "sticky" / "compiled").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to("compiled")
    for folder in ("compiled", "sticky/compiled", "link"):
        assert own_folder.fault(tmp_path / folder) is None


def program(folder, letter: str, size: int, used: float) -> str:
    path = folder / f"jit_{letter}-{letter * 64}-cache"
    path.write_bytes(bytes(size))
    os.utime(path, (used, 0))
    return path.name


def test_what_was_used_longest_ago_goes_first(tmp_path):
    names = [program(tmp_path, letter, 10, used) for letter, used in zip("abcd", (3e8, 1e8, 4e8, 2e8), strict=True)]
    (tmp_path / "letter.txt").write_bytes(bytes(100))
    assert cached_programs.prune(tmp_path, 40) == []
    assert [os.path.basename(one.path) for one in cached_programs.prune(tmp_path, 39)] == [names[1]]
    assert [os.path.basename(one.path) for one in cached_programs.prune(tmp_path, 10)] == [names[3], names[0]]
    assert cached_programs.prune(tmp_path / "nothing", 0) == []


def test_a_limit_that_is_no_number_is_told(monkeypatch, capsys):
    for text, limit in (("5000", 5000), ("", 1 << 30), ("1 GB", 1 << 30), ("-1", 1 << 30), ("9" * 5000, 1 << 30)):
        monkeypatch.setenv(compile_cache.LIMIT_VARIABLE, text)
        assert compile_cache.limit_bytes() == limit
        assert ("must be a number of bytes" in capsys.readouterr().err) == (limit == 1 << 30 and text != "")
        assert compile_cache.limit_bytes() == limit and capsys.readouterr().err == ""


@pytest.mark.skipif(os.name != "posix", reason="modes and owners are of POSIX")
def test_the_doctor_shows_and_clears_the_folder(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv(compile_cache.VARIABLE, str(tmp_path / "compiled"))
    assert cli.main(["doctor", "--clear-cache"]) == cli.FINE
    assert "no compiled programs are kept" in capsys.readouterr().out
    own_folder.make(tmp_path / "compiled")
    names = [program(tmp_path / "compiled", letter, 10, 1e9) for letter in "ab"]
    (tmp_path / "compiled" / "letter-cache").write_text("dear")
    (tmp_path / "compiled").chmod(0o777)
    told = compile_cache.describe()
    assert "2 compiled programs, 20 bytes of at most 1,073,741,824" in told and "others may write" in told
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(tmp_path / "compiled"))
    assert cli.main(["doctor", "--clear-cache"]) == cli.BAD_INPUT
    assert "clear it yourself" in capsys.readouterr().err
    monkeypatch.delenv("JAX_COMPILATION_CACHE_DIR")
    assert all((tmp_path / "compiled" / name).exists() for name in names)
    assert cli.main(["doctor", "--clear-cache"]) == cli.FINE
    assert "2 compiled programs deleted, 20 bytes" in capsys.readouterr().out
    assert [path.name for path in (tmp_path / "compiled").iterdir()] == ["letter-cache"]
    assert compile_cache.describe().startswith("commands keep 0 compiled programs")
    monkeypatch.setenv(compile_cache.VARIABLE, "off")
    assert "keep no compiled programs (RECJAX_CACHE is off)" in compile_cache.describe()
    capsys.readouterr()
    assert cli.main(["doctor", "--clear-cache", "--json"]) == cli.FINE
    assert json.loads(capsys.readouterr().out) == {"folder": None, "programs_deleted": 0, "bytes_deleted": 0}


@pytest.mark.parametrize("chosen", ["", "~/programs"])
def test_without_a_home_the_doctor_says_so(chosen, monkeypatch):
    monkeypatch.setattr("pathlib.Path.home", classmethod(no_home))
    monkeypatch.setattr("pathlib.Path.expanduser", no_home)
    monkeypatch.setenv(compile_cache.VARIABLE, chosen)
    assert "keep no compiled programs (there is no home folder)" in compile_cache.describe()


def no_home(path):
    raise RuntimeError("Could not determine home directory.")


@pytest.mark.skipif(os.name != "posix", reason="modes and owners are of POSIX")
def test_a_command_that_clears_the_folder_says_nothing_of_keeping(tmp_path):
    (tmp_path / "compiled").mkdir()
    (tmp_path / "compiled").chmod(0o777)
    environment = {**os.environ, compile_cache.VARIABLE: str(tmp_path / "compiled")}
    environment.pop("JAX_COMPILATION_CACHE_DIR", None)
    command = [sys.executable, "-m", "recjax", "doctor", "--clear-cache"]
    told = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert told.stderr == "" and "0 compiled programs deleted" in told.stdout


def test_commands_that_code_nothing_import_no_jax(tmp_path):
    (tmp_path / "damaged").write_bytes(b"nothing that is a file")
    # A process of its own, which looks for the folder of compiled programs, too.
    command = [sys.executable, "-X", "importtime", "-m", "recjax", "info", str(tmp_path / "damaged")]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    imported = {line.rpartition("|")[2].strip() for line in found.stderr.splitlines()}
    assert found.returncode == 1 and "recjax.cli.commands" in imported and "jax" not in imported
