"""Writes the notes below the tables of IsoKL VAEs: how model and coder compare at equal numbers of latents."""

from collections.abc import Iterator
from typing import Any

from experiments.mnist.isokl.plots import coder_name
from experiments.provenance import standard_error
from experiments.reporting.verdicts import DETECTED, detected


def verdicts(result: dict[str, Any]) -> tuple[str, ...]:
    """Compares the IKVAE with DAD* and the VAE with AD*, for every number of latents that both were trained with.

    Args:
        result: The result of the experiment.

    Returns:
        A sentence or more for each pair of models.
    """
    return tuple(_verdict(usual, isokl) for usual, isokl in _pairs(result))


def coder_notes(result: dict[str, Any]) -> tuple[str, ...]:
    """Writes the notes of the table of coders.

    Args:
        result: The result of the experiment.

    Returns:
        The notes.
    """
    config, device = result["config"], result["device"]
    return (
        f"Means over n = {config['seeds']} seeds, each with {config['images_per_seed']:,} test images of its own; ± "
        "is the standard error over seeds. Every file was read back and decoded to equal images. Payload: the codes "
        "of the images and the final state of the coder. Whole file: the payload under the learned code, with "
        "header, directory, padding and checksums.",
        "zeta, delta, learned: codes of the depth of a path in the search tree. The zeta code is fitted to the mean KL "
        "of each latent; Elias's delta code has no parameter; the learned code is a histogram for each latent over "
        f"{config['learn_images']:,} training images.",
        "Over -ELBO: relative to the exact -ELBO of the same images. Over KL: code of a latent, under the learned code "
        "of depths, less its KL divergence, mean over all latents of the model.",
        *_constant_code(result),
        "Inexact searches: those that ended at their budget, and for AS* posteriors wider than the prior, whose "
        "density ratio is not unimodal; for DAD*, which is approximate, those where the posterior had no mass.",
        "Bias: Kolmogorov-Smirnov distances of samples from their posteriors, of the worst latent (p corrected for "
        f"their number) and of the log ratio. {_biased(result)}",
        f"ms/image: on {device['kind']}, {device['cpu_cores']} CPU cores, compiled code with the zeta code, search "
        "included, median over seeds.",
    )


def model_notes(result: dict[str, Any]) -> tuple[str, ...]:
    """Writes the notes of the table of models.

    Args:
        result: The result of the experiment.

    Returns:
        The notes.
    """
    kappas = [f"{one['name']} {one['kappa_bits']:.2f}" for one in result["models"] if one["kappa_bits"] is not None]
    origins = [f"{one['name']} ({one['origin']}, {one['digest'][:16]})" for one in result["models"]]
    return (
        "-ELBO, float: of the trained network on the whole test split, as its card states it; exact: of the model in "
        f"integers, {result['config']['elbo_samples']} draws per image, on the coded images. In bits/dim; ± is the "
        "standard error over images.",
        "After training, latents without information are removed from a VAE. All latents of an IKVAE have the same KL "
        "divergence" + (f": {', '.join(kappas)} bits." if kappas else "."),
        f"Models: {', '.join(origins)}.",
    )


def _pairs(result: dict[str, Any]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    for isokl in result["models"]:
        for usual in result["models"]:
            alike = usual["trained_latents"] == isokl["trained_latents"]
            if alike and (usual["posterior"], isokl["posterior"]) == ("normal", "isokl"):
                yield usual, isokl


def _verdict(usual: dict[str, Any], isokl: dict[str, Any]) -> str:
    """Compares one pair of models, each with its best code, and says where the difference comes from."""
    ad, dad = _row(usual, "ad-star"), _row(isokl, "dad-star")
    (ad_code, ad_best), (dad_code, dad_best) = _best(ad), _best(dad)
    pixels = isokl["pixels"]
    ad_rate, dad_rate = ad_best["payload_bits_per_dim"], dad_best["payload_bits_per_dim"]
    elbo = (isokl["exact_bits_per_dim"] - usual["exact_bits_per_dim"]) * pixels
    beyond = (dad_rate - ad_rate) * pixels - elbo
    share = f"{100 * abs(dad_rate / ad_rate - 1):.1f}%{_paired_error(ad_best, dad_best)}"
    outcome = f"needs {share} {'fewer' if dad_rate < ad_rate else 'more'} bits than the VAE with AD*"
    return (
        f"{isokl['trained_latents']} latents: the IKVAE with DAD* {outcome} ({dad_rate:.4f} bits/dim with the "
        f"{dad_code} code, against {ad_rate:.4f} with the {ad_code} code). The difference is "
        f"{(dad_rate - ad_rate) * pixels:+.1f} bits/image: {elbo:+.1f} in -ELBO and {beyond:+.1f} in what the coders "
        f"add to it. These add {dad_best['over_kl_bits_per_latent']:.2f} bits over KL for "
        f"each of {isokl['latents']} latents of {isokl['exact_kl_bits'] / isokl['latents']:.2f} bits of KL, against "
        f"{ad_best['over_kl_bits_per_latent']:.2f} for each of {usual['latents']} of "
        f"{usual['exact_kl_bits'] / usual['latents']:.2f} bits of KL."
    )


def _paired_error(usual: dict[str, Any], isokl: dict[str, Any]) -> str:
    """Returns the standard error of the difference in percent, paired by seeds, whose images both models code."""
    rates = zip(isokl["seeds_payload_bits_per_dim"], usual["seeds_payload_bits_per_dim"], strict=True)
    error = standard_error([100 * (a / b - 1) for a, b in rates])
    return "" if error is None else f" ± {error:.1f}"


def _constant_code(result: dict[str, Any]) -> Iterator[str]:
    """Says what a code of constant length would cost for the places in the trees of DAD*, which have one depth."""
    told = []
    for one in result["models"]:
        if one["posterior"] == "isokl":
            row = _row(one, "dad-star")
            constant, found = (row["max_depth"] + 1) * one["latents"], _best(row)[1]["code_bits_per_image"]
            told.append(
                f"{one['name']} {constant:,} bits/image instead of {found:.1f} (mean depth of the samples "
                f"{row['depth']:.2f})"
            )
    if told:
        yield (
            "A code of constant length for DAD* and an IKVAE needs depth + 1 bits per latent to name a node of its "
            f"tree: {'; '.join(told)}. The depth is the KL, rounded up, plus {result['config']['depth_slack']}."
        )


def _biased(result: dict[str, Any]) -> str:
    """Says which samples a test distinguishes from exact ones."""
    told = [
        f"{coder_name(row)} of {one['name']}"
        for one in result["models"]
        for row in one["rows"]
        if row["bias_ks"] is not None and detected(row)
    ]
    return f"Below p {DETECTED:g}: {'; '.join(told)}." if told else f"None is below p {DETECTED:g}."


def _row(model: dict[str, Any], method: str) -> dict[str, Any]:
    return next(row for row in model["rows"] if row["method"] == method)


def _best(row: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Returns the code of depths with the smallest payload, and its figures."""
    return min(row["codes"].items(), key=lambda pair: pair[1]["payload_bits_per_dim"])
