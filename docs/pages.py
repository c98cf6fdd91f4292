"""A Sphinx extension: a page for each script, and parts of READMEs."""

import ast
import json
import logging
import os
import re
import subprocess
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor
from difflib import ndiff, unified_diff
from functools import cache
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, ClassVar

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pygments.lexer import RegexLexer
from pygments.token import Generic, Text
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.locale import get_translation

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
GOLDEN = ROOT / "tests/__snapshots__/test_golden"
ORDERS = DOCS / "orders"  # of the steps that matter, where it is forced
SMALL = tomllib.loads((DOCS / "recordings.toml").read_text("utf-8"))
SCRIPTS = {  # by the names of their pages
    path.parent.name[:6] + suffix: path
    for path in sorted(ROOT.glob("item[0-9][0-9]_*/*.py"))
    for stem, suffix in (("main", ""), ("questions", "-questions"))
    if path.stem == stem
}
HEADING = re.compile(r"(?m)^(?=(?:Examples?|Question) [\dA-Z-]+: )")
MARK = re.compile(r"(?m)^(?= *# Example (\d+)$)")
NAMES = re.compile(r"(?m)^(?:async def |def |class )?(\w+)")
FIRST = re.compile("# Example 1$|@|def |async |class ")
LINK = re.compile(r"\[([^\]]*)\]\(([^):\s]+)\)")
ASKED = re.compile(r"(?m)^\| \[\d\d\]\((item\d\d-questions)\.html\).*$")
# What takes the place of simulate, and of what it has to do with, in item 56
WAYS = {
    "item57": ["LockingGrid", "simulate_threaded"],
    "item58": ["game_logic_thread", "SimulationError", "simulate_pipeline"],
    "item59": ["simulate_pool"],
    "item60": ["game_logic", "step_cell", "simulate"],
}


class Output(RegexLexer):
    """Sets the lines apart that tell something about this run."""

    tokens: ClassVar = {"root": [("here: .*\n", Generic.Emph), (".*\n", Text)]}


def child(*command: object) -> str:
    """Return what a Python process prints; it may not fail, nor hang."""
    line = [sys.executable, "-B", *map(str, command)]
    return subprocess.check_output(line, text=True, timeout=120, cwd=ROOT)


def compare(name: str, expected: str, text: str) -> None:
    """Raise ExtensionError where two texts differ, but for `here:` lines."""
    here = re.compile("(?m)^here: .*")
    true, found = (
        here.sub("here: ...", text).splitlines() for text in (expected, text)
    )
    if wrong := [*unified_diff(true, found, "expected", name, lineterm="")]:
        raise ExtensionError("\n".join(wrong))


def cut(text: str, line: int) -> list[dict[str, Any]]:
    """Return a text that begins at a line, cut at the marks of examples."""
    texts, pieces = MARK.split(text), []
    for number, code in zip(["", *texts[1::2]], texts[::2], strict=True):
        first = line + len(code) - len(code.lstrip("\n"))
        anchor = number and f"example-{number}"
        piece = {"line": first, "anchor": anchor, "code": code.strip("\n")}
        pieces += [piece] * bool(code.strip())
        line += code.count("\n")
    return pieces


@cache
def read(page: str) -> dict[str, Any]:
    """Run a script, and return the parts of its page."""
    source = SCRIPTS[page].read_text("utf-8")
    lines, body = source.splitlines(), ast.parse(source).body
    name = SCRIPTS[page].parent.name + page[6:]
    golden = GOLDEN / f"test_transcript[{name}].txt"
    text = child("-W", "error", SCRIPTS[page])
    compare(name, golden.read_text("utf-8"), text)
    tops: Any = {getattr(node, "name", ""): node for node in body}
    table: Any = [n.value for n in body if isinstance(n, ast.Assign)][-1]
    begin = next(n for n, line in enumerate(lines) if FIRST.match(line))
    before = "\n".join(lines[body[0].end_lineno : begin]).strip()
    shown, demos = dict.fromkeys(NAMES.findall(before), "before"), {}
    for key, part in zip(table.values, HEADING.split(text)[1:], strict=True):
        node = tops[key.id]
        code = "\n".join(lines[begin : node.end_lineno])
        heading, _, output = part.rstrip().partition("\n")
        words = (ast.get_docstring(node) or "").partition("\n")[2].strip()
        label = heading.partition(":")[0].removeprefix("Question ")
        anchor = label.lower().replace(" ", "-")
        demos[key.id] = {
            "anchor": anchor,
            "heading": heading,
            "words": words,
            "lines": (begin + 1, node.end_lineno),
            "pieces": cut(code, begin + 1),
            "output": output.removesuffix(words).strip("\n"),
        }
        shown |= dict.fromkeys(NAMES.findall(code), anchor)
        begin = node.end_lineno
    return {
        "lesson": ast.get_docstring(ast.parse(source)),
        "before": before,
        "demos": demos,
        "after": "\n".join(lines[begin:]).strip(),
        "shown": shown,
        "tops": {n: ast.get_source_segment(source, tops[n]) for n in tops},
    }


def plain(text: str) -> str:
    """Return text that Markdown leaves as it is, but for `code`."""
    parts = re.split(r"(`[^`]*`)", text)
    parts[::2] = [re.sub(r"([\\_*<\[])", r"\\\1", part) for part in parts[::2]]
    return "".join(parts)


def record(page: str, demo: str) -> Any:
    """Return what a page shows of five recordings of a demo."""
    small = SMALL[page[:6]].get(demo, {})
    if small is False:
        return None
    parts = read(page)["demos"][demo]
    given = SCRIPTS[page], demo, *parts["lines"], json.dumps(small)
    text = child(DOCS / "record.py", *given).splitlines()[-1]
    plain, runs = json.loads(text)
    source = ["", *SCRIPTS[page].read_text("utf-8").splitlines()]
    name, orders = f"{page}-{demo}", set()
    golden = ORDERS / f"{name}.txt"
    for run in runs:
        true = plain if small else parts["output"]
        compare(name, true, run["out"].rstrip())
        order = ""
        for lane, _, now, waits in run["steps"]:
            line, call = run["states"][now[lane]][:2]
            if not waits:  # when a lane gets to such a call does not matter
                who, text = run["lanes"][lane][1], source[line].strip()
                order += f"{who}: {call or text}\n"
        orders.add(order)
        if golden.exists():
            if os.environ.get("ORDERS"):  # make site ORDERS=anew
                golden.write_text(order, "utf-8")
            compare(f"{name}, another order", golden.read_text("utf-8"), order)
    # Shown is the one with neither the fewest turns nor the most.
    runs.sort(key=lambda run: len([*groupby(run["steps"], itemgetter(0))]))
    shown = runs[len(runs) // 2]
    if "questions" in page and len(shown["lanes"]) < 2:
        return None
    shown["pieces"] = [piece["line"] for piece in parts["pieces"]]
    forced, same = golden.exists(), len(orders) == 1
    return shown | {"small": small, "forced": forced, "same": same}


def path(row: list[str], what: str) -> str:
    """Return the path of an SVG that has a line where a row is of a kind."""
    runs = [(kind == what, len([*same])) for kind, same in groupby(row)]
    return "".join(f"h{n}" if here else f"m{n} 0" for here, n in runs)


def code(page: str, names: list[str]) -> list[str]:
    """Return the lines of the functions and classes of these names."""
    found = [text for n, text in read(page)["tops"].items() if n in names]
    return "\n\n\n".join(found).splitlines()


@cache
def measured() -> tuple[Any, Any, Any]:
    """Run and record all scripts, once for the pages of each language."""
    for page in SCRIPTS:  # one after another: they measure time
        read(page)
    with ThreadPoolExecutor(6) as pool:
        orders = pool.submit(child, DOCS / "scheduler.py")
        worlds, made = {}, {}
        for page, path in SCRIPTS.items():
            false = "-m", "tests.site.worlds", path.parent.name + page[6:]
            worlds[page] = pool.submit(child, *false)
            for demo in read(page)["demos"]:
                made[page, demo] = pool.submit(record, page, demo)
    return orders, worlds, made


def write_pages(app: Sphinx, _: object) -> None:
    """Write a page for each script, for Sphinx to find."""
    templates = Environment(
        loader=FileSystemLoader(DOCS / "templates"),
        undefined=StrictUndefined,  # what is not there fails the build
        trim_blocks=True,
        lstrip_blocks=True,
        comment_start_string="{##",
    )
    translate = get_translation("sphinx")
    templates.globals["_"] = lambda text: str(translate(text))
    templates.filters |= {"plain": plain, "path": path}
    templates.filters["find"] = lambda text, what: re.findall(what, text)
    orders, worlds, made = measured()
    for page, script in SCRIPTS.items():
        ways, false = WAYS.get(page, []), json.loads(worlds[page].result())
        for name, demo in read(page)["demos"].items():
            demo["recording"] = made[page, name].result()
            demo["worlds"] = false.get(name, [])
        serial = code("item56", ["simulate", *ways])
        changes = ndiff(serial, code(page, ways)) if ways else []
        text = templates.get_template("page.md").render(
            read(page),
            page=page,
            pages={page: read(page) for page in SCRIPTS},
            script=script.relative_to(ROOT),
            changes=[line for line in changes if line[0] != "?"],
            orders=json.loads(orders.result()),
        )
        Path(app.srcdir, f"{page}.md").write_text(text, "utf-8")


def link(found: re.Match[str]) -> str:
    """Return a link of README's for the site, or its text for a file."""
    label, path = found[1], Path(found[2])
    if ROOT / path in SCRIPTS.values():
        page = path.parts[0][:6] + "-questions" * (path.stem == "questions")
        return f"[{label}]({page}.html)"
    if path.suffix == ".svg":
        return f"[{label}](../{path})"
    if path.name == "README.md":
        return f"[{label}](which.html#how-to-read-the-figures)"
    return label


def lead(app: Sphinx, path: Path, page: str, source: list[str]) -> None:
    """Let what a page includes link to pages and answers, not to files."""
    source[0] = ASKED.sub(
        lambda row: re.sub(
            r"([A-Z]): [^<|]+?(?=<br>| \|)",
            lambda asked: f"[{asked[0]}]({row[1]}.html#{asked[1].lower()})",
            row[0],
        ),
        LINK.sub(link, source[0]),
    )


def setup(app: Sphinx) -> None:
    """Tell Sphinx what is here."""
    app.add_lexer("output", Output)
    # Each page has anchors of its own; Sphinx would have one `before` for all.
    labels = logging.getLogger("sphinx.sphinx.domains.std")
    labels.addFilter(lambda record: "duplicate label" not in record.msg)
    app.connect("config-inited", write_pages)
    app.connect("include-read", lead)
