"""The README shows what is there."""

import ast
import re

import pytest

from tests.helpers import ITEMS, ROOT, SCRIPTS, load, transcript

README = (ROOT / "README.md").read_text(encoding="utf-8")
KOREAN = (ROOT / "README.ko.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("readme", [README, KOREAN], ids=["", "ko"])
def test_the_table_of_items_lists_them_all_in_order(readme: str) -> None:
    """Each with its number in the third edition and a command."""
    rows = re.findall(
        r"(?m)^\| (\d\d) \| (\d\d) \| .+ \| \[`python3 (\S+)`\]\((\S+)\) \|$",
        readme,
    )
    assert rows == [
        (item[4:6], str(int(item[4:6]) + 15), *[f"{item}/main.py"] * 2)
        for item in ITEMS
    ]


def test_the_table_of_questions_lists_them_all_in_order() -> None:
    """With the words that the scripts print."""
    asked = [
        (item[4:6], letter, demo.__doc__.splitlines()[0])
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
    tree = ast.parse(code)
    found: dict[str, str] = {}
    for node in reversed(list(ast.walk(tree))):  # the inner ones first
        if isinstance(node, ast.FunctionDef):
            del node.body[: ast.get_docstring(node) is not None]
            for argument in node.args.args:
                argument.annotation = None
            node.returns = None
            found[node.name] = ast.unparse(node)
    return found


def test_the_code_is_item_54_s() -> None:
    """But for what it leaves out: hints, docstrings, and other functions."""
    _, code, _ = re.split("```(?:python)?\n", README)
    shown = functions(code)
    assert shown.keys() == {"increment", "calibrate", "lost_readings"}
    script = SCRIPTS["item54_lock"].read_text(encoding="utf-8")
    assert shown.items() <= functions(script).items()


def test_the_transcript_is_a_real_one() -> None:
    """The lines after the code are those that item 54 prints."""
    (shown,) = re.findall(r"(?m)^    (Example.*\n    Counter.*)$", README)
    text = shown.replace("\n    ", "\n")
    assert transcript("item54_lock").startswith(text + "\n\n")


@pytest.mark.parametrize(
    "target", re.findall(r"(?<=\]\()[^)#:]+(?=[#)])", README + KOREAN)
)
def test_every_link_leads_to_a_file(target: str) -> None:
    assert (ROOT / target).exists()


def test_what_is_wanted_is_there() -> None:
    """Each pattern on the home page leads to an example or an answer."""
    home = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    wanted = re.findall(r"(?m)^\| .+ \| \[item (.+)\]\((.+)\) \|$", home)
    there = {}
    for name, script in SCRIPTS.items():
        page = name[:6] + "-questions" * name.endswith("-questions")
        text = script.read_text(encoding="utf-8")
        for number in re.findall(r"(?m)^ *# Example (\d+)$", text):
            there[f"{name[4:6]}, Example {number}"] = (
                f"{page}.html#example-{number}"
            )
        for letter in re.findall(r'(?m)^    "([A-Z])": \w+,$', text):
            there[f"{name[4:6]}, question {letter}"] = (
                f"{page}.html#{letter.lower()}"
            )
    assert wanted
    assert dict(wanted).items() <= there.items()


def test_the_korean_readme_has_no_command_of_its_own() -> None:
    """Nor is it long, and each leads to the other."""
    commands = re.findall(
        r"`(python3 .+?|make .+?)`|^    (make \w+)", KOREAN, re.M
    )
    assert [c for pair in commands for c in pair if c not in README] == []
    assert len(KOREAN.splitlines()) <= 80
    assert "(README.ko.md)" in README
    assert "(README.md)" in KOREAN
