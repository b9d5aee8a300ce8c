"""What docstrings of public names lack: a first sentence that stands alone, or sections for what goes in and out."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

PREPOSITIONS = {
    "after", "as", "at", "before", "beside", "between", "beyond", "by", "for", "from", "how", "in", "like", "of", "on",
    "to", "under", "undo", "what", "when", "where", "which", "who", "whose", "with", "within", "without",
}  # fmt: skip
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_READ_LIKE_FIELDS = {"property", "cached_property"}


def lacks(path: Path) -> Iterator[str]:
    """Lists what the docstrings of a module lack, as `file:line: name: what`."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node, what in _of_module(tree):
        yield f"{path}:{getattr(node, 'lineno', 1)}: {getattr(node, 'name', 'module')}: {what}"


def _of_module(tree: ast.Module) -> Iterator[tuple[ast.AST, str]]:
    yield from ((tree, what) for what in _of_first_line(ast.get_docstring(tree)))
    for node in tree.body:
        if isinstance(node, _FUNCTIONS):
            yield from ((node, what) for what in _of_function(node, is_method=False))
        elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from ((node, what) for what in _of_class(node))
            for one in node.body:
                if isinstance(one, _FUNCTIONS):
                    is_method = "staticmethod" not in _decorators(one)
                    yield from ((one, what) for what in _of_function(one, is_method=is_method))


def _of_first_line(text: str | None) -> Iterator[str]:
    if text is None:
        yield "there is no docstring"
        return
    first = text.split("\n")[0]
    if not first.endswith((".", "?", "!")):
        yield "the first line is not one sentence"
    if (word := re.split(r"\W", first.lower())[0]) in PREPOSITIONS:
        yield f"the first line begins with {word!r}"


def _of_function(node: ast.FunctionDef | ast.AsyncFunctionDef, *, is_method: bool) -> Iterator[str]:
    text = ast.get_docstring(node)
    if node.name.startswith("_"):
        if text and not node.name.startswith("__"):
            yield from _of_first_line(text)
        return
    decorators = _decorators(node)
    if "overload" in decorators:
        return
    yield from _of_first_line(text)
    if text is None or decorators & _READ_LIKE_FIELDS:
        return
    names = [one.arg for one in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
    names += [one.arg for one in (node.args.vararg, node.args.kwarg) if one is not None]
    names = [name for name in (names[1:] if is_method else names) if not name.startswith("_")]
    yield from (f"Args lacks {name}" for name in names if not _states(text, "Args", name))
    gives = node.returns is None or not (isinstance(node.returns, ast.Constant) and node.returns.value is None)
    if names and gives and not re.search(r"^(Returns|Yields):$", text, re.MULTILINE):
        yield "there is no Returns"
    if any(isinstance(one, ast.Raise) for one in ast.walk(node)) and not re.search(r"^Raises:$", text, re.MULTILINE):
        yield "there is no Raises"


def _of_class(node: ast.ClassDef) -> Iterator[str]:
    text = ast.get_docstring(node)
    yield from _of_first_line(text)
    for place, one in enumerate(node.body):
        if not (isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name)) or one.target.id.startswith("_"):
            continue
        below = node.body[place + 1] if place + 1 < len(node.body) else None
        has_own = isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant)
        # What an option of the command line is for stands in its annotation, too.
        explained = has_own or "Annotated" in ast.dump(one.annotation)
        if not explained and not _states(text or "", "Attributes", one.target.id):
            yield f"Attributes lacks {one.target.id}"


def _states(text: str, section: str, name: str) -> bool:
    found = re.search(rf"^{section}:\n((?:[ \t]+.*\n?|\n)*)", text, re.MULTILINE)
    return found is not None and bool(re.search(rf"^\s+(?:\w+, )*\*{{0,2}}{name}(?:, \w+)*:", found[1], re.MULTILINE))


def _decorators(node: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    names = (one.func if isinstance(one, ast.Call) else one for one in node.decorator_list)
    return {getattr(name, "attr", getattr(name, "id", "")) for name in names}
