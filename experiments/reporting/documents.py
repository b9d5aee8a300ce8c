"""All Markdown that is rendered: the page of each recorded result, and the generated blocks of the READMEs."""

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from experiments import registry
from experiments.reporting import commands, headline, models, overview, pages
from experiments.reporting.tables import Table, markdown

ROOT = Path(__file__).resolve().parents[2]
RESULTS = Path("experiments/results")
BLOCK = re.compile(r"(<!-- generated: ([\w-]+) -->\n).*?(<!-- end of generated -->)", re.DOTALL)

Block = Callable[[Path], str]
"""Renders a block from the folder of the results."""


def _coders(results: Path) -> str:
    result = json.loads((results / "synthetic_overhead.json").read_text(encoding="utf-8"))
    return markdown(_table(registry.reporter("synthetic_overhead").tables(result), "choice"))


def _table(shown: list[Table], name: str) -> Table:
    return next(table for table in shown if table.name == name)


BLOCKS: Mapping[str, Mapping[str, Block]] = {
    "README.md": {"results": headline.table},
    "experiments/README.md": {"papers": overview.papers, "configs": overview.configs},
    "recjax/rec/README.md": {"coders": _coders},
    "recjax/pretrained/README.md": {
        "lossless": lambda _: models.lossless(),
        "pictures": lambda _: models.pictures(),
        "lossy": lambda _: models.lossy(),
        "origins": lambda _: models.origins(),
    },
    "recjax/cli/README.md": {
        "commands": lambda _: commands.reference(),
        "methods": lambda _: commands.options_of_methods(),
    },
}
"""What fills each block `<!-- generated: NAME -->` of each document."""


def rendered(root: Path = ROOT) -> dict[Path, str]:
    """Renders every document of a repository.

    Args:
        root: The root of the repository.

    Returns:
        The text that each document must have, by its path. READMEs that are not there are left out, so that a folder of
        results alone has pages alone.
    """
    results = root / RESULTS
    texts = {path.with_suffix(".md"): page(path) for path in sorted(results.glob("*.json"))}
    for name, blocks in BLOCKS.items():
        path = root / name
        if path.exists():
            texts[path] = filled(path.read_text(encoding="utf-8"), blocks, results)
    return texts


def page(path: Path) -> str:
    """Renders the page of a recorded result.

    Args:
        path: The path of its JSON.

    Returns:
        The page as Markdown.
    """
    result = json.loads(path.read_text(encoding="utf-8"))
    return pages.render(result, registry.reporter(registry.name_of(result)).tables(result))


def filled(text: str, blocks: Mapping[str, Block], results: Path) -> str:
    """Fills the generated blocks of a document.

    Args:
        text: The document.
        blocks: What renders each block, by its name.
        results: The folder of the results.

    Returns:
        The document with the blocks rendered anew.

    Raises:
        ValueError: The document does not have exactly these blocks.
    """
    if sorted(match[2] for match in BLOCK.finditer(text)) != sorted(blocks):
        raise ValueError(
            f"a document must have the generated blocks {', '.join(sorted(blocks))} once each, got "
            f"{', '.join(sorted(match[2] for match in BLOCK.finditer(text))) or 'none'}; correct its markers."
        )
    return BLOCK.sub(lambda match: match[1] + blocks[match[2]](results) + match[3], text)


def outdated(root: Path = ROOT) -> dict[Path, str]:
    """Finds the documents that are not what they must be.

    Args:
        root: The root of the repository.

    Returns:
        The text that each of them must have, by its path.
    """
    return {
        path: text
        for path, text in rendered(root).items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    }
