"""Faults of what searches are made of: partitions, quick scores, trees, blocks, codes and queues."""

from tests.mutants.fault import fault

PARTITION = "tests/rec/candidates/test_partition.py"
TREE = "tests/rec/trees/test_tree.py"
QUICK = "tests/rec/candidates/test_fused_scores.py"
CODES = "tests/rec/test_index_codes.py"
BLOCKS = "tests/rec/test_blocks.py"

FAULTS = (
    fault(
        "intervals are drawn a cumulative weight late",
        "recjax/rec/candidates/partition.py",
        "weights.upper[:, :, None] <= halves[:, None, :]",
        "weights.upper[:, :, None] < halves[:, None, :]",
        f"{PARTITION}::test_an_interval_ends_where_its_cumulative_weight_does",
    ),
    fault(
        "a bisection finds intervals a cumulative weight late",
        "recjax/rec/candidates/partition.py",
        "return jnp.where(probed <= halves, above, k)",
        "return jnp.where(probed < halves, above, k)",
        f"{PARTITION}::test_an_interval_ends_where_its_cumulative_weight_does",
    ),
    fault(
        "halves of words are swapped",
        "recjax/rec/candidates/partition.py",
        "jnp.stack([words & jnp.uint32(0xFFFF), words >> 16], axis=1)",
        "jnp.stack([words >> 16, words & jnp.uint32(0xFFFF)], axis=1)",
        f"{QUICK}::test_draws_streams_and_scores_in_bins_are_those_of_the_words[1]",
    ),
    fault(
        "weights do not say what is drawn",
        "recjax/rec/candidates/partition.py",
        "jnp.log(counts.astype(jnp.float32) / WEIGHT_SUM)",
        "jnp.log((counts + 1).astype(jnp.float32) / WEIGHT_SUM)",
        f"{PARTITION}::test_weights_are_integers_that_say_what_is_drawn",
    ),
    fault(
        "an interval may have no weight",
        "recjax/rec/candidates/partition.py",
        "upper = index + jnp.floor(increasing * free).astype(jnp.uint32)",
        "upper = 1 + jnp.floor(increasing * free).astype(jnp.uint32)",
        f"{PARTITION}::test_weights_are_integers_that_say_what_is_drawn",
    ),
    fault(
        "the largest ratio of bins is that of the first",
        "recjax/rec/candidates/partition.py",
        "best = jnp.max(jnp.where(used, log_sup - log_gain, -jnp.inf), axis=1)",
        "best = (log_sup - log_gain)[:, 0]",
        f"{PARTITION}::test_weights_are_integers_that_say_what_is_drawn",
    ),
    fault(
        "a bin's number is no part of its stream",
        "recjax/rec/candidates/partition.py",
        "randomness.stream(key, randomness.CANDIDATE, tuple(interval))",
        "randomness.stream(key, randomness.CANDIDATE, tuple(0 * interval))",
        f"{PARTITION}::test_golden_candidates",
    ),
    fault(
        "quick draws find intervals a cumulative weight late",
        "recjax/rec/candidates/fused_bins.py",
        "beyond = upper[place, k] <= share",
        "beyond = upper[place, k] < share",
        f"{PARTITION}::test_an_interval_ends_where_its_cumulative_weight_does",
    ),
    fault(
        "quick streams leave a word of three dimensions out",
        "recjax/rec/candidates/fused_bins.py",
        "whole = dim // _PACKED + (dim % _PACKED > 2)",
        "whole = dim // _PACKED",
        f"{QUICK}::test_a_bin_of_three_or_seven_dimensions_has_the_stream_of_its_words",
    ),
    fault(
        "quick scores take every group's first words",
        "recjax/rec/candidates/fused_scores.py",
        "(index, group * pairs + pair))",
        "(index, pair + 0 * group))",
        f"{QUICK}::test_scores_anywhere_are_those_of_the_words[23]",
    ),
    fault(
        "a sample of a cut is in its upper part",
        "recjax/rec/trees/tree.py",
        "return jnp.where(upper, word + 1, first)",
        "return jnp.where(upper, word, first)",
        f"{TREE}::test_a_cut_leaves_its_word_on_neither_side",
    ),
    fault(
        "the upper part of a cut has a word too many",
        "recjax/rec/trees/tree.py",
        "first + count - (word + 1), word - first)",
        "first + count - word, word - first)",
        f"{TREE}::test_a_cut_leaves_its_word_on_neither_side",
    ),
    fault(
        "branches beyond 32 are those of the first word",
        "recjax/rec/trees/tree.py",
        "word = jnp.arange(PATH_WORDS, dtype=jnp.uint32) == path.depth >> 5",
        "word = jnp.arange(PATH_WORDS, dtype=jnp.uint32) == 0",
        f"{TREE}::test_children_append_a_branch",
    ),
    fault(
        "a truncated path keeps its branches",
        "recjax/rec/trees/tree.py",
        "return Path(depth, path.branches & mask)",
        "return Path(depth, path.branches)",
        f"{TREE}::test_truncated_paths_are_the_beginnings_of_the_list",
    ),
    fault(
        "a block may exceed its budget by a latent",
        "recjax/rec/blocks.py",
        "if not blocks or cost > room:",
        "if not blocks or room < 0:",
        f"{BLOCKS}::test_every_latent_lies_in_one_block_within_the_budget",
    ),
    fault(
        "a latent that fills a block exactly opens another",
        "recjax/rec/blocks.py",
        "if not blocks or cost > room:",
        "if not blocks or cost >= room:",
        f"{BLOCKS}::test_a_split_by_hand",
    ),
    fault(
        "padded positions hold the first latent",
        "recjax/rec/blocks.py",
        "return self.place >= 0",
        "return self.place >= -1",
        f"{BLOCKS}::test_merge_undoes_split",
        f"{BLOCKS}::test_a_split_by_hand",
    ),
    fault(
        "the bound of an index forgets its bins",
        "recjax/rec/index_codes.py",
        "bound -= np.minimum(",
        "bound -= 0 * np.minimum(",
        f"{CODES}::test_expected_index_bounds_are_integers_that_follow_the_formula",
    ),
    fault(
        "a path's depth is coded as it is",
        "recjax/rec/index_codes.py",
        "jnp.where(path.depth <= 32 * PATH_WORDS, path.depth + 1, 0)",
        "jnp.where(path.depth <= 32 * PATH_WORDS, path.depth, 0)",
        f"{CODES}::test_paths_come_back_and_one_too_deep_is_a_fault",
    ),
    fault(
        "a queue pops its largest key",
        "recjax/rec/trees/frontier.py",
        "place, key = first_minimum(frontier.keys)",
        "place, key = first_minimum(-frontier.keys)",
        "tests/rec/trees/test_frontier.py::test_pushes_and_pops_are_those_of_a_heap_that_keeps_its_smallest_keys",
    ),
    fault(
        "what a full queue gives up is forgotten",
        "recjax/rec/trees/frontier.py",
        "drop(frontier, jnp.maximum(key, largest)).lost,",
        "frontier.lost,",
        "tests/rec/trees/test_frontier.py::test_pushes_and_pops_are_those_of_a_heap_that_keeps_its_smallest_keys",
    ),
)
