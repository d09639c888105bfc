"""The project's own source as data: which files there are, and what stands in them."""

import ast
import gc
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "services" / "gosellr"


@dataclass(frozen=True, slots=True)
class Source:
    """One file of ours. `room` is its folder inside the package, or `tests`, or `bench`."""

    path: Path

    @property
    def name(self) -> str:
        """Its path from the root, with forward slashes."""
        return self.path.relative_to(ROOT).as_posix()

    @property
    def room(self) -> str:
        """Where it lives."""
        if not self.path.is_relative_to(PACKAGE):
            return self.path.relative_to(ROOT).parts[0]
        inside = self.path.relative_to(PACKAGE).parts
        return inside[0] if len(inside) > 1 else ""

    @property
    def text(self) -> str:
        """What stands in it."""
        return _text(self.path)

    @property
    def tree(self) -> ast.Module:
        """Its syntax tree."""
        return _tree(self.path)


@cache
def _text(path: Path) -> str:
    return path.read_text()


@cache
def _tree(path: Path) -> ast.Module:
    # The collector may run a finalizer that prints a traceback, which parses as well, and until
    # CPython's gh-106905 was mended two at once were taken for a fault of the parser.
    gc.disable()
    try:
        return ast.parse(_text(path))
    finally:
        gc.enable()


@cache
def python_files() -> tuple[Source, ...]:
    """Every Python file of the project."""
    return _files("py", "services", "tests", "bench")


@cache
def all_files() -> tuple[Source, ...]:
    """Every text file that we write by hand."""
    written = [
        source
        for suffix in ("html", "css", "js", "md", "toml", "txt", "sql", "yaml")
        for source in _files(suffix, "services", "tests", "bench", "docs")
        if not {"vendor", "static"} & set(source.path.parts)
    ]
    return (*python_files(), *written)


def _files(suffix: str, *folders: str) -> tuple[Source, ...]:
    return tuple(
        Source(path)
        for folder in folders
        for path in sorted((ROOT / folder).rglob(f"*.{suffix}"))
        if "__pycache__" not in path.parts
    )


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function, at any depth."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def strings(tree: ast.Module) -> Iterator[ast.Constant]:
    """Every string that isn't a docstring."""
    documentation = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in documentation
        ):
            yield node
