"""Kills at random moments of commands that replace their output in place: it is the old one or the new one, whole.

Each command takes one of two sources at random, so that the old and the new differ.
"""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from recjax import decompress
from recjax.container import chunks
from recjax.images.files import read_images
from training import data

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = [("compress", "out.rjx"), ("decompress", "out.npy"), ("decompress", "out")]

# Forks replace files of raw images as fast as they can, without JAX, which does not bear forks.
FORKS = f"""
import os, random, signal, sys, time
from pathlib import Path
sys.path.insert(0, {str(ROOT)!r})
from tests.cli import fake_coder
from recjax.cli import commands

fake_coder.install(load_model=lambda *_: None)
verb, out, suffix, kills = *sys.argv[1:4], int(sys.argv[4])
kind = commands.COMMANDS[verb]
if verb == "compress":
    kind = kind.for_arguments([])
options = {{"method": "bb-ans"}} if verb == "compress" else {{}}


def run():
    kind(Path(f"source-{{random.randrange(2)}}{{suffix}}"), Path(out), force=True, **options).run()


said = sys.stdout
sys.stdout = open(os.devnull, "w")
run()
assert "jax" not in sys.modules
rng = random.Random(0)
for _ in range(kills):
    child = os.fork()
    if child == 0:
        random.seed()
        while True:
            run()
    time.sleep(rng.uniform(0, 0.1))
    os.kill(child, signal.SIGKILL)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    print("killed", file=said, flush=True)
    sys.stdin.readline()
run()
"""

# A whole process of its own for each kill, which says when it has imported and compiled all that it needs.
WHOLE = """
import random, sys
from recjax.cli import main as cli
from recjax.cli.process import compile_cache

compile_cache.keep()
verb, out, suffix = sys.argv[1:]
options = ["--model", "digits"] if verb == "compress" else []
for number in (1, 0):
    assert cli.main([verb, f"source-{number}{suffix}", out, "--force", *options]) == 0
print("ready", flush=True)
while cli.main([verb, f"source-{random.randrange(2)}{suffix}", out, "--force", *options]) == 0:
    pass
"""


class Folder:
    """Two sources of different images, as .npy and as files, and an output that is made of them again and again."""

    def __init__(self, verb: str, out: str, images: np.ndarray) -> None:
        self.out, self.suffix = out, ".npy" if verb == "compress" else ".rjx"
        self.images = np.split(images, 2)
        for number, images in enumerate(self.images):
            np.save(f"source-{number}.npy", images)
            Path(f"source-{number}.rjx").write_bytes(chunks.write_raw(images))
        self.sources = self.contents()

    def contents(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in Path().glob("source-*")}

    def check(self) -> bool:
        """Makes sure that the output is whole, and nothing else there but what one process was writing: was it?"""
        found = decompress(Path(self.out).read_bytes()) if self.out == "out.rjx" else read_images(self.out)
        assert any(np.array_equal(found, images) for images in self.images)
        assert self.contents() == self.sources
        hidden = [name for name in os.listdir() if name not in (*self.sources, self.out)]
        assert len(hidden) <= 1 and all(name.startswith(".recjax-") for name in hidden), hidden
        return bool(hidden)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="children are forked")
@pytest.mark.parametrize(("verb", "out"), COMMANDS, ids=str)
@pytest.mark.parametrize("kills", [15, pytest.param(300, marks=pytest.mark.slow)])
def test_outputs_are_whole_whenever_a_command_is_killed(verb, out, kills, memory_path, monkeypatch):
    monkeypatch.chdir(memory_path)
    folder = Folder(verb, out, np.random.default_rng(0).integers(0, 256, (40, 128, 128), np.uint8))
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORKS, verb, out, folder.suffix, str(kills)]
    seen = writing = 0
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdin is not None and parent.stdout is not None
        for line in parent.stdout:
            if line == "killed\n":
                seen += 1
                writing += folder.check()
                parent.stdin.write("\n")
                parent.stdin.flush()
    assert (parent.returncode, seen) == (0, kills)
    # Some kills must hit what they are meant for.
    assert writing or kills < 100
    assert set(os.listdir()) == {*folder.sources, out}


@pytest.mark.slow
@pytest.mark.parametrize(("verb", "out"), COMMANDS, ids=str)
def test_outputs_are_whole_whenever_a_process_is_killed(verb, out, memory_path, monkeypatch):
    monkeypatch.chdir(memory_path)
    folder, rng = Folder(verb, out, data.load("digits", "test").images[:80]), random.Random(0)
    for _ in range(5):
        command = [sys.executable, "-c", WHOLE, verb, out, folder.suffix]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as worker:
            assert worker.stdout is not None
            while (line := worker.stdout.readline()) != "ready\n":
                assert line or worker.poll() is None, "the worker must run until it is killed"
            time.sleep(rng.uniform(0, 0.3))
            worker.send_signal(signal.SIGKILL)
        assert worker.returncode == -signal.SIGKILL
        folder.check()
