"""A Sphinx extension: pages from the scripts, and from the README."""

import ast
import logging
import re
import subprocess
import sys
from difflib import unified_diff
from functools import cache
from pathlib import Path
from typing import ClassVar

from pygments.lexer import RegexLexer
from pygments.token import Generic, Text
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

ROOT = Path(__file__).resolve().parent.parent
GOLDEN = "tests/__snapshots__/test_golden/test_transcript[{}].txt"
SUFFIX = {"main": "", "questions": "-questions"}  # of pages and transcripts
HEADING = re.compile(r"(?m)^(?=(?:Examples?|Question) [\dA-Z-]+: )")
LINK = re.compile(r"\[([^\]]*)\]\(([^):\s]+)\)")
QUESTIONS = re.compile(r"(?m)^\| \[\d\d\]\((item\d\d-questions)\.html\).*$")
DEFINED = r"(?m)^(?:(?:async )?def |class )?(\w+)"
# Where a script's first demo begins. Each ends where its function ends.
START = {"main": "# Example 1$", "questions": "def |async def |class "}
FIELDS = "anchor", "heading", "code", "output", "command"
DEMO = """{{#{anchor}}}
## {heading}
{links}
::::{{container}} pair
```python
{code}
```
:::{{container}} result
```output
{output}
```
```sh
{command}
```
:::
::::
"""


class Output(RegexLexer):
    """Sets the lines apart that tell something about this run."""

    tokens: ClassVar = {"root": [("here: .*\n", Generic.Emph), (".*\n", Text)]}


def printed(script: Path) -> str:
    """Return what a script prints; raise ExtensionError if it should not."""
    command = [sys.executable, "-B", "-W", "error", str(script)]
    result = subprocess.run(
        command, capture_output=True, text=True, timeout=60
    )
    if result.returncode or result.stderr:
        raise ExtensionError(f"{script} failed:\n{result.stderr}")
    golden = GOLDEN.format(script.parent.name + SUFFIX[script.stem])
    expected = (ROOT / golden).read_text().splitlines()
    masked = re.sub(r"(?m)^here: .*", "here: ...", result.stdout).splitlines()
    if wrong := [*unified_diff(expected, masked, golden, str(script))]:
        raise ExtensionError("\n".join(wrong))
    return result.stdout


@cache
def demos(script: Path) -> tuple[str, list[dict[str, str]]]:
    """Return the code before the first demo, and what to show of each demo."""
    source = script.read_text()
    lines, body = source.splitlines(), ast.parse(source).body
    ends = {getattr(n, "name", ""): n.end_lineno or 0 for n in body}
    table = re.findall(r"(?m): (\w+),$", source.rpartition(" = {\n")[2])
    mark = START[script.stem]
    begin = next(n for n, line in enumerate(lines) if re.match(mark, line))
    before = "\n".join(lines[body[0].end_lineno : begin]).strip()
    found = []
    texts = HEADING.split(printed(script))[1:]
    for demo, text in zip(table, texts, strict=True):
        heading, _, output = text.rstrip().partition("\n")
        label = heading.partition(":")[0].removeprefix("Question ")
        name = re.findall(r"\d+|[A-Z]$", label)[0]
        code = "\n".join(lines[begin : ends[demo]]).strip()
        command = f"python3 {script.relative_to(ROOT)} {name}"
        heading = heading.replace("`", "\\`")  # it is no Markdown
        values = (
            label.lower().replace(" ", "-"),
            heading,
            code,
            output,
            command,
        )
        found.append(dict(zip(FIELDS, values, strict=True)))
        begin = ends[demo]
    return before, found


def places(item: str) -> dict[str, str]:
    """Return links to where the names of an earlier item were shown."""
    (script,) = ROOT.glob(f"{item}_*/main.py")
    before, found = demos(script)
    return {
        name: f"[`{name}`]({item}.html#{demo['anchor']})"
        for demo in [{"anchor": "before", "code": before}, *found]
        for name in re.findall(DEFINED, demo["code"])
    }


def links(source: str, code: str) -> str:
    """Return links to what code takes over from earlier items."""
    known: dict[str, str] = {}
    for item, names in re.findall(r"(?m)^from (item\d\d) import (.+)", source):
        known |= {name: places(item)[name] for name in names.split(", ")}
    for item, alias in re.findall(r"(?m)^import (item\d\d) as (\w+)", source):
        known |= {f"{alias}.{n}": link for n, link in places(item).items()}
    used = {ast.unparse(node) for node in ast.walk(ast.parse(code))}
    found = [known[name] for name in sorted(used & known.keys())]
    return "{.links}\nFrom earlier items: " + " ".join(found) if found else ""


def write_pages(app: Sphinx, _: object) -> None:
    """Write a page for each script, for Sphinx to find."""
    for script in ROOT.glob("item*/[mq]*.py"):
        source, (before, found) = script.read_text(), demos(script)
        lesson = ast.get_docstring(ast.parse(source)) or ""
        page = "# " + lesson.replace(".", "", 1) + "\n\n"
        for demo in found:
            page += "- [{heading}](#{anchor})\n".format(**demo)
        page += "\n{#before}\n## Imports and constants\n"
        page += f"```python\n{before}\n```\n"
        for demo in found:
            page += DEMO.format(links=links(source, demo["code"]), **demo)
        name = script.parent.name[:6] + SUFFIX[script.stem]
        Path(app.srcdir, f"{name}.md").write_text(page)


def link(found: re.Match[str]) -> str:
    """Return a link of README's for the site, or its text for a file."""
    label, path = found[1], Path(found[2])
    if path.stem in SUFFIX:
        return f"[{label}]({path.parts[0][:6]}{SUFFIX[path.stem]}.html)"
    if path.suffix == ".svg":
        return f"[{label}](../{path})"
    if path.name == "README.md":
        return f"[{label}](which.html#how-to-read-the-figures)"
    return label


def questions(row: re.Match[str]) -> str:
    """Return a row of README's table, with a link for each question."""
    return re.sub(
        r"([A-Z]): [^<|]+?(?=<br>| \|)",
        lambda asked: f"[{asked[0]}]({row[1]}.html#{asked[1].lower()})",
        row[0],
    )


def readme(heading: re.Match[str]) -> str:
    """Return the part of a README that a page names by its heading."""
    text = (ROOT / heading[2]).read_text()
    part = text.partition(f"# {heading[3]}\n")[2].partition("\n## ")[0]
    part = QUESTIONS.sub(questions, LINK.sub(link, part))
    return f"{heading[1]} {heading[3]}\n{part}"


def include(app: Sphinx, page: str, source: list[str]) -> None:
    """Put parts of a README into a page: `# README.md: Quick start`."""
    source[0] = re.sub(r"(?m)^(#+) (\S+\.md): (.+)$", readme, source[0])


def setup(app: Sphinx) -> None:
    """Tell Sphinx what is here."""
    app.add_lexer("output", Output)
    # Each page has anchors of its own; Sphinx would have one `before` for all.
    labels = logging.getLogger("sphinx.sphinx.domains.std")
    labels.addFilter(lambda record: "duplicate label" not in record.msg)
    app.connect("config-inited", write_pages)
    app.connect("source-read", include)
