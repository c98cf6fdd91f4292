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
from itertools import pairwise
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
SUFFIX = {"main": "", "questions": "-questions"}  # of pages and transcripts
SCRIPTS = [
    path
    for path in sorted(ROOT.glob("item[0-9][0-9]_*/*.py"))
    if path.stem in SUFFIX
]
STEPS = 400  # of a recording, at most
HEADING = re.compile(r"(?m)^(?=(?:Examples?|Question) [\dA-Z-]+: )")
MARK = re.compile(r" *# Example (\d+)$")
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
    options: Any = {"capture_output": True, "text": True, "cwd": ROOT}
    try:
        ran = subprocess.run(line, timeout=120, **options)
    except subprocess.TimeoutExpired:
        raise ExtensionError(f"hangs: {' '.join(line)}") from None
    if ran.returncode or ran.stderr:
        raise ExtensionError(f"failed: {' '.join(line)}\n{ran.stderr}")
    return str(ran.stdout)


def compare(name: str, expected: str, text: str) -> None:
    """Raise ExtensionError where two texts differ, but for `here:` lines."""
    here = re.compile("(?m)^here: .*")
    true, found = (
        here.sub("here: ...", text).splitlines() for text in (expected, text)
    )
    if wrong := [*unified_diff(true, found, "expected", name, lineterm="")]:
        raise ExtensionError("\n".join(wrong))


def page_of(script: Path) -> str:
    """Return the name of a script's page."""
    return script.parent.name[:6] + SUFFIX[script.stem]


def cut(lines: list[str], first: int, last: int) -> list[Any]:
    """Return lines first to last, cut at the marks of examples."""
    marks = [n for n in range(first, last + 1) if MARK.match(lines[n - 1])]
    found = []
    for begin, end in pairwise(sorted({first, *marks, last + 1})):
        code = "\n".join(lines[begin - 1 : end - 1]).rstrip()
        if code:
            mark = MARK.match(lines[begin - 1])
            anchor = f"example-{mark[1]}" if mark else ""
            line = begin + len(code) - len(code := code.lstrip("\n"))
            found.append({"line": line, "anchor": anchor, "code": code})
    return found


@cache
def demos(script: Path) -> tuple[str, list[Any], str]:
    """Return what stands before a script's first demo; demos; the rest."""
    source = script.read_text("utf-8")
    lines, body = source.splitlines(), ast.parse(source).body
    tops: Any = {getattr(node, "name", ""): node for node in body}
    table: Any = [node.value for node in body if isinstance(node, ast.Assign)]
    first = (
        "# Example 1$" if SUFFIX[script.stem] == "" else "@|def |async |class"
    )
    begin = next(n for n, line in enumerate(lines, 1) if re.match(first, line))
    before = "\n".join(lines[body[0].end_lineno : begin - 1]).strip()
    found = []
    for key, value in zip(table[-1].keys, table[-1].values, strict=True):
        names, node = ast.literal_eval(key), tops[value.id]
        docstring = ast.get_docstring(node, clean=False) or ""
        title, *words = map(str.strip, docstring.splitlines())
        label = f"{names[0]}-{names[-1]}" if len(names) > 1 else f"{names[0]}"
        kind = (
            "Question"
            if names == label
            else f"Example{'s' * (len(names) > 1)}"
        )
        found.append(
            {
                "name": value.id,
                "anchor": f"{kind}-{label}".lower().removeprefix("question-"),
                "heading": f"{kind} {label}: {title}",
                "words": "\n".join(words).strip(),
                "lines": (begin, node.end_lineno),
                "pieces": cut(lines, begin, node.end_lineno),
                "command": f"python3 {script.relative_to(ROOT)} {names[0]}"
                if script.is_relative_to(ROOT)
                else "",
            }
        )
        begin = node.end_lineno + 1
    return before, found, "\n".join(lines[begin - 1 :]).strip()


def plain(text: str) -> str:
    """Return text that Markdown leaves as it is, but for `code`."""
    parts = re.split(r"(`[^`]*`)", text)
    parts[::2] = [re.sub(r"([\\_*<\[])", r"\\\1", part) for part in parts[::2]]
    return "".join(parts)


def run(script: Path) -> None:
    """Run a script, and keep what each of its demos prints."""
    name, text = (
        script.parent.name + SUFFIX[script.stem],
        child("-W", "error", script),
    )
    golden = GOLDEN / f"test_transcript[{name}].txt"
    compare(name, golden.read_text("utf-8"), text)
    parts = HEADING.split(text)[1:]
    for demo, part in zip(demos(script)[1], parts, strict=True):
        output = part.rstrip().removeprefix(demo["heading"])
        demo["output"] = output.removesuffix(demo["words"]).strip("\n")


def record(script: Path, demo: Any) -> Any:
    """Return what a page shows of five recordings of a demo."""
    small = SMALL.get(script.parent.name, {}).get(demo["name"], {})
    if small is False:
        return None
    given = script, demo["name"], *demo["lines"], json.dumps(small)
    text = child(DOCS / "record.py", *given).splitlines()[-1]
    plain, runs = json.loads(text)
    source = script.read_text("utf-8").splitlines()
    name, orders = f"{page_of(script)}-{demo['name']}", []
    golden = ORDERS / f"{name}.txt"
    for lanes, steps, output in runs:
        compare(name, plain if small else demo["output"], output.rstrip())
        # When a lane gets to a call that waits does not matter.
        order = "\n".join(
            f"{lanes[step['lane']][1]}: {step['call']}"
            + source[step["line"] - 1].strip() * (step["line"] > 0)
            for step in steps
            if not step["wait"] and step["call"] != "idle"
        )
        orders.append(order)
        if golden.exists():
            if os.environ.get("ORDERS"):  # make site ORDERS=anew
                golden.write_text(order + "\n", "utf-8")
            compare(f"{name}, another order", golden.read_text("utf-8"), order)

    def turns(run: Any) -> int:
        return sum(a["lane"] != b["lane"] for a, b in pairwise(run[1]))

    runs = sorted((run for run in runs if len(run[1]) <= STEPS), key=turns)
    if not runs:
        raise ExtensionError(f"{name} makes more than {STEPS} steps")
    # Shown is the one with neither the fewest turns nor the most.
    lanes, steps, output = runs[len(runs) // 2]
    if script.stem == "questions" and len(lanes) < 2:
        return None
    following: dict[int, int] = {}
    for index, step in reversed([*enumerate(steps)]):
        kind, _, end = lanes[step["lane"]]
        then = following.get(step["lane"], min(end, len(steps)))
        if kind == "task" or step["call"] == "idle":
            step["until"] = then  # suspended
        until = (
            min(step["until"], then)
            if step["wait"] or kind == "task" or step["call"] == "idle"
            else 0
        )
        step |= {"index": index, "then": then, "until": until}
        following[step["lane"]] = index
    return {
        "lanes": lanes,
        "steps": steps,
        "out": output,
        "small": small,
        "pieces": [piece["line"] for piece in demo["pieces"]],
        "forced": golden.exists(),
        "same": len({*orders}) == 1,
    }


@cache
def defined(item: str) -> dict[str, str]:
    """Return links to where the names of an earlier item were shown."""
    (script,) = ROOT.glob(f"{item}_*/main.py")
    before, found, _ = demos(script)
    pieces = [("before", before)]
    pieces += [(d["anchor"], p["code"]) for d in found for p in d["pieces"]]
    return {
        name: f"[`{name}`]({item}.html#{anchor})"
        for anchor, code in pieces
        for name in re.findall(r"(?m)^(?:async def |def |class )?(\w+)", code)
    }


def earlier(source: str, code: str) -> str:
    """Return links to what code takes over from earlier items."""
    known: dict[str, str] = {}
    for node in ast.parse(source).body:
        for name in getattr(node, "names", []):
            item = str(getattr(node, "module", name.name))
            if re.match(r"item\d\d", item) and name.asname:
                links = defined(item).items()
                known |= {f"{name.asname}.{n}": link for n, link in links}
            elif re.match(r"item\d\d", item):
                known[name.name] = defined(item)[name.name]
    used = {ast.unparse(node) for node in ast.walk(ast.parse(code))}
    return " ".join(known[name] for name in sorted(used & known.keys()))


def answers(script: Path, code: str) -> str:
    """Return links to the answers that comments name: # questions.py A."""
    letters = re.findall(r"# .*questions\.py ([A-Z])\b", code)
    other = script.with_stem("questions")
    asked = {d["anchor"]: d for d in demos(other)[1]} if letters else {}
    return " ".join(
        f"[{asked[letter.lower()]['heading']}]"
        f"({page_of(other)}.html#{letter.lower()})"
        for letter in letters
    )


def changes(script: Path) -> str:
    """Return how an item's way differs from the serial one of item 56."""
    ways, names = WAYS[page_of(script)], ["game_logic", "step_cell"]
    serial = [name for name in names if name in ways] + ["simulate"]
    codes = []
    (first,) = ROOT.glob("item56_*/main.py")
    for path, wanted in (first, serial), (script, ways):
        source = path.read_text("utf-8")
        tops = {getattr(n, "name", ""): n for n in ast.parse(source).body}
        parts = [ast.get_source_segment(source, tops[n]) or "" for n in wanted]
        codes.append("\n\n\n".join(parts).splitlines())
    return "\n".join(
        line for line in ndiff(codes[0], codes[1]) if line[0] != "?"
    )


@cache
def measured() -> tuple[Any, Any, Any]:
    """Run and record all scripts, once for the pages of each language."""
    for script in SCRIPTS:  # one after another: they measure time
        run(script)
    with ThreadPoolExecutor(6) as pool:
        orders = pool.submit(child, DOCS / "scheduler.py")
        worlds = pool.map(
            lambda s: child(
                "-m", "tests.site.worlds", s.parent.name + SUFFIX[s.stem]
            ),
            SCRIPTS,
        )
        made = {
            (script, demo["name"]): pool.submit(record, script, demo)
            for script in SCRIPTS
            for demo in demos(script)[1]
        }
    return orders, [*worlds], made


def write_pages(app: Sphinx, _: object) -> None:
    """Write a page for each script, for Sphinx to find."""
    templates = Environment(
        loader=FileSystemLoader(DOCS / "templates"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        comment_start_string="{##",
    )
    templates.filters["plain"] = plain
    translate = get_translation("sphinx")
    templates.globals["_"] = lambda text: str(translate(text))
    panel, page = map(templates.get_template, ("panel.html", "page.md"))
    orders, worlds, made = measured()
    for script, false in zip(SCRIPTS, worlds, strict=True):
        (before, found, after), name = demos(script), page_of(script)
        source = script.read_text("utf-8")
        for demo in found:
            shown = made[script, demo["name"]].result()
            code = "\n".join(
                source.splitlines()[demo["lines"][0] - 1 : demo["lines"][1]]
            )
            demo |= {
                "recording": shown,
                "panel": panel.render(shown) if shown else "",
                "earlier": earlier(source, code),
                "worlds": json.loads(false).get(demo["name"], []),
            }
            for piece in demo["pieces"]:
                piece["answers"] = answers(script, piece["code"])
        lesson = ast.get_docstring(ast.parse(source)) or ""
        text = page.render(
            item=int(name[4:6]),
            lesson=lesson.replace(".", "", 1),
            before=before,
            demos=found,
            after=after,
            changes=changes(script) if name in WAYS else "",
            orders=json.loads(orders.result()) if name == "item54" else {},
        )
        Path(app.srcdir, f"{name}.md").write_text(text, "utf-8")


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


def read(app: Sphinx, path: Path, page: str, source: list[str]) -> None:
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
    app.connect("include-read", read)
