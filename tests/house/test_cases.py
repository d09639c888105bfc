"""A test that answers a case of the catalogue says so twice: by its mark and in its name."""

import ast
import re

from tests.house.cases import LAST_CASE, answered
from tests.house.source import functions, python_files

_IN_NAME = re.compile(r"_case_(\d+)")


def _marks(function: ast.FunctionDef | ast.AsyncFunctionDef) -> set[int]:
    return {
        argument.value
        for decorator in function.decorator_list
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "pytest.mark.case"
        for argument in decorator.args
        if isinstance(argument, ast.Constant) and isinstance(argument.value, int)
    }


def test_marks_and_names_agree() -> None:
    wrong = [
        f"{source.name}:{function.name}"
        for source in python_files()
        if source.room == "tests"
        for function in functions(source.tree)
        if _marks(function) != {int(number) for number in _IN_NAME.findall(function.name)}
    ]
    assert wrong == []


def test_numbers_are_of_the_catalogue() -> None:
    assert answered() <= set(range(1, LAST_CASE + 1))
