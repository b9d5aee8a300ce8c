"""One Markdown page for each recorded result: what was asked, how to run it, the plot, and all of its tables."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from experiments.reporting.tables import Table, markdown

SCIENCE, SPEED, SAFETY = "coding", "speed", "safety"


@dataclass(frozen=True)
class Page:
    """What stands above the tables of an experiment.

    Attributes:
        title: The heading.
        question: The question that the experiment answers, which lists of experiments show.
        about: What a reader has to know before the tables, as one paragraph of Markdown; empty for nothing.
        caption: What the plot shows.
        kind: SCIENCE, SPEED or SAFETY, by which lists are divided.
    """

    title: str
    question: str
    about: str
    caption: str
    kind: str = SCIENCE


PAGES = {
    "quickstart": Page(
        "Every method on small digits",
        "From images to files and back with every method, in two minutes.",
        "A small VAE is trained on scikit-learn's handwritten digits; every method writes files, which are decoded and "
        "compared. BB-ANS is bits-back coding. PFR (Poisson functional representation) and ORC (ordered random coding) "
        "are relative entropy coders; their bias tells how far the samples are from the posteriors (KS: "
        "Kolmogorov-Smirnov distance).",
        "Bits per pixel of each method on the test digits",
    ),
    "mnist_context": Page(
        "MNIST with pixels that see their neighbours",
        "What does a VAE gain whose pixels see decoded neighbours, through the same codecs, and what do latents still "
        "bring?",
        "The model `mnist`, which `recjax compress` takes for 28x28 grey images, beside a plain VAE, the published "
        "rate of Bit-Swap and general codecs.",
        "Bits per pixel of the stronger model, and where in an image they go",
    ),
    "mnist_bb_ans": Page(
        "MNIST by bits-back coding",
        "What do bits-back chains of binarised and full MNIST cost, beside eight other codecs? (arXiv:1901.04866)",
        "Bits-back with the networks of its paper, arXiv:1901.04866.",
        "Bits per pixel of chains by their length, and of other codecs",
    ),
    "mnist_counts": Page(
        "Few images or many",
        "How many images must be sent before bits-back pays for its initial bits, and what if relative entropy coding "
        "starts the chain?",
        "Bits-back coding pays initial bits, a relative entropy coder (REC) does not; a chain that starts on images "
        "sent by a relative entropy coder has the best of both.",
        "Bits per image by the number of images sent",
    ),
    "mnist_partition": Page(
        "Images sent alone, with space partitioning",
        "What do blocks, candidates and a space partition bring to images that are sent alone? (arXiv:2405.12203, "
        "Table 1)",
        "Each image can be decoded alone. The layout is that of Table 1 of arXiv:2405.12203, with rows for coders that "
        "send latents one by one.",
        "Bits per pixel over -ELBO by blocks and candidates, and the KL divergence of blocks",
    ),
    "mnist_isokl": Page(
        "Latents sent one by one, by A* coding",
        "What do AS\\*, AD\\* and DAD\\* need for latents sent one by one, and does one KL divergence for all of them "
        "help? (arXiv:2201.12857)",
        "A\\* coding with VAEs, and with IsoKL VAEs (IKVAE), whose posteriors all have the same KL divergence "
        "(arXiv:2201.12857).",
        "Bits per pixel of every model and coder, and what they are spent on",
    ),
    "mnist_arithmetic": Page(
        "What exactness costs",
        "What does it cost that decoders evaluate networks in integers?",
        "Decoders evaluate networks in integers, so that files decode everywhere. Beside them stand the same networks "
        "in floats (`recjax compress --arithmetic float`, for research: such a file is refused where floats come out "
        "otherwise).",
        "Images per second with networks in integers and in floats",
        SPEED,
    ),
    "cifar10_rate_distortion": Page(
        "Lossy pictures of 32x32",
        "What do 16-bit blocks and a space partition make of small pictures, beside five codecs? (arXiv:2405.12203, "
        "arXiv:2309.17182)",
        "Implicit neural representations, as in RECOMBINER (arXiv:2309.17182), are sent block by block while what is "
        "left is fitted again. With a space partition (arXiv:2405.12203) the bins send most of a block, and blocks are "
        "fewer; without, blocks are of 16 bits.",
        "Bits and quality of pictures of CIFAR-10, what latents carry, and what pictures look like",
    ),
    "kodak_rate_distortion": Page(
        "Lossy photographs",
        "The same for photographs in patches, with three levels of latents.",
        "Photographs of Kodak in patches of 32x32 with three levels of latents. The released model is a small one, "
        'learned on 2 CPU cores from six photographs (`pip install -e ".[photos]"`), and other codecs are ahead of it; '
        "`python -m training.inr --data photos` makes a better one on an accelerator.",
        "Bits and quality of photographs of Kodak, what latents carry, and what pictures look like",
    ),
    "lossless_pictures": Page(
        "Lossless photographs",
        "What do whole photographs take without loss, beside JPEG XL, WebP and PNG?",
        "The method `pixel-network` codes photographs of Kodak with a small network that predicts each channel of a "
        "pixel from its decoded neighbours. One released model codes them all; no picture of the set was used to train "
        'it. JPEG XL comes with imagecodecs (`pip install -e ".[bench]"`).',
        "Bits per channel and pixel of each photograph, and bytes against JPEG XL of effort 9",
    ),
    "synthetic_partition": Page(
        "What a space partition saves",
        "How many candidates does a space partition save, and what does it cost in bits? (5 dimensions; "
        "arXiv:2405.12203)",
        "",
        "Steps by divergence, codelength by mutual information, and candidates needed for a bias",
    ),
    "synthetic_ablation": Page(
        "Which dimensions should be cut",
        "Which dimensions should be cut? 5,000 samples each (arXiv:2405.12203)",
        "",
        "Histograms of samples with each way of spending the bits of a partition",
    ),
    "synthetic_large_block": Page(
        "48 bits in one search",
        "Can 48 bits of KL divergence go through one search? (12 dimensions)",
        "",
        "Bias of a block of 48 bits, and the candidates needed by dimensions and intervals",
    ),
    "synthetic_scalar": Page(
        "Coders of single numbers",
        "Steps, bits and bias of every coder of single numbers (arXiv:2201.12857)",
        "",
        "Steps and codelength by divergence, and bias by bits",
    ),
    "synthetic_overhead": Page(
        "Bits beyond the KL divergence",
        "How many bits more than the KL divergence does every coder send, beside bounds?",
        "Some coders race candidates for a whole block of coordinates and send an index: PFR, ORC, MRC (minimal random "
        "coding). Others go down a tree of intervals for every coordinate and send a path: A\\* coding, which cuts an "
        "interval at its sample (AS\\*) or in halves (AD\\*; DAD\\* to a fixed depth), greedy Poisson rejection "
        "sampling (GPRS) and greedy rejection coding (GRC).",
        "Bits beyond the KL, and steps, of every coder",
    ),
    "bench_files": Page(
        "Whole files",
        "How many images per second do whole files take, and how does the overhead of single images fall with time?",
        "Networks, coder, container and writing are included. An image that is coded alone can be decoded alone, and "
        "takes fewer bits after a longer search.",
        "Time of an image against its overhead",
        SPEED,
    ),
    "bench_coder": Page(
        "The entropy coder",
        "How many symbols per second does rANS in lanes code, beside constriction?",
        'The coder alone, beside constriction, which is written in Rust (`pip install -e ".[bench]"` brings it).',
        "Million symbols per second of one core",
        SPEED,
    ),
    "bench_candidates": Page(
        "Candidates",
        "How many candidates does a core score, beside PyTorch, NumPy and `jax.random`?",
        "What a core does with candidates, beside what one would write instead (`pip install torch` for its rows).",
        "Million candidates per second of one core",
        SPEED,
    ),
    "bench_training": Page(
        "Training",
        "How fast are VAEs and representations trained, beside PyTorch?",
        "The same networks, objectives and optimisers in PyTorch (`pip install torch` for its rows).",
        "Images or steps per second of training",
        SPEED,
    ),
    "bench_costs": Page(
        "How time grows",
        "How does time grow with divergence, batch and images?",
        "",
        "Time against divergence, blocks and images",
        SPEED,
    ),
    "bench_device": Page(
        "What the device could do",
        "How far are candidates from what the device could do? (all of a CPU or an accelerator)",
        "",
        "Shares of what the device could do",
        SPEED,
    ),
    "bench_startup": Page(
        "Start-up",
        "What does a command take before it codes anything?",
        "Commands keep what they compile for their next call; see the [command line](../../recjax/cli/README.md).",
        "Seconds of each command, with an empty and with a filled compilation cache",
        SPEED,
    ),
    "fuzz_files": Page(
        "Hostile files",
        "Do damaged and hostile files break a decoder?",
        "Mutated files, and more of them that are guided by the branches they reach "
        '(`pip install -e ".[fuzz]"`). What stands against each threat is in '
        "[FORMAT.md](../../recjax/container/FORMAT.md#hostile-files).",
        "What became of mutated files",
        SAFETY,
    ),
}
"""The page of every experiment by its name."""


def render(result: dict[str, Any], shown: Sequence[Table]) -> str:
    """Renders the page of a recorded result.

    Args:
        result: The result, as `python -m experiments` writes it.
        shown: Its tables.

    Returns:
        The page as Markdown, for a file beside NAME.json and NAME.png.
    """
    name = result["experiment"]
    page = PAGES[name]
    parts = [
        f"# {page.title}",
        page.question,
        page.about,
        f"`python -m experiments configs/{name}.toml` took {minutes(result)} on {machine(result)}. "
        f"[{name}.json]({name}.json) holds all figures; this page is rendered from it.",
        f"![{page.caption}]({name}.png)",
        *map(markdown, shown),
    ]
    return "\n\n".join(part.rstrip("\n") for part in parts if part) + "\n"


def minutes(result: dict[str, Any]) -> str:
    """Says how long a run took.

    Args:
        result: The result.

    Returns:
        Its time in seconds or minutes, with the unit.
    """
    seconds = result["seconds"]["total"]
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def machine(result: dict[str, Any]) -> str:
    """Says what a result was measured on.

    Args:
        result: The result.

    Returns:
        The device in words, such as "2 CPU cores".
    """
    device = result["device"]
    return f"{device['cpu_cores']} CPU cores" if device["kind"] == "cpu" else f"{device['count']} x {device['kind']}"
