"""Sphinx's settings for the site: `make site`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

project = html_title = "Concurrency in Python"
extensions = ["myst_parser", "sphinx_copybutton", "pages", "korean"]
myst_enable_extensions = ["attrs_block", "colon_fence"]
myst_all_links_external = True  # as item54.html#example-6: tests follow it
highlight_language = "none"
smartquotes = html_copy_source = html_use_index = html_show_copyright = False
html_theme, html_theme_options = "furo", {"navigation_with_keys": True}
html_static_path, html_favicon = ["static"], "static/icon.svg"
html_css_files, html_js_files = ["site.css"], ["site.js", "panel.js"]
exclude_patterns = templates_path = ["templates"]
locale_dirs, gettext_additional_targets = ["locale"], ["index"]
gettext_compact, gettext_location = "sphinx", False  # each sentence once
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"
# Code and commands can be copied; what a script printed cannot.
copybutton_selector = "div:not(.highlight-output) > div.highlight pre"
