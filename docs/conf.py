"""How Sphinx builds the site: ``python -m sphinx -W -n docs docs/_build/html``.

The gallery runs the scripts of `examples/`; ``-D plot_gallery=0`` leaves that out.
"""

from __future__ import annotations

import re
import tomllib
import warnings
from pathlib import Path

import sklstm

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

project = "sklstm"
author = PROJECT["authors"][0]["name"]
copyright = author
release = version = sklstm.__version__
language = "en"
default_role = "literal"  # as in the docstrings of scikit-learn

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "numpydoc",
    "myst_parser",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    "sphinx_sitemap",
    "sphinx_llm.txt",
]
exclude_patterns = ["_build", "**/GALLERY_HEADER.rst"]
templates_path = ["_templates"]

# -- pages

myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 4
nitpicky = True
nitpick_ignore_regex = [(r"py:.*", r"(collections|numpy|np|pandas|scipy|sklearn|torch)\..*")]
copybutton_exclude = ".linenos, .gp, .go"  # prompts and output

# -- API

autosummary_generate = True
toc_object_entries_show_parents = "hide"
autodoc_typehints = "none"  # the docstrings say more
autodoc_mock_imports = ["aeon", "river", "sktime"]
numpydoc_show_class_members = False  # the template of a class lists them
numpydoc_xref_param_type = False

# -- gallery

sphinx_gallery_conf = {
    "examples_dirs": ["../examples/how_to", "../examples/paper"],
    "gallery_dirs": ["how_to", "paper_gallery"],
    "filename_pattern": r"\.py$",
    "within_subsection_order": "FileNameSortKey",
    "abort_on_example_error": True,
    "download_all_examples": False,
    "capture_repr": (),
    "show_memory": False,
    "show_signature": False,
    "reset_modules": ("matplotlib",),
    "write_computation_times": False,
}
warnings.filterwarnings("ignore", message="FigureCanvasAgg is non-interactive")

# -- HTML

html_theme = "pydata_sphinx_theme"
html_title = "sklstm"
html_favicon = html_logo = "_static/logo.svg"
html_context = {"default_mode": "auto"}
html_baseurl = PROJECT["urls"]["Documentation"]
html_static_path = ["_static"]
html_css_files = ["sklstm.css"]
html_search_scorer = str(ROOT / "docs" / "scorer.js")
html_copy_source = False
html_show_sourcelink = False
# pages without a section of their own have nothing to list
ALONE = ("index", "install", "quick_start", "coming_from", "faq", "glossary")
html_sidebars = {page: [] for page in ALONE}
html_theme_options = {
    "icon_links": [
        {"name": "Source", "url": PROJECT["urls"]["Source"], "icon": "fa-brands fa-github"}
    ],
    "logo": {"text": "sklstm"},
    "header_links_before_dropdown": 5,
    "navigation_with_keys": False,
    "show_prev_next": False,
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
}
sitemap_url_scheme = "{link}"
llms_txt_description = PROJECT["description"]
llms_txt_build_parallel = False  # the gallery's scripts run once
llms_txt_suppress_unknown_node_warnings = True  # pages of the API have nodes unknown to Markdown


FROM_SKLEARN = {"fit_transform", "get_params", "score", "set_params"}


def leave_out(app, what, name, thing, skip, options):
    """Of what scikit-learn adds to a class, show the methods that users call."""
    others = not str(getattr(thing, "__module__", "sklstm")).startswith("sklstm")
    return True if others and name not in FROM_SKLEARN else None


# Of sphinx-gallery, above the title of each example. llms.txt takes it for the title.
DOWNLOAD_NOTE = re.compile(
    r"\.\. only:: html\n\n    \.\. note::\n        :class: sphx-glr-download.*?\n(?=\S)", re.DOTALL
)


def leave_out_note(app, page, source):
    source[0] = DOWNLOAD_NOTE.sub("", source[0])


def setup(app):
    app.connect("autodoc-skip-member", leave_out)
    app.connect("source-read", leave_out_note)
