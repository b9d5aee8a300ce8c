"""Searches over the devices of a mesh, of one process and of two, give the codes of one device."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterable

import jax.numpy as jnp
import numpy as np
import pytest

import recjax
from recjax import rec

CASES = {
    "bins": ("orc", {"num_candidates": 256}, [4, 4, 1], ()),
    "steps": ("pfr", {"max_candidates": 1 << 10}, None, ()),
    "shared": ("orc", {"num_candidates": 256}, None, (0,)),
    "scalar": ("as_star", {}, None, ()),
}
ROWS, DIM, KEY = 66, 3, 5

COMMON = """
import os, sys
import numpy as np
import jax
import recjax
from recjax import rec
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

saved = np.load(sys.argv[1])
cases = eval(sys.argv[2])


def check(mesh, put, encode):
    key, p = recjax.key(int(sys.argv[3])), recjax.Normal(np.zeros(3, np.float32), np.ones(3, np.float32))
    q = recjax.Normal(*(put(mesh, saved[name]) for name in ("loc", "scale")))
    for name, (algorithm, sizes, bins, axes) in cases.items():
        algorithm = rec.ALGORITHMS[algorithm](**sizes)
        found = encode(lambda q: rec.encode(algorithm, key, q, p, bins=bins, shared_axes=axes), q)
        for shard in found.words.addressable_shards:
            assert np.array_equal(shard.data, saved[name][shard.index]), name
        assert len(found.words.sharding.device_set) == 2, name
        assert {shard.data.shape[0] for shard in found.words.addressable_shards} == {33}, name
"""

TWO_DEVICES = (
    COMMON
    + """
def put(mesh, x):
    return jax.device_put(x, NamedSharding(mesh, PartitionSpec("rows")))


def in_mesh(function, q):
    with jax.set_mesh(mesh):
        return jax.jit(function)(q)


mesh = Mesh(jax.devices(), ("rows",))
check(mesh, put, lambda function, q: function(q))
check(mesh, put, in_mesh)
# Copies on both devices, and rows that two devices cannot have equal parts of.
few = {name: jax.device_put(saved[name][:65], NamedSharding(mesh, PartitionSpec())) for name in ("loc", "scale")}
p, algorithm = recjax.Normal(np.zeros(3, np.float32), np.ones(3, np.float32)), rec.orc(num_candidates=256)
encode = jax.jit(lambda q: rec.encode(algorithm, recjax.key(int(sys.argv[3])), q, p, bins=[4, 4, 1]).words)
q = recjax.Normal(few["loc"], few["scale"])
assert "shard_map" in str(jax.make_jaxpr(encode)(q))
assert np.array_equal(encode(q), saved["bins"][:65])
explicit = jax.make_mesh((2,), ("rows",), axis_types=(AxisType.Explicit,))
check(explicit, put, lambda function, q: jax.jit(function)(q))
print("same")
"""
)

TWO_PROCESSES = (
    COMMON
    + """
jax.config.update("jax_cpu_collectives_implementation", "gloo")
jax.distributed.initialize(sys.argv[4], num_processes=2, process_id=int(sys.argv[5]))
assert jax.device_count() == 2 and jax.local_device_count() == 1


def put(mesh, x):
    return jax.make_array_from_callback(x.shape, NamedSharding(mesh, PartitionSpec("rows")), lambda index: x[index])


check(Mesh(jax.devices(), ("rows",)), put, lambda function, q: jax.jit(function)(q))
print("same")
"""
)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Targets, and the words that one device finds for each case."""
    rng = np.random.default_rng(0)
    loc, scale = rng.normal(size=(ROWS, DIM)).astype(np.float32), rng.uniform(0.1, 0.5, (ROWS, DIM)).astype(np.float32)
    arrays = {"loc": loc, "scale": scale}
    p = recjax.Normal(jnp.zeros(DIM), jnp.ones(DIM))
    for name, (algorithm, sizes, bins, axes) in CASES.items():
        one = rec.ALGORITHMS[algorithm](**sizes)
        q = recjax.Normal(jnp.asarray(loc), jnp.asarray(scale))
        arrays[name] = np.asarray(rec.encode(one, recjax.key(KEY), q, p, bins=bins, shared_axes=axes).words)
    path = tmp_path_factory.mktemp("sharding") / "saved.npz"
    np.savez(path, **arrays)
    return str(path)


def start(program: str, saved: str, names: Iterable[str], *arguments: str, **environment: str) -> subprocess.Popen:
    cases = {name: CASES[name] for name in names}
    command = [sys.executable, "-c", program, saved, repr(cases), str(KEY), *arguments]
    environment = {**os.environ, "JAX_PLATFORMS": "cpu", **environment}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def require_same(process: subprocess.Popen) -> None:
    output, errors = process.communicate(timeout=300)
    assert output.strip().endswith("same"), errors[-3000:]


@pytest.mark.slow
def test_two_devices_search_their_own_rows(saved):
    require_same(start(TWO_DEVICES, saved, CASES, XLA_FLAGS="--xla_force_host_platform_device_count=2"))


@pytest.mark.slow
def test_two_processes_search_their_own_rows(saved):
    with socket.socket() as free:
        free.bind(("localhost", 0))
        address = f"localhost:{free.getsockname()[1]}"
    both = [start(TWO_PROCESSES, saved, ("bins", "shared"), address, str(number), XLA_FLAGS="") for number in range(2)]
    try:
        for process in both:
            require_same(process)
    finally:
        for process in both:
            process.kill()
