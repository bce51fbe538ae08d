"""The built site in a browser: ``SKLSTM_SITE=docs/_build/html pytest tests/test_site.py``.

`.ci/site` builds it first. Without the variable, nothing here runs.
"""

import os
import re
import shutil
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin

import pytest

SITE = os.environ.get("SKLSTM_SITE")
pytestmark = pytest.mark.skipif(not SITE, reason="SKLSTM_SITE names no built site")
PHONE = {"width": 375, "height": 812}


class Silent(SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="module")
def address():
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Silent, directory=SITE))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def browser():
    api = pytest.importorskip("playwright.sync_api")
    with api.sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        yield started
        started.close()


@pytest.fixture
def page(browser):
    """A page that fails the test if it asks for what is not there, or writes an error."""
    opened = browser.new_page()
    faults = []
    opened.on("console", lambda text: faults.append(text.text) if text.type == "error" else None)
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.on("requestfailed", lambda request: faults.extend(failed(request)))
    # what comes from elsewhere, such as MathJax, is not at hand on every machine
    opened.route(re.compile(r"^(?!http://127\.0\.0\.1)"), lambda route: route.fulfill(body=""))
    yield opened
    opened.close()
    assert faults == []


def failed(request):
    """The address of a request that failed; one that ended with its page did not."""
    return [] if request.failure == "net::ERR_ABORTED" else [request.url]


def files():
    found = sorted(Path(SITE).rglob("*.html"))
    return [file for file in found if "_static" not in file.parts]  # the theme's own


def name(file):
    return file.relative_to(SITE).as_posix()


def links(file):
    """Addresses that the links and pictures of a page lead to, within the site."""
    text = re.sub(r"<pre.*?</pre>", "", file.read_text(encoding="utf-8"), flags=re.DOTALL)
    found = re.findall(r"""<a\b[^>]*?\bhref=["']([^"']+)""", text)
    found += re.findall(r"""<(?:img|script|source)\b[^>]*?\bsrc=["']([^"']+)""", text)
    return {urljoin(name(file), unquote(link)) for link in found if not re.match(r"\w+:|//", link)}


def ids(file):
    return set(re.findall(r'\b(?:id|name)="([^"]+)"', file.read_text(encoding="utf-8")))


def test_every_internal_link_leads_somewhere():
    anchors = {name(file): ids(file) for file in files()}
    broken = []
    for file in files():
        for link in links(file):
            path, anchor = urldefrag(link)
            path = path.partition("?")[0] or name(file)
            if path.endswith("/"):
                path += "index.html"
            there = (Path(SITE) / path).is_file()
            if not there or (anchor and anchor not in anchors.get(path, {anchor})):
                broken.append(f"{name(file)} -> {link}")
    assert broken == []


def test_every_page_can_be_reached_from_home():
    pages = {name(file): file for file in files()}
    seen, left = set(), ["index.html"]
    while left:
        here = left.pop()
        if here in pages and here not in seen:
            seen.add(here)
            left += [urldefrag(link)[0] for link in links(pages[here])]
    assert set(pages) - seen - {"search.html", "genindex.html", "py-modindex.html"} == set()


@pytest.mark.parametrize("path", ["index.html", "api/generated/sklstm.LSTMClassifier.html"])
def test_a_page_opens_without_an_error(page, address, path):
    page.goto(address + path)
    assert page.locator("h1").count() == 1


def test_home_has_what_a_newcomer_looks_for(page, address):
    page.goto(address)
    text = page.locator("article").inner_text()
    for words in ("pip install sklstm", "Accuracy", "Speed", "Size", "Quick start", "How-to"):
        assert words in text, words
    assert page.locator("article img").count() >= 1


@pytest.mark.parametrize(
    ("words", "first"),
    [
        ("ragged", "user_guide/"),
        ("stream", "user_guide/streams.html"),
        ("onnx", "export.html"),
        ("missing values", "user_guide/preprocessing.html"),
        ("LSTMClassifier", "api/generated/sklstm.LSTMClassifier.html"),
        ("permutation_importance", "api/generated/sklstm.inspection.permutation_importance.html"),
    ],
)
def test_search_finds_a_page_first(page, address, words, first):
    page.goto(f"{address}search.html?q={words}")
    page.wait_for_selector("#search-results ul.search li a")
    found = page.locator("#search-results ul.search li a").first.get_attribute("href")
    assert first in found


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_follow_the_system(page, address, scheme):
    page.emulate_media(color_scheme=scheme)
    page.goto(address)
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    brightness = sum(map(int, re.findall(r"\d+", colour)[:3])) / 3
    assert (brightness < 64) if scheme == "dark" else (brightness > 192)


def test_pages_fit_on_a_phone_and_open_without_an_error(page, address):
    """The theme scrolls the article, not the document, so its parts are measured too."""
    page.set_viewport_size(PHONE)
    pages = [name(file) for file in files() if "generated" not in file.parts]
    wide = []
    for path in [*pages, "api/generated/sklstm.LSTMClassifier.html"]:
        page.goto(address + path)
        page.wait_for_load_state()
        width = page.evaluate(
            "Math.max(...[document.documentElement, ...document.querySelectorAll("
            "'.bd-article-container, .bd-article')].map(part => part.scrollWidth))"
        )
        if width > PHONE["width"]:
            wide.append((path, width))
    assert wide == []


def test_machines_find_the_pages():
    text = (Path(SITE) / "llms.txt").read_text(encoding="utf-8")
    assert text.startswith("# sklstm")
    listed = re.findall(r"\]\(([^)]+\.md)\)", text)
    assert len(listed) > 50
    assert all((Path(SITE) / link).exists() for link in listed)
    assert "[Missing values in sensor series](how_to/missing_values" in text
    sitemap = (Path(SITE) / "sitemap.xml").read_text(encoding="utf-8")
    assert "api/generated/sklstm.LSTMRegressor.html" in sitemap


def test_the_scripts_of_the_gallery_have_pictures():
    if not list((Path(SITE) / "_images").glob("sphx_glr_*_001.png")):
        pytest.skip("the site was built without running the scripts")
    scripts = [
        file
        for folder in ("how_to", "paper_gallery")
        for file in (Path(SITE) / folder).glob("*.html")
        if file.stem not in ("index", "sg_execution_times")
    ]
    assert len(scripts) >= 12
    for file in scripts:
        text = file.read_text(encoding="utf-8")
        assert re.search(rf"<img[^>]*sphx_glr_{file.stem}_\d", text), name(file)
