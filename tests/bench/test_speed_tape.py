"""What is recorded becomes scripts that say the same again, with identifiers of their own."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from bench.speed.tape import (
    Columns,
    Freshener,
    Statement,
    Take,
    as_text,
    fetching,
    function,
    quoted,
    rewritten,
    script,
)

OLD = "018fd118-9420-7951-9514-d00acb8d85fd"
MADE = "01a21d6a-a408-72e8-afc8-1a0fe0f35217"
LATER = "01a21d6a-a40a-770a-b055-01c902f3ebb1"
SINCE_MS = UUID(MADE).int >> 80


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (None, "uuid", None),
        (UUID(OLD), "uuid", OLD),
        (True, "bool", "t"),
        (24, "int4", "24"),
        (b"\x01\xff", "bytea", "\\x01ff"),
        ({"a": [1]}, "jsonb", '{"a":[1]}'),
        ([1], "jsonb", "[1]"),
        ([], "text[]", "{}"),
        (['say "x"', None, "a\\b"], "text[]", '{"say \\"x\\"",NULL,"a\\\\b"}'),
        ([{"a": 1}], "jsonb[]", '{"{\\"a\\":1}"}'),
        (datetime(2026, 1, 2, 3, tzinfo=UTC), "timestamptz", "2026-01-02T03:00:00+00:00"),
    ],
)
def test_arguments_are_written_as_postgresql_reads_them(
    value: object, kind: str, text: str | None
) -> None:
    assert as_text(value, kind) == text


def test_pgbench_finds_no_variables_where_none_are() -> None:
    sql = "SELECT to_char(at, 'HH24:MI\"T\"') -- it's $1\n, '$2', a[$1::int] FROM t;"
    assert rewritten(sql, lambda number: f":v{number}", for_pgbench=True) == (
        "SELECT to_char(at, U&'HH24\\003AMI\"T\"')  \n, '$2', a[:v1::int] FROM t"
    )
    assert rewritten(sql, lambda number: f"p{number}", for_pgbench=False) == (
        "SELECT to_char(at, 'HH24:MI\"T\"')  \n, '$2', a[p1::int] FROM t"
    )


def take(identifier: str, name: str, *, missing: str | None = None) -> Take:
    return Take(
        (
            Statement("BEGIN;"),
            Statement("SELECT $1, $2, $3", ("uuid", "text", "text"), gives_rows=True),
            Statement("INSERT INTO t VALUES ($1, $2)", ("text", "int4")),
            Statement("COMMIT;"),
        ),
        ((), (identifier, name, missing), (identifier, "24"), ()),
    )


TAKES = [take(OLD, "a"), take(MADE, "b")]


def test_what_never_changes_is_a_constant_and_what_changes_alike_one_column() -> None:
    columns = Columns.of(TAKES)
    assert columns.sources == ((), ("v1", "v2", "nothing"), ("v1", "c0"), ())
    assert columns.definitions() == {"c0": "24"}
    assert columns.row(TAKES[1]) == [MADE, "b"]


def test_a_lone_take_has_no_constants() -> None:
    assert Columns.of(TAKES[:1]).row(TAKES[0]) == [OLD, "a", "24"]


def test_takes_with_other_nulls_have_another_form() -> None:
    assert take(OLD, "a").form == take(MADE, "b").form
    assert take(OLD, "a").form != take(OLD, "a", missing="there").form


def test_a_script_reads_its_tape_once_for_all_copies() -> None:
    columns = Columns.of(TAKES)
    told = script(TAKES[0].statements, columns, tape="bench.tape", copies=2, wraps=False)
    one = [
        "BEGIN;",
        "SELECT :v{0}_1::uuid, :v{0}_2::text, :nothing::text;",
        "INSERT INTO t VALUES (:v{0}_1::text, :c0::int4);",
        "COMMIT;",
    ]
    reading = (
        "SELECT t0.v[1] AS v0_1, t0.v[2] AS v0_2, t1.v[1] AS v1_1, t1.v[2] AS v1_2"
        " FROM bench.tape AS t0, bench.tape AS t1"
        " WHERE t0.n = :n::int + 0 AND t1.n = :n::int + 1 \\gset"
    )
    assert told.splitlines() == [
        "\\set n :first + :client_id * :stretch + :moved",
        "\\set moved :moved + 2",
        reading,
        *(line.format(0) for line in one),
        *(line.format(1) for line in one),
    ]


def test_what_only_reads_begins_the_tape_anew() -> None:
    columns = Columns.of(TAKES)
    first = fetching(columns, tape="bench.tape", copies=4, wraps=True).splitlines()[0]
    assert first == "\\set n (:first + :client_id * :stretch + :moved) % (:rows - 3)"


def test_the_function_does_the_same_without_transactions_of_its_own() -> None:
    made, calling = function("bench.f", TAKES[0].statements, Columns.of(TAKES), tape="bench.tape")
    assert made.splitlines() == [
        "CREATE FUNCTION bench.f(place int) RETURNS void LANGUAGE plpgsql AS $function$",
        "#variable_conflict use_column",
        "DECLARE",
        "    told text[];",
        "    met record;",
        "    bench_0 text;",
        "    bench_1 uuid;",
        "    bench_2 text;",
        "BEGIN",
        "    SELECT v INTO STRICT told FROM bench.tape WHERE n = place;",
        "    bench_0 := told[1];",
        "    bench_1 := told[1];",
        "    bench_2 := told[2];",
        "    FOR met IN SELECT bench_1, bench_2, NULL::text LOOP NULL; END LOOP;",
        "    INSERT INTO t VALUES (bench_0, '24'::int4);",
        "END $function$",
    ]
    assert calling.endswith("SELECT bench.f(:n::int);\n")


def test_literals_keep_quotes_and_backslashes() -> None:
    assert quoted("it's") == "'it''s'"
    assert quoted("\\x01") == "E'\\\\x01'"


def test_only_what_an_operation_made_gets_new_identifiers() -> None:
    freshener = Freshener(since_ms=SINCE_MS, run="feed")
    row = [
        OLD,
        f"{{{LATER},{MADE}}}",
        f"order {MADE}",
        "key feed-12",
        "sbx_9f7aa1c31f031dc3a7e5c81a",
    ]
    first = freshener.renewed(row, now_ms=SINCE_MS + 5)
    second = freshener.renewed(row, now_ms=SINCE_MS + 5)
    assert first[0] == OLD
    later, made = first[1].strip("{}").split(",")
    assert first[2] == f"order {made}"
    assert OLD < MADE < made < later < second[2].removeprefix("order ")
    assert UUID(made).int >> 80 == SINCE_MS + 5
    for place in (1, 2, 3, 4):
        assert len({row[place], first[place], second[place]}) == 3
        assert place == 3 or len(first[place]) == len(row[place])


def test_a_document_in_hexadecimal_stays() -> None:
    document = "\\x" + "ab" * 40
    assert Freshener(since_ms=SINCE_MS, run="feed").renewed([document], now_ms=SINCE_MS) == [
        document
    ]
