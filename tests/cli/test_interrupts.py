"""Signals at any moment: the process ends with the signal's code and one line, and leaves nothing half-written."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from recjax.images.files import write_images
from recjax.models.vae.evaluate import load_model

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="caught signals are read in /proc")

SAID = {
    signal.SIGINT: "recjax: interrupted.\n",
    signal.SIGTERM: "recjax: terminated.\n",
    signal.SIGHUP: "recjax: its terminal was closed.\n",
}


def start(command, folder) -> subprocess.Popen[str]:
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, cwd=folder, text=True, **pipes)


def wait_for_handlers(process) -> None:
    """Until SIGTERM is caught, Python itself is starting, which no program can change."""
    status = Path(f"/proc/{process.pid}/status")
    while process.poll() is None:
        caught = next((line for line in status.read_text().splitlines() if line.startswith("SigCgt")), "SigCgt: 0")
        if int(caught.split()[1], 16) >> (signal.SIGTERM - 1) & 1:
            return
        time.sleep(0.001)


def interrupted(command, folder, seconds, number=signal.SIGINT) -> int:
    """Sends a signal that many seconds after handlers are there; the exit code, once all else has been checked."""
    with start(command, folder) as process:
        wait_for_handlers(process)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(number)
        out, err = process.communicate(timeout=120)
    assert process.returncode in (0, 128 + number), err
    # A command that ended before may have said that other compressors are better.
    assert err.startswith("recjax: out: ") or not err if process.returncode == 0 else err == SAID[number]
    assert "Traceback" not in out + err and not [name for name in os.listdir(folder) if name.startswith((".", "core"))]
    return process.returncode


@pytest.fixture(autouse=True)
def hear_signals():
    """Signals that this process ignores, as in the background, would be ignored by those that it starts."""
    ignored = [number for number in SAID if signal.getsignal(number) is signal.SIG_IGN]
    for number in ignored:
        signal.signal(number, signal.SIG_DFL)
    yield
    for number in ignored:
        signal.signal(number, signal.SIG_IGN)


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """A folder with images, and the file of them that `recjax compress` makes; and how long that took."""
    folder = tmp_path_factory.mktemp("interrupts")
    rng = np.random.default_rng(0)
    write_images(folder / "in.npy", rng.integers(0, load_model("digits").levels, (4, 8, 8), np.uint8))
    command = [sys.executable, "-m", "recjax", "compress", "in.npy", "good.rjx"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    begin = time.monotonic()
    subprocess.run([*command[:-1], "again.rjx"], cwd=folder, check=True, capture_output=True)
    return folder, time.monotonic() - begin


VERBS = {
    "compress": ["compress", "in.npy", "out"],
    "decompress": ["decompress", "good.rjx", "out.npy"],
    "verify": ["verify", "good.rjx"],
    "info": ["info", "good.rjx"],
    "help": ["--help"],
}


def attack(good, tmp_path, verb, share, number) -> int:
    """Interrupts a command after a share of the time that one takes; its output is not there, or whole."""
    folder, whole = good
    for name in ("in.npy", "good.rjx"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    seconds = share * whole * {"info": 0.3, "help": 0.05}.get(verb, 1)
    code = interrupted([sys.executable, "-m", "recjax", *VERBS[verb]], tmp_path, seconds, number)
    if (tmp_path / "out").exists():
        assert (tmp_path / "out").read_bytes() == (folder / "good.rjx").read_bytes()
    if (tmp_path / "out.npy").exists():
        assert np.array_equal(np.load(tmp_path / "out.npy"), np.load(folder / "in.npy"))
    for path in tmp_path.iterdir():
        path.unlink()
    return code


MOMENTS = [
    *(("compress", share, signal.SIGINT) for share in (0.0, 0.1, 0.3, 0.5, 0.7, 0.9)),
    ("decompress", 0.6, signal.SIGINT),
    ("verify", 0.4, signal.SIGINT),
    ("info", 0.3, signal.SIGINT),
    ("help", 0.0, signal.SIGINT),
    ("compress", 0.6, signal.SIGTERM),
    ("decompress", 0.4, signal.SIGHUP),
]


def test_a_signal_at_spread_moments_ends_a_command_with_its_code(good, tmp_path):
    codes = [attack(good, tmp_path, *moment) for moment in MOMENTS]
    # How many are done before depends on what else the machine does.
    assert len(codes) == 12 and codes.count(130) > 0, codes


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_signal_at_random_moments_ends_a_command_with_its_code(good, tmp_path):
    rng = random.Random(0)
    codes = []
    for _ in range(200):
        verb = rng.choice([*VERBS, "compress", "compress"])
        number = rng.choice([signal.SIGINT, signal.SIGINT, signal.SIGTERM])
        codes.append(attack(good, tmp_path, verb, rng.uniform(0, 1.1), number))
    assert len(codes) == 200 and codes.count(130) > 30, codes


BUSY = """
import hashlib, sys, time
from pathlib import Path
import numpy as np
from recjax.io import interrupts
from recjax.io.atomic import write_atomically
from recjax.images.files import write_parts

what, image = sys.argv[1], np.zeros((1, 2, 2), np.uint8)


def ready():
    print("ready", flush=True)
    # Native code of half an hour, during which Python calls no handler.
    hashlib.pbkdf2_hmac("sha256", b"", b"", 10**9)


def write_half(part):
    part.write_bytes(b"half")
    ready()


def images():
    yield image
    ready()


def swallowed():
    while True:
        try:
            print("ready", flush=True)
            while True:
                time.sleep(0.01)
        except BaseException:
            pass


def slow_to_undo():
    with interrupts.undone(lambda: (print("undoing", flush=True), time.sleep(60))):
        ready()


interrupts.end_at_signals()
{
    "file": lambda: write_atomically("out", write_half),
    "npy": lambda: write_parts("out.npy", images(), 2, (2, 2)),
    "folder": lambda: write_parts("folder", images(), 2, (2, 2)),
    "swallowed": swallowed,
    "slow": slow_to_undo,
}[what]()
"""


def busy(what, folder) -> subprocess.Popen[str]:
    process = start([sys.executable, "-c", BUSY, what], folder)
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    return process


@pytest.mark.parametrize("number", SAID)
@pytest.mark.parametrize("what", ["file", "npy", "folder", "swallowed"])
def test_native_code_is_interrupted_and_what_it_left_is_removed(what, number, tmp_path):
    (tmp_path / "out").write_bytes(b"old")
    with busy(what, tmp_path) as process:
        begin = time.monotonic()
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (128 + number, SAID[number])
    # At once is some milliseconds; tests share their cores.
    assert time.monotonic() - begin < 20
    assert os.listdir(tmp_path) == ["out"] and (tmp_path / "out").read_bytes() == b"old"


def test_a_second_signal_waits_for_nothing(tmp_path):
    with busy("slow", tmp_path) as process:
        process.send_signal(signal.SIGINT)
        assert process.stdout is not None and process.stdout.readline() == "undoing\n"
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=30)[1] == ""
    assert process.returncode == 130


def test_a_signal_that_is_ignored_stays_so(tmp_path):
    script = "import os, signal; signal.signal(signal.SIGHUP, signal.SIG_IGN); "
    script += "from recjax.io import interrupts; interrupts.end_at_signals(); os.kill(os.getpid(), signal.SIGHUP)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_programs_that_import_recjax_keep_their_handlers():
    script = (
        "import signal; of = lambda: [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)];"
        "before = of(); import recjax, recjax.cli.main, recjax.images.files, recjax.cli.commands;"
        "recjax.cli.main.main(['--version']);"
        "assert of() == before and signal.set_wakeup_fd(-1) == -1"
    )
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)
