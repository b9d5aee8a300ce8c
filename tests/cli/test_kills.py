"""Kills before and after every write, fsync and rename: the final name has what it had before, or all of the new.

A child is forked for each kill, and its profiler sees every call of a C function: no file function can be forgotten.
"""

import os
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from recjax.io import tensor_file

PROGRAM = """
import os, shutil, signal, sys
from pathlib import Path
import numpy as np
from recjax.container import chunks
from recjax.io import folder_swap
from recjax.shards import folder as shards
from recjax.io.atomic import write_atomically
from recjax.images.source import open_source
from recjax.images.files import write_images, write_parts
from recjax.io import tensor_file

FILE_CALLS = {"write", "tofile", "fsync", "rename", "replace", "chmod", "open", "close", "mkdir", "unlink", "rmdir",
              "serialize_file", "flush", "link", "fdopen", "flock", "chown"}
folder, operation = Path(sys.argv[1]), sys.argv[2]
if operation == "folder by renames":
    folder_swap._exchange = lambda one, other: False
old, new = np.zeros((3, 4, 4), np.uint8), np.arange(48, dtype=np.uint8).reshape(3, 4, 4)


def raw(images, seed=0):
    return chunks.write_raw(images)


def operate(images):
    if operation == "compress":
        write_atomically(folder / "out.rjx", lambda part: part.write_bytes(raw(images)))
    elif operation == "npy":
        write_images(folder / "out.npy", images, overwrite=True)
    elif operation == "new npy":
        write_images(folder / "out.npy", images)
    elif operation == "png":
        write_images(folder / "out.png", images[:1], overwrite=True)
    elif operation == "new folder":
        write_images(folder / "out", images)
    elif operation.startswith("folder"):
        write_images(folder / "out", images, overwrite=True)
    elif operation == "parts":
        write_parts(folder / "out.npy", iter([images[:1], images[1:]]), 3, (4, 4), overwrite=True)
    elif operation == "shards":
        np.save(folder / "in.npy", new)
        os.utime(folder / "in.npy", ns=(0, 0))
        shards.compress(open_source(folder / "in.npy"), folder / "out", 2, {}, raw)
    else:
        tensor_file.write(folder / "checkpoint.safetensors", {"x": images}, {"epoch": int(images[1, 0, 0])})


def contents():
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts):
            found[str(path.relative_to(folder))] = path.read_bytes()
    found.pop("in.npy", None)
    return found


def clean():
    for path in folder.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def killed_at(number):
    # Whether the child was killed before it was done.
    child = os.fork()
    if child == 0:
        seen = 0

        def profile(frame, event, function):
            nonlocal seen
            if event in ("c_call", "c_return") and getattr(function, "__name__", "") in FILE_CALLS:
                if seen == number:
                    os.kill(os.getpid(), signal.SIGKILL)
                seen += 1

        sys.setprofile(profile)
        operate(new)
        sys.setprofile(None)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0


clean()
operate(new)
whole = contents()
number = 0
while True:
    clean()
    before = {}
    if operation not in ("shards", "new npy", "new folder"):
        operate(old)
        before = contents()
    killed = killed_at(number)
    after = contents()
    if operation == "folder by renames" and (aside := list(folder.glob("out.old-*"))):
        # Between its renames the old folder has another name, where it is whole.
        there = {name: data for name, data in after.items() if name.startswith("out/")}
        assert there in ({}, whole), (number, sorted(there))
        shutil.rmtree(folder / "out", ignore_errors=True)
        aside[0].rename(folder / "out")
        after = contents()
        assert after == before, (number, sorted(after))
    if operation == "shards":
        # Shards appear one by one, each whole.
        assert all(whole[name] == data for name, data in after.items()), (number, sorted(after))
    else:
        assert after in (before, whole), (number, sorted(after))
    if not killed:
        assert after == whole
        break
    try:
        operate(new)
    except ValueError:
        assert operation in ("new npy", "new folder") and after == whole
    assert contents() == whole, (number, "again")
    # What the killed process left is gone.
    assert not list(folder.rglob(".*")), (number, list(folder.rglob(".*")))
    number += 1
print(number)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="children are forked")
@pytest.mark.parametrize(
    "operation",
    [
        "compress", "npy", "new npy", "png", "new folder", "folder", "folder by renames", "parts", "shards",
        "checkpoint",
    ],
)  # fmt: skip
def test_a_kill_leaves_the_old_or_the_new(operation, memory_path):
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", PROGRAM, str(memory_path), operation]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert int(done.stdout) >= 8


FOLDERS = ("whole", "killed")
TRAINING = [
    "--vae.latents", "4", "--vae.hidden", "16", "--train.epochs", "300", "--train.validate-every", "1",
    "--train.patience", "1000",
]  # fmt: skip


@pytest.mark.slow
def test_training_that_is_killed_ends_as_if_it_had_not_been(tmp_path):
    """Killed at random moments of its epochs and checkpoints, and begun again each time."""
    rng, kills = random.Random(1), 0
    environment = {**os.environ, "JAX_PLATFORMS": "cpu", "JAX_COMPILATION_CACHE_DIR": str(tmp_path / ".cache")}
    for folder in FOLDERS:
        (tmp_path / folder).mkdir()

    def start(folder: str) -> subprocess.Popen[str]:
        # The model takes its name from the folder.
        command = [sys.executable, "-m", "training", "--out", "model", *TRAINING]
        pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
        return subprocess.Popen(command, cwd=tmp_path / folder, env=environment, text=True, **pipes)

    with start("whole") as whole:
        said = whole.communicate()[1]
        assert whole.returncode == 0, said[-2000:]
    while True:
        with start("killed") as worker:
            assert worker.stderr is not None
            line = worker.stderr.readline()
            while line and not line.startswith("epoch"):
                line = worker.stderr.readline()
            # Whoever is not killed goes on to the end, which the last one does.
            if kills < 20:
                time.sleep(rng.uniform(0, 0.2))
                worker.send_signal(signal.SIGKILL)
            worker.communicate()
        if worker.returncode == 0:
            break
        assert worker.returncode == -signal.SIGKILL
        kills += 1
    assert kills >= 5
    found = [(tmp_path / folder / "model" / "model.safetensors").read_bytes() for folder in FOLDERS]
    assert found[0] == found[1]
    # Checkpoints hold the speed of every epoch, too.
    states = [tensor_file.read(tmp_path / folder / "model" / "checkpoint.safetensors")[0] for folder in FOLDERS]
    assert states[0].keys() == states[1].keys()
    assert all(np.array_equal(states[0][name], states[1][name]) for name in states[0])
