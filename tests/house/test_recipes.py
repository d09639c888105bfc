"""Every function that books a fact is held to what it has to do by a test of any amounts."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.house.source import Source, python_files

UTILS = "gosellr.utils"


@dataclass
class _Reader:
    """What the functions of one module of tests reach in `utils`, also through one another."""

    tree: ast.Module
    own: dict[str, ast.AST] = field(default_factory=dict)
    imported: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for node in self.tree.body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                self.own[node.name] = node
            elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith(UTILS):
                for one in node.names:
                    self.imported[one.asname or one.name] = f"{node.module}.{one.name}"

    def reached(self, start: ast.AST) -> set[str]:
        """The full names of what a function uses, itself or through functions beside it."""
        found: set[str] = set()
        seen, waiting = {id(start)}, [start]
        while waiting:
            for node in ast.walk(waiting.pop()):
                if isinstance(node, ast.Name):
                    found |= {self.imported[one] for one in {node.id} & self.imported.keys()}
                    beside = self.own.get(node.id)
                elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                    # `payouts.payout_intent` of an imported module, or a method of a class here.
                    module = self.imported.get(node.value.id)
                    found |= {f"{module}.{node.attr}"} if module else set()
                    beside = None
                else:
                    continue
                if beside is not None and id(beside) not in seen:
                    seen.add(id(beside))
                    waiting.append(beside)
        return found


def is_given(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether hypothesis makes up what it is tried with."""
    return any(
        isinstance(one, ast.Call) and ast.unparse(one.func).rpartition(".")[2] == "given"
        for one in function.decorator_list
    )


def recipes(sources: tuple[Source, ...]) -> Iterator[str]:
    """The full names of the functions of `utils` that make a draft."""
    for source in sources:
        if source.room != "utils":
            continue
        for node in source.tree.body:
            if (
                isinstance(node, ast.FunctionDef)
                and not node.name.startswith("_")
                and node.returns is not None
                and "TransactionDraft" in ast.unparse(node.returns)
            ):
                yield f"{UTILS}.{source.path.stem}.{node.name}"


def tried(trees: Iterator[ast.Module]) -> set[str]:
    """What tests of any amounts reach."""
    found: set[str] = set()
    for tree in trees:
        reader = _Reader(tree)
        for node in reader.own.values():
            if (
                isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
                and node.name.startswith("test_")
                and is_given(node)
            ):
                found |= reader.reached(node)
    return found


def test_every_recipe_has_a_test_of_any_amounts() -> None:
    sources = python_files()
    known = set(recipes(sources))
    assert {f"{UTILS}.postings.sale", f"{UTILS}.reconciliation.explained"} <= known
    tests = (one.tree for one in sources if one.room == "tests" and "test_" in one.path.name)
    assert sorted(known - tried(tests)) == []


def test_only_what_is_tried_counts() -> None:
    def found(text: str) -> set[str]:
        return tried(iter([ast.parse("from gosellr.utils.postings import sale\n" + text)]))

    sale = {f"{UTILS}.postings.sale"}
    assert found("@given(x=1)\ndef test_it(x):\n    sale()\n") == sale
    assert found("@given(x=1)\ndef test_it(x):\n    sold()\ndef sold():\n    sale()\n") == sale
    assert found("@given(x=1)\ndef test_it(x):\n    Shop().go()\nclass Shop:\n"
                 "    def go(self):\n        sale()\n") == sale  # fmt: skip
    assert found("def test_it():\n    sale()\n") == set()
    assert found("@given(x=1)\ndef sold():\n    sale()\n") == set()
    assert found("@given(x=1)\ndef test_it(x):\n    other.sale()\n") == set()
    aliased = (
        "from gosellr.utils import postings as p\n@given(x=1)\ndef test_it(x):\n    p.sale()\n"
    )
    assert sale <= found(aliased)
