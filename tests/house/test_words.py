"""Every column that holds words is looked at for numbers of cards, or has a reason not to be."""

from collections.abc import Iterator

from sqlalchemy import ARRAY, CheckConstraint, Column, Table, Text
from sqlalchemy.dialects.postgresql import CITEXT, JSONB, TSVECTOR

from gosellr.models.schema import metadata
from gosellr.queries.audit_words import LEFT_OUT, LOOKED_AT

_WORDS = (Text, CITEXT, JSONB, TSVECTOR)


def holds_words(column: Column[object]) -> bool:
    kind = column.type
    return isinstance(kind.item_type if isinstance(kind, ARRAY) else kind, _WORDS)


def of_a_list(table: Table) -> set[str]:
    """Columns for which `one_of` has a constraint: they hold nothing but words of ours."""
    return {
        column.name
        for column in table.columns
        for rule in table.constraints
        if isinstance(rule, CheckConstraint)
        and str(rule.name).endswith(f"{column.name}_known")
        and str(rule.sqltext).startswith(f"{column.name} IN (")
    }


def columns_of_words() -> Iterator[str]:
    for table in metadata.tables.values():
        listed = of_a_list(table)
        yield from (
            f"{table.name}.{column.name}"
            for column in table.columns
            if holds_words(column) and column.name not in listed
        )


def test_every_column_of_words_is_looked_at_or_has_a_reason_not_to_be() -> None:
    asked = [f"{one.table}.{name.partition('->>')[0]}" for one in LOOKED_AT for name in one.columns]
    left = [name for names in LEFT_OUT.values() for name in names.split()]
    told = [*asked, *left]
    assert sorted(told) == sorted(set(told)), "a column stands in both lists, or twice in one"
    assert sorted(set(columns_of_words()) - set(told)) == []
    assert sorted(set(told) - set(columns_of_words())) == []
    assert all(len(reason) > 20 for reason in LEFT_OUT)
