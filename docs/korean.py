"""A Sphinx extension: after the site, the same one in Korean, in site/ko."""

import re
from itertools import accumulate, chain
from typing import Any

from sphinx.application import Sphinx
from sphinx.search.en import SearchEnglish

KOREAN: Any = {"language": "ko", "html_title": "파이썬의 동시성"}
KOREAN |= {"suppress_warnings": ["app"]}  # of what is registered once more
KOREAN |= {"html_js_files": ["site.js", "panel.js", "korean.js"]}


class SearchKorean(SearchEnglish):
    """Finds a Korean word by its beginnings: a particle may end it."""

    lang = "ko"

    def split(self, text: str) -> list[str]:
        """Return the words of a text, and what each Korean one begins with."""
        words = re.findall("[가-힣]+|[^\\W가-힣]+", text)
        parts = (accumulate(w) if w[0] >= "가" else [w] for w in words)
        return [*chain.from_iterable(parts)]


def add_twin(app: Sphinx, page: str, _: str, context: Any, *__: Any) -> None:
    """Let a page lead to the same one in the other language."""
    there, to = ("en", "..") if app.config.language == "ko" else ("ko", "ko")
    context["twin"] = f'hreflang="{there}" href="{to}/{page}.html"'
    link = f'<link rel="alternate" {context["twin"]}>'
    context["metatags"] = context.get("metatags", "") + link


def build(app: Sphinx, failed: Exception | None) -> None:
    """Build the Korean site: in this process, which has run the scripts."""
    if failed or app.builder.name != "html" or app.config.language == "ko":
        return
    folders = app.srcdir, app.confdir, app.outdir / "ko", app.doctreedir / "ko"
    options: Any = {"freshenv": True, "warningiserror": True}
    korean = Sphinx(*folders, "html", KOREAN, None, **options)
    korean.build()
    app.statuscode = korean.statuscode  # 1 for a warning


def setup(app: Sphinx) -> None:
    """Tell Sphinx what is here."""
    app.add_search_language(SearchKorean)
    app.connect("html-page-context", add_twin)
    app.connect("build-finished", build)
