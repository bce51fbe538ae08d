"""``python -m benchmarks NAME [options]`` runs the module NAME; without NAME it lists the modules.

A benchmark is a module with a function ``main(argv)``. The first line of its docstring says what it
measures. Only the module that runs is imported.
"""

from __future__ import annotations

import ast
import sys
from importlib import import_module
from pathlib import Path


def benchmarks() -> dict[str, str]:
    """Return the name and the first docstring line of each module with a ``main(argv)``."""
    found = {}
    for file in sorted(Path(__file__).parent.glob("*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        mains = [f for f in tree.body if isinstance(f, ast.FunctionDef) and f.name == "main"]
        if mains and [argument.arg for argument in mains[0].args.args] == ["argv"]:
            found[file.stem] = (ast.get_docstring(tree) or "").partition("\n")[0]
    return found


def run(argv: list[str]) -> int:
    """Run the benchmark of the first argument; return 2 if there is none of that name."""
    known = benchmarks()
    if argv and argv[0] in known:
        return import_module(f"benchmarks.{argv[0]}").main(argv[1:]) or 0
    if argv and argv[0] not in ("-h", "--help"):
        print(f"There is no benchmark {argv[0]!r}. Use one of the list.", file=sys.stderr)
    print("usage: python -m benchmarks NAME [options]\n")
    print("NAME --help shows the options of a benchmark. docs/performance.md and docs/real_data.md")
    print("have the results. NAME is one of\n")
    width = max(map(len, known), default=0)
    for name, summary in known.items():
        print(f"  {name:{width}}  {summary}")
    return 0 if not argv or argv[0] in ("-h", "--help") else 2


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
