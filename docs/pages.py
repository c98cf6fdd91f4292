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
    script
    for script in sorted(ROOT.glob("item[0-9][0-9]_*/*.py"))
    if script.stem in SUFFIX
]
HEADING = re.compile(r"(?m)^(?=(?:Examples?|Question) [\dA-Z-]+: )")
MARK = re.compile(r" *# Example (\d+)$")
LINK = re.compile(r"\[([^\]]*)\]\(([^):\s]+)\)")
ASKED = re.compile(r"(?m)^\| \[\d\d\]\((item\d\d-questions)\.html\).*$")
STEPS = 400  # of a recording, at most
# What of an item takes the place of the same, or of simulate, in item 56
WAYS = {
    "item57": ["LockingGrid", "simulate_threaded"],
    "item58": ["game_logic_thread", "SimulationError", "simulate_pipeline"],
    "item59": ["simulate_pool"],
    "item60": ["game_logic", "step_cell", "simulate"],
}
Demo = dict[str, Any]


class Output(RegexLexer):
    """Sets the lines apart that tell something about this run."""

    tokens: ClassVar = {"root": [("here: .*\n", Generic.Emph), (".*\n", Text)]}


def child(*command: object) -> str:
    """Return what a Python process prints; it may not fail, nor hang."""
    line = [sys.executable, "-B", *map(str, command)]
    try:
        ran = subprocess.run(
            line, capture_output=True, text=True, timeout=120, cwd=ROOT
        )
    except subprocess.TimeoutExpired:
        raise ExtensionError(f"hangs: {' '.join(line)}") from None
    if ran.returncode or ran.stderr:
        raise ExtensionError(f"failed: {' '.join(line)}\n{ran.stderr}")
    return ran.stdout


def compare(name: str, expected: str, text: str) -> None:
    """Raise ExtensionError where a text differs; `here:` lines may."""
    texts = [
        re.sub(r"(?m)^here: .*", "here: ...", text).splitlines()
        for text in (expected, text)
    ]
    if wrong := "\n".join(unified_diff(*texts, "expected", name, lineterm="")):
        raise ExtensionError(wrong)


def cut(lines: list[str], first: int, last: int) -> list[Demo]:
    """Return lines first to last, cut at the marks of examples."""
    marks = [n for n in range(first, last + 1) if MARK.match(lines[n - 1])]
    begins = sorted({first, *marks})
    found = []
    for begin, end in zip(begins, [*begins[1:], last + 1], strict=True):
        code = "\n".join(lines[begin - 1 : end - 1])
        if code.strip():
            line = begin + len(code) - len(code.lstrip("\n"))
            mark = MARK.match(lines[line - 1])
            anchor = f"example-{mark[1]}" if mark else ""
            code = code.strip("\n").rstrip()
            found.append({"line": line, "anchor": anchor, "code": code})
    return found


@cache
def demos(script: Path) -> tuple[str, list[Demo], str]:
    """Return what stands before a script's first demo; demos; the rest."""
    source = script.read_text("utf-8")
    lines, body = source.splitlines(), ast.parse(source).body
    tops: Any = {getattr(node, "name", ""): node for node in body}
    table: Any = [node.value for node in body if isinstance(node, ast.Assign)]
    mark = "# Example 1$" if script.stem == "main" else "@|def |async |class "
    begin = next(n for n, line in enumerate(lines, 1) if re.match(mark, line))
    before = "\n".join(lines[body[0].end_lineno : begin - 1]).strip()
    found = []
    for key, value in zip(table[-1].keys, table[-1].values, strict=True):
        names = ast.literal_eval(key)
        kind = "Question" if isinstance(names, str) else "Example"
        label = f"{kind} {names[0]}"
        if names[0] != names[-1]:
            label = f"{kind}s {names[0]}-{names[-1]}"
        function = tops[value.id]
        words = ast.get_docstring(function, clean=False) or ""
        title, *words = map(str.strip, words.splitlines())
        found.append(
            {
                "name": value.id,
                "anchor": label.removeprefix("Question ")
                .lower()
                .replace(" ", "-"),
                "heading": f"{label}: {title}",
                "words": "\n".join(words).strip(),
                "pieces": cut(lines, begin, function.end_lineno),
                "lines": (begin, function.end_lineno),
                "command": f"python3 {script.relative_to(ROOT)} {names[0]}",
            }
        )
        begin = function.end_lineno + 1
    return before, found, "\n".join(lines[begin - 1 :]).strip()


def script_name(script: Path) -> str:
    """Return the name of a script's transcript."""
    return script.parent.name + SUFFIX[script.stem]


def name_of(script: Path) -> str:
    """Return the name of a script's page."""
    return script.parent.name[:6] + SUFFIX[script.stem]


def run(script: Path) -> None:
    """Run a script, and keep what each of its demos prints."""
    text, name = child("-W", "error", script), script_name(script)
    golden = GOLDEN / f"test_transcript[{name}].txt"
    compare(name, golden.read_text("utf-8"), text)
    parts = HEADING.split(text)[1:]
    for demo, part in zip(demos(script)[1], parts, strict=True):
        output = part.rstrip().removeprefix(demo["heading"])
        demo["output"] = output.removesuffix(demo["words"]).strip("\n")


def record(script: Path, demo: Demo) -> Demo | None:
    """Return what a page shows of five recordings of a demo."""
    small = SMALL.get(script.parent.name, {}).get(demo["name"], {})
    arguments = script, demo["name"], *demo["lines"], json.dumps(small)
    text = child(DOCS / "record.py", *arguments)
    plain, runs = json.loads(text.splitlines()[-1])
    lines = script.read_text("utf-8").splitlines()
    name, orders = f"{name_of(script)}-{demo['name']}", []
    for lanes, steps, output in runs:
        compare(name, plain if small else demo["output"], output.rstrip())
        # What matters: not when a lane gets to a call that waits.
        order = [
            f"{lanes[step['lane']][1]}: {step['call']}"
            + lines[step["line"] - 1].strip() * bool(step["line"])
            for step in steps
            if not step["wait"] and step["call"] != "idle"
        ]
        orders.append("\n".join(order))
    golden = ORDERS / f"{name}.txt"
    for order in orders if golden.exists() else []:
        if os.environ.get("ORDERS"):  # writes them anew
            golden.write_text(order + "\n", "utf-8")
        compare(f"{name}, in another order", golden.read_text("utf-8"), order)
    small_enough = [run for run in runs if len(run[1]) <= STEPS]
    if not small_enough:
        if demo["name"] == "many_but_not_at_once": return None  # TEMP
        raise ExtensionError(f"{name} makes more than {STEPS} steps")
    # The one with neither the most nor the fewest turns is shown.
    small_enough.sort(
        key=lambda run: sum(a["lane"] != b["lane"] for a, b in pairwise(run[1]))
    )
    lanes, steps, output = small_enough[len(small_enough) // 2]
    if script.stem == "questions" and len(lanes) < 2:
        return None
    following: dict[int, int] = {}
    for index, step in reversed([*enumerate(steps)]):
        lane = step["lane"]
        step["index"] = index
        step["then"] = then = following.get(
            lane, min(lanes[lane][2], len(steps))
        )
        if lanes[lane][0] == "task" or step["call"] == "idle":
            step["until"] = then  # suspended
        elif not step["wait"]:
            step["until"] = 0
        step["until"] = min(step["until"], then)
        following[lane] = index
    return {
        "lanes": lanes,
        "steps": steps,
        "out": output,
        "small": small,
        "pieces": [piece["line"] for piece in demo["pieces"]],
        "forced": golden.exists(),
        "same": len({*orders}) == 1,
    }


def defined(item: str) -> dict[str, str]:
    """Return links to where the names of an earlier item were shown."""
    (script,) = ROOT.glob(f"{item}_*/main.py")
    before, found, _ = demos(script)
    first = {"anchor": "before", "pieces": [{"code": before}]}
    return {
        name: f"[`{name}`]({item}.html#{demo['anchor']})"
        for demo in [first, *found]
        for piece in demo["pieces"]
        for name in re.findall(
            r"(?m)^(?:async def |def |class )?(\w+)", piece["code"]
        )
    }


def earlier(script: Path, demo: Demo) -> str:
    """Return links to what a demo takes over from earlier items."""
    known: dict[str, str] = {}
    for node in ast.parse(script.read_text("utf-8")).body:
        if isinstance(node, ast.ImportFrom) and re.match(
            r"item\d\d", node.module or ""
        ):
            names = defined(str(node.module))
            known |= {n.name: names[n.name] for n in node.names}
        for name in node.names if isinstance(node, ast.Import) else []:
            if name.name.startswith("item"):
                links = defined(name.name).items()
                known |= {f"{name.asname}.{n}": link for n, link in links}
    first, last = demo["lines"]
    code = "\n".join(script.read_text("utf-8").splitlines()[first - 1 : last])
    used = {ast.unparse(node) for node in ast.walk(ast.parse(code))}
    return " ".join(known[name] for name in sorted(used & known.keys()))


def answers(script: Path, code: str) -> str:
    """Return links to the answers that comments name: # questions.py A."""
    other = script.with_stem("questions")
    letters = re.findall(r"# .*questions\.py ([A-Z])\b", code)
    found = (
        {d["anchor"]: d["heading"] for d in demos(other)[1]} if letters else {}
    )
    return " ".join(
        f"[{found[letter.lower()]}]({name_of(other)}.html#{letter.lower()})"
        for letter in letters
    )


def changes(script: Path) -> str:
    """Return how an item's way differs from the serial one of item 56."""

    def code(path: Path, names: list[str]) -> list[str]:
        source = path.read_text("utf-8")
        tops = {getattr(n, "name", ""): n for n in ast.parse(source).body}
        parts = [ast.get_source_segment(source, tops[name]) for name in names]
        return "\n\n\n".join(filter(None, parts)).splitlines()

    names = WAYS.get(name_of(script), [])
    serial = [name for name in ["game_logic", "step_cell"] if name in names]
    old = code(next(ROOT.glob("item56_*/main.py")), [*serial, "simulate"])
    lines = ndiff(old, code(script, names))
    return "\n".join(line for line in lines if line[0] != "?") if names else ""


def write_pages(app: Sphinx, _: object) -> None:
    """Write a page for each script, for Sphinx to find."""
    loader = FileSystemLoader(DOCS / "templates")
    templates = Environment(
        loader=loader,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        comment_start_string="{##",
    )
    translate = get_translation("site")
    templates.globals["_"] = lambda text: str(translate(text))
    panels, page = map(templates.get_template, ("panel.html", "page.md"))
    for script in SCRIPTS:
        run(script)
    with ThreadPoolExecutor(6) as pool:
        orders = pool.submit(child, DOCS / "scheduler.py")
        worlds = {
            s: pool.submit(child, "-m", "tests.site.worlds", script_name(s))
            for s in SCRIPTS
        }
        made = {
            id(demo): pool.submit(record, script, demo)
            for script in SCRIPTS
            for demo in demos(script)[1]
        }
    for script in SCRIPTS:
        before, found, after = demos(script)
        false = json.loads(worlds[script].result())
        for demo in found:
            shown = made[id(demo)].result()
            demo["recording"] = shown
            demo["panel"] = panels.render(shown) if shown else ""
            demo["earlier"] = earlier(script, demo)
            demo["worlds"] = false.get(demo["name"], [])
            for piece in demo["pieces"]:
                piece["answers"] = answers(script, piece["code"])
        lesson = ast.get_docstring(ast.parse(script.read_text("utf-8"))) or ""
        text = page.render(
            lesson=lesson.replace(".", "", 1),
            item=int(script.parent.name[4:6]),
            before=before,
            demos=found,
            after=after,
            changes=changes(script),
            orders=json.loads(orders.result())
            if name_of(script) == "item54"
            else None,
        )
        Path(app.srcdir, f"{name_of(script)}.md").write_text(text, "utf-8")


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


def read(app: Sphinx, path: Path, page: str, source: list[str]) -> None:
    """Let what a page includes link to pages, not to files."""
    source[0] = ASKED.sub(questions, LINK.sub(link, source[0]))


def setup(app: Sphinx) -> None:
    """Tell Sphinx what is here."""
    app.add_lexer("output", Output)
    # Each page has anchors of its own; Sphinx would have one `before` for all.
    labels = logging.getLogger("sphinx.sphinx.domains.std")
    labels.addFilter(lambda record: "duplicate label" not in record.msg)
    app.connect("config-inited", write_pages)
    app.connect("include-read", read)
