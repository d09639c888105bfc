"""Statements that were seen, as scripts for pgbench: a pure part of the floor.

What one operation sent is a *take*: its statements in order, with their arguments as text. Takes
of the same form become one script. Its arguments are read from a table, the *tape*, several
operations at once, so that reading them costs next to nothing; what never changes is set on the
command line. An operation that writes is played with identifiers of its own every time.
"""

import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import orjson

from gosellr.utils.ids import uuid7

CONTROL = frozenset({"BEGIN", "COMMIT", "ROLLBACK"})
_TOKEN = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|--[^\n]*|/\*.*?\*/|\$\d+", re.DOTALL)
_LOOKS_LIKE_VARIABLE = re.compile(r"(?<!:):(?=[A-Za-z_0-9])")
_UUID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\b")
# References of a gateway and fingerprints; longer ones are documents.
_HEX = re.compile(r"(?<![0-9a-f-])[0-9a-f]{24,64}(?![0-9a-f-])")
_UNKNOWN = "nothing"  # pgbench sends NULL for a variable that was never set.


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement with the types of its parameters; whether rows come back."""

    sql: str
    types: tuple[str, ...] = ()
    gives_rows: bool = False

    @property
    def is_control(self) -> bool:
        """Whether it only begins or ends a transaction."""
        return self.sql.strip(" ;\n").upper() in CONTROL


Values = tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Take:
    """What one operation sent."""

    statements: tuple[Statement, ...]
    values: tuple[Values, ...]

    @property
    def form(self) -> tuple[tuple[str, tuple[bool, ...]], ...]:
        """Takes of one form can be played by one script: the same SQL, nulls at the same places."""
        return tuple(
            (statement.sql, tuple(value is None for value in values))
            for statement, values in zip(self.statements, self.values, strict=True)
        )


def as_text(value: Any, type_name: str) -> str | None:
    """An argument as PostgreSQL reads it."""
    if value is None:
        return None
    text = str(value)
    if type_name in {"json", "jsonb"}:
        text = orjson.dumps(value, default=str).decode()
    elif isinstance(value, bool):
        text = "t" if value else "f"
    elif isinstance(value, bytes):
        text = "\\x" + value.hex()
    elif isinstance(value, date):
        text = value.isoformat()
    elif isinstance(value, list | tuple):
        text = "{" + ",".join(_element(one, type_name.removesuffix("[]")) for one in value) + "}"
    return text


def _element(value: Any, type_name: str) -> str:
    text = as_text(value, type_name)
    if text is None:
        return "NULL"
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def rewritten(sql: str, parameter: Callable[[int], str], *, for_pgbench: bool) -> str:
    """SQL with other names for its parameters, without comments.

    pgbench takes every colon before a word for a variable, also within quotes, so those are
    written as escapes.
    """

    def replace(match: re.Match[str]) -> str:
        token = match[0]
        if token.startswith("$"):
            return parameter(int(token[1:]))
        if token.startswith(("--", "/*")):
            return " "
        if for_pgbench and token.startswith("'") and _LOOKS_LIKE_VARIABLE.search(token):
            inside = token[1:-1].replace("\\", "\\\\").replace(":", "\\003A")
            return f"U&'{inside}'"
        return token

    return _TOKEN.sub(replace, sql).strip().rstrip(";").strip()


@dataclass(frozen=True, slots=True)
class Columns:
    """Where each argument comes from: a constant, or a column of the tape."""

    constants: tuple[str, ...]
    width: int
    sources: tuple[tuple[str, ...], ...]
    """Per statement and parameter `c3` for a constant, `v7` for a column, or nothing's name."""

    @classmethod
    def of(cls, takes: Sequence[Take]) -> "Columns":
        """Find what changes; what always changes alike is one column."""
        constants: dict[str, str] = {}
        columns: dict[Values, str] = {}
        sources = []
        for place in range(len(takes[0].statements)):
            names = []
            for argument in range(len(takes[0].values[place])):
                told = tuple(take.values[place][argument] for take in takes)
                first = told[0]
                if first is None:
                    names.append(_UNKNOWN)
                elif len(takes) > 1 and all(value == first for value in told):
                    names.append(constants.setdefault(first, f"c{len(constants)}"))
                else:
                    names.append(columns.setdefault(told, f"v{len(columns) + 1}"))
            sources.append(tuple(names))
        return cls(tuple(constants), len(columns), tuple(sources))

    def row(self, take: Take) -> list[str]:
        """A take's changing arguments, in the order of the columns."""
        row: dict[int, str] = {}
        for names, values in zip(self.sources, take.values, strict=True):
            for name, value in zip(names, values, strict=True):
                if name.startswith("v") and value is not None:
                    row[int(name[1:])] = value
        return [row[number] for number in range(1, self.width + 1)]

    def definitions(self) -> dict[str, str]:
        """The constants by the names of their variables."""
        return {f"c{number}": value for number, value in enumerate(self.constants)}


def script(
    statements: Sequence[Statement], columns: Columns, *, tape: str, copies: int, wraps: bool
) -> str:
    """A script that plays so many operations with what stands on the tape.

    Each client has its own stretch of it. `wraps` lets it begin anew at the end, which is for
    operations that write nothing. `first`, `stretch` and `rows` are set on the command line.
    """
    lines = [fetching(columns, tape=tape, copies=copies, wraps=wraps)]
    for copy in range(copies):
        for statement, names in zip(statements, columns.sources, strict=True):

            def parameter(
                number: int,
                statement: Statement = statement,
                names: tuple[str, ...] = names,
                copy: int = copy,
            ) -> str:
                name = names[number - 1]
                variable = f"v{copy}_{name[1:]}" if name.startswith("v") else name
                # Each place is a parameter of its own, and not every place tells its type.
                return f":{variable}::{statement.types[number - 1]}"

            lines.append(rewritten(statement.sql, parameter, for_pgbench=True) + ";")
    return "\n".join(lines) + "\n"


def fetching(columns: Columns, *, tape: str, copies: int, wraps: bool) -> str:
    """The beginning of a script: move on, and read the arguments of the next operations."""
    place = ":first + :client_id * :stretch + :moved"
    wrapped = f"({place}) % (:rows - {copies - 1})" if wraps else place
    lines = [f"\\set n {wrapped}", f"\\set moved :moved + {copies}"]
    if columns.width:
        wanted = ", ".join(
            f"t{copy}.v[{number}] AS v{copy}_{number}"
            for copy in range(copies)
            for number in range(1, columns.width + 1)
        )
        tables = ", ".join(f"{tape} AS t{copy}" for copy in range(copies))
        places = " AND ".join(f"t{copy}.n = :n::int + {copy}" for copy in range(copies))
        lines.append(f"SELECT {wanted} FROM {tables} WHERE {places} \\gset")  # noqa: S608
    return "\n".join(lines)


def function(
    name: str, statements: Sequence[Statement], columns: Columns, *, tape: str
) -> tuple[str, str]:
    """The same statements as one function of the place on the tape, and the script calling it.

    It is what the same work costs in one round trip and one transaction.
    """
    variables = _variables(statements, columns)
    declared = "".join(f"    {one} {kind};\n" for (_, kind), one in variables.items())
    taken = "".join(f"    {one} := told[{source[1:]}];\n" for (source, _), one in variables.items())
    body = "".join(
        _within(statement, names, columns, variables)
        for statement, names in zip(statements, columns.sources, strict=True)
        if not statement.is_control
    )
    made = "\n".join(
        [
            f"CREATE FUNCTION {name}(place int) RETURNS void LANGUAGE plpgsql AS $function$",
            "#variable_conflict use_column",
            "DECLARE",
            "    told text[];",
            f"    met record;\n{declared}BEGIN",
            f"    SELECT v INTO STRICT told FROM {tape} WHERE n = place;",  # noqa: S608
            f"{taken}{body}END $function$",
        ]
    )
    place = "\\set n :first + :client_id * :stretch + :moved\n\\set moved :moved + 1\n"
    return made, f"{place}SELECT {name}(:n::int);\n"


Variables = dict[tuple[str, str], str]


def _variables(statements: Sequence[Statement], columns: Columns) -> Variables:
    """A variable of the function for each column and type that it is used as."""
    used = {
        (source, kind)
        for statement, names in zip(statements, columns.sources, strict=True)
        for source, kind in zip(names, statement.types, strict=True)
        if source.startswith("v")
    }
    return {one: f"bench_{number}" for number, one in enumerate(sorted(used))}


def _within(
    statement: Statement, names: tuple[str, ...], columns: Columns, variables: Variables
) -> str:
    constants = columns.definitions()

    def parameter(number: int) -> str:
        name, kind = names[number - 1], statement.types[number - 1]
        if name == _UNKNOWN:
            return f"NULL::{kind}"
        if name.startswith("c"):
            return f"{quoted(constants[name])}::{kind}"
        return variables[name, kind]

    sql = rewritten(statement.sql, parameter, for_pgbench=False)
    if statement.gives_rows:
        return f"    FOR met IN {sql} LOOP NULL; END LOOP;\n"
    return f"    {sql};\n"


def quoted(text: str) -> str:
    """Text as a literal."""
    escaped = text.replace("\\", "\\\\").replace("'", "''")
    return f"E'{escaped}'" if "\\" in text else f"'{escaped}'"


class Freshener:
    """Gives what a take made identifiers that nobody has used, in the order of time.

    Made were the ids since `since_ms`, everything that bears the run's name, and references and
    fingerprints, which are long hexadecimal numbers.
    """

    def __init__(self, *, since_ms: int, run: str) -> None:
        self._since_ms = since_ms
        self._run = re.compile(rf"\b{re.escape(run)}-\d+\b")
        self._count = 0
        self._token = secrets.token_hex(4)

    def renewed(self, row: Sequence[str], *, now_ms: int) -> list[str]:
        """The arguments of one more operation."""
        self._count += 1
        key = f"{self._token}-{self._count}"
        text = "\0".join(row)
        made = sorted({one for one in _UUID.findall(text) if self._is_made(one)})
        known: Mapping[str, str] = {
            old: str(uuid7(unix_ms=now_ms, random_bits=self._bits(place)))
            for place, old in enumerate(made)
        }
        numbers: dict[str, str] = {}

        def number(match: re.Match[str]) -> str:
            return numbers.setdefault(match[0], secrets.token_hex(33)[: len(match[0])])

        text = _UUID.sub(lambda match: known.get(match[0], match[0]), text)
        return self._run.sub(key, _HEX.sub(number, text)).split("\0")

    def _is_made(self, identifier: str) -> bool:
        return UUID(identifier).int >> 80 >= self._since_ms

    def _bits(self, place: int) -> int:
        return (self._count << 34) + (place << 26) + secrets.randbits(26)
