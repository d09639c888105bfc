"""Order in the house, watched by a machine. Limits only ever tighten."""

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from tests.house.source import PACKAGE, Source, all_files, functions, python_files, strings

FILE_LINES_MAX = 400
TEST_FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 70
POLL_SECONDS_MAX = 0.1

# Where amounts are reckoned: whole numbers only.
MONEY_ROOMS = frozenset(
    f"services/gosellr/utils/{name}.py"
    for name in (
        "commission", "dispute_postings", "disputes", "ledger", "money", "payouts", "postings",
        "pricing", "promotions", "refunds", "stored_value", "tax", "value_postings",
        "balance_postings", "recovery", "reserves", "sepa",
    )
)  # fmt: skip

_SQL = re.compile(
    r"^\s*(SELECT\s|INSERT\s+INTO\s|UPDATE\s+\w+\s+(AS\s+\w+\s+)?SET\s|DELETE\s+FROM\s|WITH\s+\w+\s+AS)"
)


@dataclass(frozen=True, slots=True)
class Ban:
    """A pattern that may not occur in the files it is about."""

    name: str
    pattern: re.Pattern[str]
    is_about: Callable[[Source], bool]


def _rooms(*rooms: str) -> Callable[[Source], bool]:
    return lambda source: source.room in rooms


BANS = (
    Ban(
        "unfinished work",
        re.compile(r"\b(TODO|FIXME|HACK|NotImplementedError)\b|#.*\bXXX\b"),
        lambda source: source.name != "tests/house/test_tidy.py",
    ),
    Ban(
        "a path of somebody's machine",
        re.compile(r"/(work|root|home/\w+|Users/\w+)/"),
        lambda source: source.name != "tests/house/test_tidy.py",
    ),
    Ban(
        "a clock where time is handed down",
        re.compile(
            r"\bnow\(\s*\)|\butcnow\b|\btoday\(\s*\)|\bCURRENT_(TIMESTAMP|DATE|TIME)\b"
            r"|\b(clock|statement|transaction)_timestamp\b|\btime\.time\b"
        ),
        _rooms("services", "utils", "queries", "models"),
    ),
    Ban(
        "a transaction opened or ended outside of transact",
        re.compile(r"\.(commit|rollback|transaction)\("),
        lambda source: (
            source.room in {"api", "web", "jobs", "flows", "services", "queries", "utils", "models"}
            or source.room == ""
        ),
    ),
    Ban(
        "a dataclass that is compiled before it is needed",
        re.compile(r"\bdataclasses( import .*\b|\.)(dataclass|replace)\b"),
        lambda source: (
            source.path.is_relative_to(PACKAGE)
            # What reads the settings stands below, and is asked for by itself.
            and not source.name.startswith("services/gosellr/config")
            and source.name != "services/gosellr/utils/lazy_dataclasses.py"
        ),
    ),
)


@pytest.mark.parametrize("ban", BANS, ids=lambda ban: ban.name)
def test_nothing_banned(ban: Ban) -> None:
    found = [
        f"{source.name}:{number}: {line.strip()}"
        for source in all_files()
        if ban.is_about(source)
        for number, line in enumerate(source.text.splitlines(), 1)
        if ban.pattern.search(line)
    ]
    assert found == []


def test_files_are_short() -> None:
    def limit(source: Source) -> int:
        return TEST_FILE_LINES_MAX if source.room == "tests" else FILE_LINES_MAX

    long = {
        source.name: lines
        for source in python_files()
        if source.room != "migrations" and (lines := source.text.count("\n")) > limit(source)
    }
    assert long == {}


def test_functions_are_short() -> None:
    long = {
        f"{source.name}:{function.name}": lines
        for source in python_files()
        if source.room != "migrations"
        for function in functions(source.tree)
        if (lines := (function.end_lineno or 0) - function.lineno + 1) > FUNCTION_LINES_MAX
    }
    assert long == {}


def _fractions(tree: ast.Module) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        is_literal = isinstance(node, ast.Constant) and isinstance(node.value, float)
        is_division = isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div)
        is_type = isinstance(node, ast.Name) and node.id == "float"
        if is_literal or is_division or is_type:
            yield node


def test_money_is_whole() -> None:
    sources = [source for source in python_files() if source.name in MONEY_ROOMS]
    assert {source.name for source in sources} == MONEY_ROOMS
    assert [
        f"{source.name}:{node.lineno}"  # type: ignore[attr-defined]
        for source in sources
        for node in _fractions(source.tree)
    ] == []


def test_sql_has_one_address() -> None:
    """Core's own statements are about the database itself; a gateway's are in its own file."""
    found = [
        f"{source.name}:{text.lineno}"
        for source in python_files()
        if source.room not in {"queries", "migrations", "core", "integrations", "tests", "bench"}
        for text in strings(source.tree)
        if _SQL.match(str(text.value))
    ]
    assert found == []


def _is_sleep(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and (
        (isinstance(node.func, ast.Attribute) and node.func.attr == "sleep")
        or (isinstance(node.func, ast.Name) and node.func.id == "sleep")
    )


def _is_pause(call: ast.AST, *, at_most: float) -> bool:
    (pause,) = call.args if isinstance(call, ast.Call) and len(call.args) == 1 else (None,)
    return isinstance(pause, ast.Constant) and float(str(pause.value)) <= at_most


def test_tests_wait_for_things_not_for_time() -> None:
    """A pause stands only in a loop that asks again whether something has come about; one of
    nothing only lets the others have their turn."""
    found = []
    for source in python_files():
        if source.room != "tests":
            continue
        polling = {
            id(inner)
            for loop in ast.walk(source.tree)
            if isinstance(loop, ast.While)
            for inner in ast.walk(loop)
            if _is_sleep(inner) and _is_pause(inner, at_most=POLL_SECONDS_MAX)
        }
        found += [
            f"{source.name}:{node.lineno}"  # type: ignore[attr-defined]
            for node in ast.walk(source.tree)
            if _is_sleep(node) and id(node) not in polling and not _is_pause(node, at_most=0)
        ]
    assert found == []
