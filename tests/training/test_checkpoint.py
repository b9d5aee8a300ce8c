"""Checkpoints restore every leaf bit for bit, and refuse files of other shapes."""

import jax.numpy as jnp
import numpy as np
import pytest

from training import checkpoint


def test_round_trip_of_every_leaf(tmp_path):
    state = {"a": jnp.arange(3, dtype=jnp.float32), "b": (jnp.asarray(2, jnp.int32), jnp.zeros((2, 0), jnp.uint32))}
    checkpoint.save(tmp_path / "c.safetensors", state, {"epoch": 3})
    restored, document = checkpoint.restore(tmp_path / "c.safetensors", state)
    assert document == {"epoch": 3}
    np.testing.assert_array_equal(restored["a"], state["a"])
    assert restored["b"][0].shape == () and int(restored["b"][0]) == 2
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize("like", [{"a": np.zeros(4)}, {"b": np.zeros(3)}, {}], ids=str)
def test_another_structure_is_refused(tmp_path, like):
    checkpoint.save(tmp_path / "c.safetensors", {"a": np.zeros(3)}, {})
    with pytest.raises(ValueError, match="another configuration"):
        checkpoint.restore(tmp_path / "c.safetensors", like)
