"""Every public function with tiny arguments, as rows for tests of all of them: of compile times, of users' settings.

A row takes a key and returns arrays, bytes or numbers. It says which public functions it calls, as `module.name`.
"""

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

import recjax
from recjax import coding, grid, randomness, rec
from recjax import distributions as laws
from recjax.codecs.lossy.encode import Effort
from recjax.coding import codec, integers, latent, normal, rans, sequence, serialize, spread, tail, wavefront
from recjax.conformance import check as conformance

ROOTS = ("recjax", "recjax.rec", "recjax.distributions", "recjax.grid", "recjax.randomness")
GOLDEN = Path(__file__).parents[1] / "golden"
SIZES: dict[str, dict[str, Any]] = {
    "pfr": {"max_candidates": 64, "chunk_size": 32},
    "orc": {"num_candidates": 64, "chunk_size": 32},
    "mrc": {"num_candidates": 64, "chunk_size": 32},
    "dad_star": {"max_depth": 3},
    "gprs_global": {"max_candidates": 64, "chunk_size": 16},
}
WITH_BINS = ("pfr", "orc")


class Entry(NamedTuple):
    """A row: what it runs, the public functions that it calls, and whether a key is a part of it."""

    name: str
    run: Callable[[Any], Any]
    calls: tuple[str, ...]
    takes_key: bool = False

    def __str__(self) -> str:
        return self.name


def public() -> Iterator[str]:
    """`module.name` of every function, and of every distribution, that the library hands out."""
    modules = [*ROOTS, *(f"recjax.coding.{module.name}" for module in pkgutil.iter_modules(coding.__path__))]
    for name in modules:
        module = importlib.import_module(name)
        listed = [*getattr(module, "__all__", vars(module)), *(rec.ALGORITHMS if module is rec else ())]
        for member in (one for one in listed if not one.startswith("_")):
            value = getattr(module, member)
            own = hasattr(module, "__all__") or getattr(value, "__module__", None) == name
            concrete = not isinstance(value, type) or (
                issubclass(value, laws.Distribution) and value is not laws.Distribution
            )
            if own and callable(value) and concrete and not getattr(value, "__abstractmethods__", None):
                yield f"{name.removeprefix('recjax.')}.{member}"


def words(*shape: int, below: int = 1 << 32) -> jax.Array:
    """Some fixed words, the same under any setting."""
    return jnp.asarray(np.random.default_rng(0).integers(0, below, shape).astype(np.uint32))


def grid_entry(_: Any) -> Any:
    w, k, intervals = words(4, below=1 << grid.BITS), words(4, below=3), jnp.full(4, 3, jnp.uint32)
    fixed = grid.value_fixed(w)
    ends = grid.interval_words(k, intervals), grid.dyadic_words(words(4, below=1 << 9) + 1)
    inside = grid.word_in_interval(k, w, intervals)
    between = grid.word_between(w, jnp.full(4, 1000, jnp.uint32), (words(4), words(4)))
    moved = grid.affine(fixed, jnp.zeros(4, jnp.float32), jnp.full(4, 2.0, jnp.float32))
    cells = grid.cell(grid.value(w)), grid.cell_of_fixed(fixed), grid.interval_of(w, intervals)
    return ends, inside, between, moved, cells, grid.to_float(fixed), grid.to_fixed(moved), grid.edge_fixed(k)


def randomness_entry(key: Any) -> Any:
    key = randomness.as_key(key)
    stream = randomness.stream(key, randomness.TRIAL, (words(3), 7))
    own = randomness.fold_in(key, 3, words(2)), randomness.stream_start(key, randomness.TRIAL, 2)
    drawn = randomness.draw(stream, 5, 3), randomness.words(key, randomness.TRIAL, (1, words(2)), 3)
    hashed = randomness.threefry2x32((words(2), words(2)), (words(2), words(2)))
    return own, drawn, hashed, randomness.key(17), recjax.key(17)


PRIOR = laws.Normal(np.float32([0.5, 0.5]), np.float32([2.0, 2.0]))
TARGETS: dict[str, Any] = {
    **{
        name: getattr(laws, name)(np.float32(0.5), np.float32(2.0))
        for name in ("Normal", "Laplace", "Logistic", "Uniform")
    },
    "Triangular": laws.Triangular(np.float32(0.5), np.float32(1.0)),
    "TruncatedNormal": laws.TruncatedNormal(np.float32(0.5), np.float32(1.0), np.float32(-1.0), np.float32(2.0)),
    "MultivariateNormal": laws.MultivariateNormal(np.float32([0.2, 0.4]), np.float32([[0.7, 0.0], [0.2, 0.6]])),
}


def distribution_entry(name: str, _: Any) -> Any:
    q, x = TARGETS[name], jnp.array([-0.3, 0.7], jnp.float32)
    if not isinstance(q, laws.Coordinatewise):
        return laws.density_ratio(q, PRIOR), q.shape
    found = q.log_prob(x), q.cdf(x), q.icdf(jnp.array([0.2, 0.9], jnp.float32)), q.mode()
    return found, q.is_valid(), laws.density_ratio(laws.Normal(np.float32([0.2, 0.4]), np.float32([0.5, 0.6])), PRIOR)


def divergence_entry(_: Any) -> Any:
    q = laws.Normal(np.float32([0.2, 0.4]), np.float32([0.5, 0.6]))
    ratio = laws.density_ratio(q, PRIOR).log_ratio(words(2, below=1 << grid.BITS))
    return laws.kl_bits(q, PRIOR), laws.kl_nats(q, PRIOR), laws.renyi_infinity_bits(q, PRIOR), ratio


def search(name: str, bins: list[int] | None, key: Any) -> Any:
    """A search, what its decoder makes of it, and the code on a message and back."""
    algorithm = rec.ALGORITHMS[name](**SIZES.get(name, {}))
    q = recjax.Normal(np.float32([[0.3, -0.4], [0.8, 0.1]]), np.float32([[0.5, 0.6], [0.4, 0.7]]))
    p = recjax.Normal(np.float32([0.0, 0.1]), np.float32([1.0, 1.1]))
    made = rec.encode(algorithm, key, q, p, bins=bins)
    back = rec.decode(algorithm, key, p, made.code, bins=bins)
    assert np.array_equal(back, made.sample)
    return made, back, rec.decode_words(algorithm, key, made.code, (2, 2), bins=bins)


def path_entry(key: Any) -> Any:
    path = rec.Path(jnp.uint32([[3, 5, 8], [1, 0, 2]]), jnp.uint32([[[5, 0]] * 3] * 2))
    keys = rec.stream_keys(key, (2, 3))
    one = rec.cut_path_codec(jnp.moveaxis(keys, -1, 1), np.stack([integers.zeta_masses(600, 6)] * 2))
    pushed = one.push(rans.empty((), 3, 64), path._replace(branches=jnp.moveaxis(path.branches, -1, 1)))
    return rec.branch_bits(keys, path), pushed, one.pop(pushed)


MASSES = np.stack([integers.zeta_masses(500, 6), integers.elias_delta_masses(6), integers.uniform_masses(6)])
CDF = np.array([0, 10_000, 30_000, 65_536], np.uint32)


class Found(NamedTuple):
    """What a search returns: here its code is the latent itself."""

    code: Any
    z: Any


def coin() -> codec.Codec:
    return codec.bernoulli(jnp.full(2, 20_000, jnp.uint32))


def spreading(total: Any) -> codec.Codec:
    return codec.uniform(total)


def latent_entry_codec() -> codec.Codec:
    coder = latent.bits_back(codec.raw_bits(4), lambda x: codec.uniform(jnp.full(2, 16, jnp.uint32)))
    return latent.latent_codec(coder, lambda z: codec.uniform(z + 9), lambda x: x)


def search_codec() -> codec.Codec:
    coder = latent.relative_entropy(lambda x: Found(x, x), codec.raw_bits(4), lambda code: Found(code, code))
    return latent.latent_codec(coder, lambda found: codec.uniform(found.z + 9), lambda x: x)


def ordered_codec() -> codec.Codec:
    place, neighbours = map(jnp.asarray, wavefront.wavefront((2, 2), 1))

    def codec_at(here, image):
        seen = image[neighbours[jnp.minimum(here, 3)]].sum(axis=1, dtype=jnp.uint32)
        return sequence.scan(lambda one: codec.masked(codec.uniform(one[0] + 3), one[1]), (seen, here < 4))

    return wavefront.autoregressive(place, 4, codec_at)


def halves_codec() -> codec.Codec:
    bounds, lookup = codec.by_cdf(lambda k: k << 14, 4)
    return codec.interval(bounds, lookup, local=True)


def normal_codec(make: Callable, scale: int) -> codec.Codec:
    return make(jnp.int32([0, -900]), jnp.int32([scale, scale + 90]))


# For two lanes: a codec, a symbol, and what else than its own name it calls.
CODECS: dict[str, tuple[Callable[[], codec.Codec], Any, tuple[str, ...]]] = {
    "uniform": (lambda: codec.uniform(23), [3, 22], ("codec.uniform",)),
    "raw_bits": (lambda: codec.raw_bits(20), [5, 99_999], ("codec.raw_bits",)),
    "padded_bits": (lambda: codec.padded_bits(20, words(2, below=1 << 20)), [5, 99_999], ("codec.padded_bits",)),
    "bernoulli": (coin, [0, 1], ("codec.bernoulli",)),
    "family": (lambda: codec.family(jnp.asarray(CDF)[None], words(2, below=1)), [0, 2], ("codec.family",)),
    "table": (lambda: codec.table(jnp.asarray(CDF)), [0, 2], ("codec.table",)),
    "interval": (halves_codec, [0, 3], ("codec.interval", "codec.by_cdf", "codec.bisect")),
    "optional": (lambda: codec.optional(coin(), codec.uniform(9)), [0, 8], ("codec.optional",)),
    "serial": (lambda: codec.serial(coin(), codec.uniform(9)), ([0, 1], [3, 8]), ("codec.serial",)),
    "masked": (lambda: codec.masked(codec.uniform(9), jnp.array([True, False])), [7, 0], ("codec.masked",)),
    "index": (lambda: integers.index_codec(MASSES, words(2, below=3)), [1, 60], ("integers.index_codec",)),
    "discretised_normal": (lambda: normal_codec(normal.discretised_normal, -300), [512, 400],
                           ("normal.discretised_normal", "normal.inverse_cdf", "normal.cdf")),
    "quantised_normal": (lambda: normal_codec(normal.quantised_normal, 600), [0, 128], ("normal.quantised_normal",)),
    "scan": (lambda: sequence.scan(spreading, jnp.uint32([[5, 7], [9, 11]])), [[1, 2], [8, 10]], ("sequence.scan",)),
    "repeat": (lambda: sequence.repeat(codec.uniform(23), 2), [[1, 2], [8, 10]], ("sequence.repeat",)),
    "bits_back": (latent_entry_codec, [3, 8], ("latent.bits_back", "latent.latent_codec", "latent.push_given")),
    "relative_entropy": (search_codec, [3, 8], ("latent.relative_entropy",)),
    "autoregressive": (ordered_codec, [[1, 2], [0, 0], [2, 1], [0, 1]],
                       ("wavefront.wavefront", "wavefront.autoregressive")),
}  # fmt: skip


def codec_entry(name: str, lanes: int, _: Any) -> Any:
    """A push and the pop that undoes it, after and before other bytes. One lane is an open message."""
    make, symbol, _ = CODECS[name]
    one, full = make(), rans.empty((), 2, 64)._replace(head=words(2) | rans.HEAD_MIN)
    symbol = jax.tree.map(lambda x: jnp.asarray(x, jnp.uint32), symbol, is_leaf=lambda x: not isinstance(x, tuple))
    pushed = one.push(full, symbol)
    after, popped = one.pop(pushed)
    assert np.array_equal(after.head, full.head)
    return pushed, popped


def message_entry(_: Any) -> Any:
    """Open messages, which have one lane, and their bytes and bits."""
    message = rans.empty((2,), 1, 64)
    start, freq = jnp.full((2, 1), 9000, jnp.uint32), jnp.full((2, 1), 7000, jnp.uint32)
    for _ in range(3):
        message = rans.push(message, start, freq)
    bits, lengths = serialize.to_bits(message)
    again = serialize.from_bits(bits, lengths, 64)
    popped = rans.pop(again, start, freq)
    one = jax.tree.map(lambda leaf: leaf[0], message)
    whole = serialize.from_bytes(serialize.to_bytes(one), 1, 64)
    shed = tail.shed_word(words(2), jnp.uint32([1, 2]), jnp.zeros(2, bool))
    written = rans.write(one, shed[None, :1]), tail.append(one.tail, one.size, shed[None]), rans.bucket(17)
    found = tail.take(jnp.arange(8, dtype=jnp.uint8), jnp.int32(5), jnp.array([True, False, True]))
    made = serialize.message_of(np.uint32([[1]]), np.zeros((1, 4), np.uint8), np.int32([0]))
    return message, bits, lengths, popped, rans.peek(again), whole, written, found, made, serialize.empty(64)


def spread_entry(_: Any) -> Any:
    k, start, freq = words(5, below=700), jnp.full(5, 4000, jnp.uint32), jnp.full(5, 700, jnp.uint32)
    number = spread.slot(k, start, freq)
    back = spread.number(spread.reverse_bits(number & 0xFFFF), start, freq)
    return number, back


def integers_entry(_: Any) -> Any:
    n, zeta = words(5, below=60) + 1, integers.zeta_masses(500, 6)
    fixed = zeta, integers.elias_delta_masses(6), integers.uniform_masses(6)
    fitted = integers.learned_masses([3, 1, 0, 20]), integers.quantise([1, 5, 2], 64)
    return fixed, fitted, integers.index_class(n), integers.num_classes(5), integers.index_bits(zeta, n)


def images() -> np.ndarray:
    return recjax.decompress(next(one.data for one in conformance.references() if one.name == "digits-bb-ans"))[:2]


def lossless_entry(method: str, _: Any) -> Any:
    short = {} if method == "bb-ans" else {"candidates": 64, "block_bits": 6.0}
    pictures = images()
    data = recjax.compress(pictures, recjax.load_model("digits"), method=method, **short)
    assert np.array_equal(recjax.decompress(data), pictures)
    assert recjax.verify(data, pictures)["images"] == recjax.info(data)["images"] == len(pictures)
    return data


def lossy_entry(_: Any) -> Any:
    model = recjax.load_lossy_model(GOLDEN / "tiny.safetensors")
    picture = np.arange(192, dtype=np.uint8).reshape(1, 8, 8, 3)
    data = recjax.compress_lossy(picture, model, effort=Effort(10, 0), candidates=16, block_bits=3.0)
    return recjax.decompress(data, model=model).shape


GRID = (
    "value_fixed", "value", "to_float", "edge_fixed", "cell", "to_fixed", "cell_of_fixed", "word_in_interval",
    "word_between", "interval_words", "interval_of", "dyadic_words", "affine",
)  # fmt: skip
RANDOMNESS = ("threefry2x32", "key", "as_key", "fold_in", "stream", "stream_start", "draw", "words")
MESSAGES = (
    "rans.bucket", "rans.empty", "rans.push", "rans.write", "rans.peek", "rans.pop", "serialize.to_bytes",
    "serialize.from_bytes", "serialize.to_bits", "serialize.from_bits", "serialize.message_of", "serialize.empty",
    "tail.shed_word", "tail.append", "tail.take",
)  # fmt: skip
INTEGERS = (
    "index_class", "num_classes", "zeta_masses", "elias_delta_masses", "uniform_masses", "learned_masses", "quantise",
    "index_bits",
)  # fmt: skip


def _table() -> Iterator[Entry]:
    yield Entry("grid", grid_entry, tuple(f"grid.{name}" for name in GRID))
    drawing = tuple(f"randomness.{name}" for name in RANDOMNESS)
    yield Entry("randomness", randomness_entry, (*drawing, "recjax.key"), takes_key=True)
    for name in TARGETS:
        yield Entry(name, partial(distribution_entry, name), (f"distributions.{name}", f"recjax.{name}"))
    functions = ("kl_bits", "kl_nats", "renyi_infinity_bits", "density_ratio")
    yield Entry("divergences", divergence_entry, tuple(f"distributions.{name}" for name in functions))
    around = ("rec.encode", "rec.decode", "rec.decode_words")
    for name in rec.ALGORITHMS:
        yield Entry(name, partial(search, name, None), (f"rec.{name}", *around), takes_key=True)
    for name in WITH_BINS:
        yield Entry(f"{name} in bins", partial(search, name, [3, 20]), (f"rec.{name}",), takes_key=True)
    yield Entry("paths", path_entry, ("rec.stream_keys", "rec.branch_bits", "rec.cut_path_codec"), takes_key=True)
    for name, (_, _, calls) in CODECS.items():
        yield Entry(f"{name} codec", partial(codec_entry, name, 2), tuple(f"coding.{call}" for call in calls))
    yield Entry("messages", message_entry, tuple(f"coding.{name}" for name in MESSAGES))
    slots = ("slot", "number", "reverse_bits")
    yield Entry("spread", spread_entry, tuple(f"coding.spread.{name}" for name in slots))
    yield Entry("integers", integers_entry, tuple(f"coding.integers.{name}" for name in INTEGERS))
    for method in ("bb-ans", "orc"):
        calls = ("recjax.compress", "recjax.decompress", "recjax.info", "recjax.load_model", "recjax.verify")
        yield Entry(f"compress {method}", partial(lossless_entry, method), calls)
    yield Entry("compress_lossy", lossy_entry, ("recjax.compress_lossy", "recjax.load_lossy_model"))


ENTRIES = tuple(_table())


@cache
def expected(entry: Entry) -> Any:
    """What a row gives under the default settings."""
    return leaves(entry.run(recjax.key(17)))


def leaves(tree: Any) -> list[Any]:
    """Leaves of a result, as arrays of NumPy."""
    return [np.asarray(leaf) for leaf in jax.tree.leaves(tree)]
