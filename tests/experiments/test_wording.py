"""Recorded results as readers see them: words of the field, no judgement of figures, one colour for a method."""

import re
from pathlib import Path

import pytest

from experiments import registry, report
from experiments.reporting import figures
from experiments.synthetic.coder_styles import LABELS, STYLES

RESULTS = sorted((Path(report.__file__).parent / "results").glob("*.json"))
AVOIDED = re.compile(
    r"\b(wanted|met|missed|goals?|aims?|verdict|laws?|given up|in no rate|programs kept)\b", re.IGNORECASE
)


@pytest.mark.parametrize("path", RESULTS, ids=lambda path: path.stem)
def test_tables_state_figures_in_words_of_the_field(path):
    result = report.load(path)
    shown = registry.reporter(registry.name_of(result)).tables(result)
    assert shown and all(table.rows for table in shown)
    for table in shown:
        for text in (table.title, *table.columns, *table.notes, *(cell for row in table.rows for cell in row)):
            assert not AVOIDED.search(text), text


def test_variants_of_a_coder_have_its_colour():
    assert set(STYLES) == set(LABELS)
    for name, base in (("pfr_split", "pfr"), ("orc_split", "orc"), ("as_star_coded", "as_star"), ("mrc", "mrc")):
        assert STYLES[name]["color"] == figures.METHODS[base]
    looks = [(style["color"], style["marker"], style.get("linestyle")) for style in STYLES.values()]
    assert len(set(looks)) == len(looks)
