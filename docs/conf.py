"""How the pages of this folder become a site: `make site`, then `docs/_sito/index.html`.

Sphinx reads them as they are (MyST); what is generated from the code is written first, by `make docs`.
"""

project = "PontePA"
author = "PontePA"
language = "it"
extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_sito"]
# Titles of pages are what other pages link to.
myst_heading_anchors = 3
html_theme = "furo"
html_title = "PontePA"
html_static_path = ["sito"]
html_css_files = ["sito.css"]
html_copy_source = False
html_show_sphinx = False
