"""Faults in the algorithms that send latents one by one, and in their trees."""

from tests.mutants.fault import fault

ARRIVALS = "tests/rec/test_arrivals.py"
TREE = "tests/rec/test_tree.py"

FAULTS = (
    fault(
        "the root of a tree arrives late",
        "recjax/rec/ad_star.py",
        "return unit_exponential(randomness.words(private_key, randomness.ARRIVAL, (0,), 1)[0])",
        "return unit_exponential(randomness.words(private_key, randomness.ARRIVAL, (0,), 1)[0]) ** 1.2",
        f"{ARRIVALS}::test_waits_of_trees_are_exponential_in_units_of_their_mass",
    ),
    fault(
        "children of a tree arrive twice as fast",
        "recjax/rec/ad_star.py",
        "(jnp.uint32(2) << (31 - jax.lax.clz(heap)))",
        "(jnp.uint32(1) << (31 - jax.lax.clz(heap)))",
        f"{ARRIVALS}::test_waits_of_trees_are_exponential_in_units_of_their_mass",
    ),
    fault(
        "both children of a tree arrive at once",
        "recjax/rec/ad_star.py",
        "unit_exponential(upper) * children",
        "unit_exponential(lower) * children",
        f"{ARRIVALS}::test_waits_of_trees_are_exponential_in_units_of_their_mass",
    ),
    fault(
        "the time map is off by 2%",
        "recjax/rec/gprs.py",
        "return jnp.log(time) < self.times.log_sigma(",
        "return jnp.log(time) - 0.02 < self.times.log_sigma(",
        "tests/rec/test_gprs_acceptance.py::test_arrivals_are_accepted_up_to_the_time_at_which_their_ratio_is_reached",
    ),
    fault(
        "the time map's integrals lack their end corrections",
        "recjax/rec/time_map.py",
        "+ jnp.square(step) / 12 * (self.slope - slope)",
        "",
        "tests/rec/test_time_map.py::test_sigma_against_float64",
    ),
    fault(
        "gprs descends away from the mode",
        "recjax/rec/gprs.py",
        "upper = state.target.ratio.best_word > word",
        "upper = state.target.ratio.best_word < word",
        "tests/rec/test_gprs.py::test_samples_follow_their_targets[gprs]",
    ),
    fault(
        "gprs waits as in the root everywhere",
        "recjax/rec/gprs.py",
        "time = state.time + wait * (tree.ALL / count.astype(jnp.float32))",
        "time = state.time + wait * (count / count.astype(jnp.float32))",
        "tests/rec/test_gprs.py::test_samples_follow_their_targets[gprs]",
    ),
    fault(
        "a sample of a cut is in its upper part",
        "recjax/rec/tree.py",
        "return jnp.where(upper, word + 1, first)",
        "return jnp.where(upper, word, first)",
        f"{TREE}::test_a_cut_leaves_its_word_on_neither_side",
    ),
    fault(
        "the upper part of a cut has a word too many",
        "recjax/rec/tree.py",
        "first + count - (word + 1), word - first)",
        "first + count - word, word - first)",
        f"{TREE}::test_a_cut_leaves_its_word_on_neither_side",
    ),
    fault(
        "branches beyond 32 are those of the first word",
        "recjax/rec/tree.py",
        "word = jnp.arange(PATH_WORDS, dtype=jnp.uint32) == path.depth >> 5",
        "word = jnp.arange(PATH_WORDS, dtype=jnp.uint32) == 0",
        f"{TREE}::test_children_append_a_branch",
    ),
    fault(
        "a truncated path keeps its branches",
        "recjax/rec/tree.py",
        "return Path(depth, path.branches & mask)",
        "return Path(depth, path.branches)",
        f"{TREE}::test_truncated_paths_are_the_beginnings_of_the_list",
    ),
    fault(
        "a queue pops its largest key",
        "recjax/rec/frontier.py",
        "place, key = first_minimum(frontier.keys)",
        "place, key = first_minimum(-frontier.keys)",
        "tests/rec/test_frontier.py::test_pushes_and_pops_are_those_of_a_heap_that_keeps_its_smallest_keys",
    ),
    fault(
        "what a full queue gives up is forgotten",
        "recjax/rec/frontier.py",
        "drop(frontier, jnp.maximum(key, largest)).lost,",
        "frontier.lost,",
        "tests/rec/test_frontier.py::test_pushes_and_pops_are_those_of_a_heap_that_keeps_its_smallest_keys",
    ),
)
