"""Every statement of `queries` is understood by the migrated schema, and nothing else is run."""

import ast
import importlib
import re
from collections.abc import Iterator
from types import ModuleType

import asyncpg

from gosellr.core.db import Connection
from tests.house.source import Source, functions, python_files

_CONSTANT = re.compile(r"^_?[A-Z][A-Z0-9_]+$")
_STATEMENT = re.compile(r"^\s*(SELECT|INSERT|UPDATE|DELETE|WITH|VALUES|MERGE)\b")
_LOCK = re.compile(r"\bFOR (UPDATE|NO KEY UPDATE|SHARE|KEY SHARE)\b")
_ONE_ROW = re.compile(r"\w+ = (\$\d+|'\w+'|\()")
_RUNNING = {"execute", "executemany", "fetch", "fetchrow", "fetchval", "prepare", "cursor"}


def query_files() -> Iterator[tuple[Source, ModuleType]]:
    """The files of `queries` with the modules they are."""
    for source in python_files():
        if source.room == "queries" and source.path.stem != "__init__":
            yield source, importlib.import_module(f"gosellr.queries.{source.path.stem}")


def _handed_on(tree: ast.Module) -> dict[str, int]:
    """Functions that run a statement they are handed, and at which place they take it."""
    return {
        function.name: place
        for function in functions(tree)
        for place, argument in enumerate(function.args.args)
        if argument.arg == "statement"
    }


def statements_run(tree: ast.Module) -> Iterator[ast.expr]:
    """What stands where a statement is run, or is handed to a function that runs it."""
    handed_on = _handed_on(tree)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Attribute) and node.func.attr in _RUNNING and node.args:
            is_handed = isinstance(node.args[0], ast.Name) and node.args[0].id == "statement"
            if not (handed_on and is_handed):
                yield node.args[0]
        elif isinstance(node.func, ast.Name) and node.func.id in handed_on:
            yield node.args[handed_on[node.func.id]]


def constants_of(statement: ast.expr) -> list[str]:
    """The names of the constants that `statement` is, or chooses from; none if it is built."""
    match statement:
        case ast.Name(id=name) | ast.Attribute(attr=name) if _CONSTANT.match(name):
            return [name]
        case ast.Subscript(value=value):
            return constants_of(value)
        case ast.IfExp(body=body, orelse=orelse):
            either = [constants_of(body), constants_of(orelse)]
            return either[0] + either[1] if all(either) else []
    return []


def test_only_named_statements_are_run() -> None:
    """A statement built while running could be built wrong, and no test would prepare it."""
    assert [
        f"{source.name}:{statement.lineno}: {ast.unparse(statement)[:60]}"
        for source, _ in query_files()
        for statement in statements_run(source.tree)
        if not constants_of(statement)
    ] == []


def statements() -> Iterator[tuple[str, str]]:
    """Every constant that is run, and every public one that reads like a statement."""
    for source, module in query_files():
        run = {name for found in statements_run(source.tree) for name in constants_of(found)} & set(
            vars(module)
        )
        public = {name for name in vars(module) if _CONSTANT.match(name) and name[0] != "_"}
        for name in run | public:
            value = getattr(module, name)
            texts = value if isinstance(value, dict) else {"": value}
            for key, text in texts.items():
                is_statement = isinstance(text, str) and _STATEMENT.match(text)
                if name in run or is_statement:
                    yield f"{source.path.stem}.{name}[{key}]", text


async def test_every_statement_is_understood(connection: Connection) -> None:
    found = dict(statements())
    assert len(found) > 20
    wrong = {}
    for name, text in found.items():
        try:
            async with connection.transaction():
                await connection.prepare(text)
        except asyncpg.PostgresError as error:
            wrong[name] = f"{type(error).__name__}: {error}"
    assert wrong == {}


def test_rows_are_locked_in_order() -> None:
    """Whoever locks several rows says in which order, or two will wait for each other."""
    assert [
        name
        for name, text in statements()
        for lock in _LOCK.finditer(text)
        for asked in [text[text.rfind("SELECT", 0, lock.start()) : lock.start()]]
        if "ORDER BY" not in asked and not _ONE_ROW.search(asked)
    ] == []
