"""Which of the catalogue's cases no test answers yet: `python -m tests.house.cases`."""

import ast
import sys

from tests.house.source import python_files

LAST_CASE = 75


def answered() -> set[int]:
    """The numbers that stand in `@pytest.mark.case(...)` of any test."""
    return {
        argument.value
        for source in python_files()
        if source.room == "tests"
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "case"
        for argument in node.args
        if isinstance(argument, ast.Constant) and isinstance(argument.value, int)
    }


def missing() -> list[int]:
    """The numbers of the catalogue that no test bears."""
    return sorted(set(range(1, LAST_CASE + 1)) - answered())


if __name__ == "__main__":
    sys.stdout.write(" ".join(str(number) for number in missing()) + "\n")
