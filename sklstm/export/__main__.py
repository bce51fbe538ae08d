"""``python -m sklstm.export MODEL FILE``: convert a saved model to ONNX, C or safetensors."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import joblib

from sklstm._files import write_file
from sklstm.export._c import to_c
from sklstm.export._onnx import to_onnx
from sklstm.export._safetensors import load_safetensors, save_safetensors


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line. Return 0, or 1 if the model cannot be converted."""
    arguments = _parse(argv)
    write = WRITERS[arguments.output.suffix]
    try:
        write(_loaded(arguments.model), arguments)
    except (ImportError, OSError, TypeError, ValueError) as error:
        print(f"{arguments.model}: {error}", file=sys.stderr)
        return 1
    print(f"Written to {arguments.output}: {arguments.output.stat().st_size:,} bytes.")
    return 0


def _loaded(file: Path) -> Any:
    return load_safetensors(file) if file.suffix == ".safetensors" else joblib.load(file)


def _write_onnx(model: Any, arguments: Namespace) -> None:
    made = to_onnx(model, opset=arguments.opset, lengths=arguments.lengths, raw=arguments.raw)
    write_file(arguments.output, made.SerializeToString())


def _write_header(model: Any, arguments: Namespace) -> None:
    header = to_c(model, arguments.name or arguments.output.stem, int8=arguments.int8)
    write_file(arguments.output, header.encode("ascii"))


def _write_safetensors(model: Any, arguments: Namespace) -> None:
    save_safetensors(model, arguments.output)


WRITERS: dict[str, Callable[[Any, Namespace], None]] = {
    ".onnx": _write_onnx,
    ".h": _write_header,
    ".safetensors": _write_safetensors,
}


def _parse(argv: Sequence[str] | None) -> Namespace:
    parser = ArgumentParser(
        prog="python -m sklstm.export",
        description=(
            "Convert a fitted model for other programs. The suffix of FILE sets the format: .onnx, "
            ".h (C) or .safetensors (without pickle)."
        ),
    )
    parser.add_argument(
        "model",
        type=Path,
        metavar="MODEL",
        help="file that joblib.dump or save_safetensors wrote. Loading a pickle runs code: only "
        "use files from people you trust",
    )
    parser.add_argument("output", type=Path, metavar="FILE", help="file to write or replace")
    parser.add_argument(
        "--opset",
        type=int,
        default=18,
        metavar="N",
        help="version of ONNX operators (default: %(default)s)",
    )
    parser.add_argument(
        "--no-lengths",
        dest="lengths",
        action="store_false",
        help="ONNX: no input for lengths, if all sequences have the same length",
    )
    parser.add_argument(
        "--raw", action="store_true", help="ONNX: raw outputs instead of labels or values"
    )
    parser.add_argument(
        "--name", metavar="NAME", help="C: prefix of all names (default: that of FILE)"
    )
    parser.add_argument("--int8", action="store_true", help="C: store weights in 8 bits")
    arguments = parser.parse_args(argv)
    if arguments.output.suffix not in WRITERS:
        parser.error(
            f"argument FILE: the suffix of {arguments.output} must be one of {', '.join(WRITERS)}"
        )
    if not arguments.model.is_file():
        parser.error(f"argument MODEL: there is no file {arguments.model}")
    if not arguments.output.parent.is_dir():
        parser.error(f"argument FILE: there is no folder {arguments.output.parent}")
    return arguments


if __name__ == "__main__":
    sys.exit(main())
