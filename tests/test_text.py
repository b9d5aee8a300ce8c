"""Names on a terminal: what cannot be seen is escaped, and JSON holds what JSON has."""

import json

import pytest

from recjax.text import escaped, quoted, say, say_json

NAMES = {
    "digits.npy": "digits.npy",
    "two words.png": "two words.png",
    "Bücher/图.png": "Bücher/图.png",
    "a\\x1b.png": "a\\x1b.png",
    "[red]a[/red]": "[red]a[/red]",
    "a\x1b[31m.png": r"'a\x1b[31m.png'",
    "a\nb": r"'a\nb'",
    "a\tb": r"'a\tb'",
    "a\rrecjax: fine": r"'a\rrecjax: fine'",
    "\x9b31m": r"'\x9b31m'",
    "gnp\u202e.exe": r"'gnp\u202e.exe'",
    "a\u2066b\u2069": r"'a\u2066b\u2069'",
    "a\u200bb": r"'a\u200bb'",
    "a\u2028b": r"'a\u2028b'",
    "a\u00a0b": r"'a\xa0b'",
    "a\udcffb": r"'a\udcffb'",
    "\ue000": r"'\ue000'",
    "a\x7f": r"'a\x7f'",
    " a": "' a'",
    "a ": "'a '",
    "": "''",
    "a'\n": '"a\'\\n"',
}


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_shown_as_it_is_or_in_quotes_with_escapes(name):
    assert quoted(name) == NAMES[name]
    assert quoted(name).isprintable() and escaped(quoted(name)) == quoted(name)


@pytest.mark.parametrize("name", NAMES)
def test_a_line_is_one_line_whatever_it_holds(name, capsys):
    say(f"{name} is good")
    out = capsys.readouterr().out
    assert out.endswith(" is good\n") and out[:-1].isprintable()


def test_json_is_ascii_and_has_no_number_that_json_does_not_have(capsys):
    facts = {"file": "a\udcff\x1b\u202e", "rate": float("nan"), "more": [{"psnr_db": float("inf")}, (1, 2.5)], "n": 3}
    say_json(facts)
    out = capsys.readouterr().out

    def refuse(name):
        raise AssertionError(name)

    found = json.loads(out, parse_constant=refuse)
    assert out.isascii() and found["file"] == facts["file"]
    assert found["rate"] is None and found["more"] == [{"psnr_db": None}, [1, 2.5]] and found["n"] == 3
