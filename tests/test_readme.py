"""The README shows what is there."""

import ast
import re

import pytest

from tests.helpers import ITEMS, ROOT, SCRIPTS, load, transcript

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_table_of_items_lists_them_all_in_order() -> None:
    """Each with a command that is there."""
    rows = re.findall(
        r"(?m)^\| (\d\d) \| .+ \| \[`python3 (\S+)`\]\((\S+)\) \|$", README
    )
    assert rows == [(i[4:6], f"{i}/main.py", f"{i}/main.py") for i in ITEMS]


def test_the_table_of_questions_lists_them_all_in_order() -> None:
    """With the words that the scripts print."""
    asked = [
        (item[4:6], letter, demo.__doc__)
        for item in ITEMS
        if f"{item}-questions" in SCRIPTS
        for letter, demo in load(item, "questions").QUESTIONS.items()
    ]
    rows = re.findall(
        r"(?m)^\| \[(\d\d)\]\(item\1_\w+/questions.py\) \| (.+) \|$", README
    )
    listed = [
        (item, *question.split(": ", 1))
        for item, questions in rows
        for question in questions.split("<br>")
    ]
    assert listed == asked


def functions(code: str) -> dict[str, str]:
    """Return the first function of each name, without hints and docstrings."""
    found: dict[str, str] = {}
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.FunctionDef):
            says = ast.get_docstring(node) is not None
            body = [ast.unparse(part) for part in node.body[says:]]
            names = [argument.arg for argument in node.args.args]
            found.setdefault(node.name, f"{names}: {body}")
    return found


def test_the_code_is_item_54_s() -> None:
    """But for what it leaves out: hints, docstrings, and other functions."""
    _, code, _ = re.split("```(?:python)?\n", README)
    shown = functions(code)
    assert list(shown) == ["worker", "increment"]
    script = SCRIPTS["item54_lock"].read_text(encoding="utf-8")
    assert shown.items() <= functions(script).items()


def test_the_transcript_is_a_real_one() -> None:
    """The lines after the code are those that item 54 prints."""
    (shown,) = re.findall(r"(?m)^    (Example.*\n    Counter.*)$", README)
    text = shown.replace("\n    ", "\n")
    assert transcript("item54_lock").startswith(text + "\n\n")


@pytest.mark.parametrize(
    "target", re.findall(r"(?<=\]\()[^)#:]+(?=\))", README)
)
def test_every_link_leads_to_a_file(target: str) -> None:
    assert (ROOT / target).exists()
