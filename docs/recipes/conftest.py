"""Each page is tested where the package that it is named after is installed, as in .ci/run."""

from importlib.util import find_spec
from pathlib import Path

pages = Path(__file__).parent.glob("*.md")
collect_ignore = [page.name for page in pages if find_spec(page.stem) is None]
