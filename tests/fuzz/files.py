"""Cases of files without pickle: safetensors and skops."""

from __future__ import annotations

import json
import re
import zipfile
import zlib
from functools import cache
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from tokenize import TokenError
from typing import Any

from tests.fuzz.edits import as_json, changed, draw_changes, draw_edits, edited
from tests.fuzz.exercise import carried_out, of_model
from tests.fuzz.loading import loaded
from tests.fuzz.subjects import MAKERS, subject
from tests.fuzz.values import Rng

# What skops, zipfile and JSON may say; safetensors files are a ValueError whatever they hold.
OF_SKOPS = (
    ValueError, TypeError, AttributeError, LookupError, EOFError, ImportError, ArithmeticError,
    NotImplementedError, RuntimeError, TokenError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip
SAVED = (
    "classifier", "two classes", "multilabel", "categories", "categories, SGD", "float32", "1997",
    "peephole", "coupled", "quantiles", "table", "relative", "scaled", "filled", "encoded",
)  # fmt: skip
HAS_SAFETENSORS = find_spec("safetensors") is not None
HAS_SKOPS = find_spec("skops") is not None

# --------------------------------------------------------------------------------- safetensors


@cache
def _safetensors(name: str) -> bytes:
    from sklstm.export import save_safetensors

    with TemporaryDirectory() as folder:
        path = Path(folder) / "model"
        save_safetensors(subject(name).model, path)
        return path.read_bytes()


def _header(data: bytes) -> tuple[dict[str, Any], bytes]:
    """The header, with what sklstm says in it as a tree, too; and the arrays."""
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    header["__metadata__"]["sklstm"] = json.loads(header["__metadata__"]["sklstm"])
    return header, data[8 + size :]


def _with_header(header: Any, rest: bytes) -> bytes:
    if isinstance(header, dict) and isinstance(header.get("__metadata__"), dict):
        ours = header["__metadata__"]
        if "sklstm" in ours:
            header = header | {"__metadata__": ours | {"sklstm": as_json(ours["sklstm"])}}
    text = as_json(header).encode()
    return len(text).to_bytes(8, "little") + text + rest


def draw_safetensors(rng: Rng) -> dict[str, Any]:
    name = SAVED[rng.integers(len(SAVED))]
    case = {"subject": name, "seed": int(rng.integers(2**31))}
    if rng.uniform() < 0.3:
        return case | {"edits": draw_edits(len(_safetensors(name)), rng)}
    return case | {"changes": draw_changes(_header(_safetensors(name))[0], rng)}


def run_safetensors(case: dict[str, Any]) -> str | None:
    from sklstm.export import load_safetensors

    data = _safetensors(case["subject"])
    if "edits" in case:
        data = edited(data, case["edits"])
    else:
        header, rest = _header(data)
        data = _with_header(changed(header, case["changes"], case["seed"]), rest)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model"
        path.write_bytes(data)
        model = loaded(lambda: load_safetensors(path), ValueError)
    _, X, y = subject(case["subject"])
    return carried_out(of_model(model, X, y))


# --------------------------------------------------------------------------------- skops


@cache
def _skops(name: str) -> tuple[dict[str, bytes], tuple[str, ...]]:
    """The members of the file, and the types in it: trusted, as a user does who has seen them."""
    import skops.io

    data = skops.io.dumps(subject(name).model)
    with zipfile.ZipFile(BytesIO(data)) as archive:
        members = {name: archive.read(name).decode("latin1") for name in archive.namelist()}
    # skops names arrays after their addresses: a case is to be the same in every process
    addresses: dict[str, str] = {}
    schema = re.sub(
        r"\d{12,}",
        lambda found: addresses.setdefault(found[0], f"{1000 + len(addresses)}"),
        members["schema.json"],
    )
    members["schema.json"] = schema
    numbered = {
        re.sub(r"\d{12,}", lambda found: addresses[found[0]], name): content.encode("latin1")
        for name, content in members.items()
    }
    return dict(sorted(numbered.items())), tuple(skops.io.get_untrusted_types(data=data))


def _zipped(members: dict[str, bytes]) -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return buffer.getvalue()


def draw_skops(rng: Rng) -> dict[str, Any]:
    name = list(MAKERS)[rng.integers(len(MAKERS))]
    members, _ = _skops(name)
    case = {"subject": name, "seed": int(rng.integers(2**31))}
    choice = rng.uniform()
    if choice < 0.1:
        return case | {"edits": draw_edits(len(_zipped(members)), rng)}
    if choice < 0.4:  # an array, with a checksum that fits
        member = list(members)[rng.integers(len(members))]
        return case | {"member": member, "edits": draw_edits(len(members[member]), rng)}
    return case | {"changes": draw_changes(json.loads(members["schema.json"]), rng)}


def run_skops(case: dict[str, Any]) -> str | None:
    import skops.io

    known, trusted = _skops(case["subject"])
    members = dict(known)
    if "member" in case:
        members[case["member"]] = edited(members[case["member"]], case["edits"])
    elif "changes" in case:
        schema = changed(json.loads(members["schema.json"]), case["changes"], case["seed"])
        members["schema.json"] = as_json(schema).encode()
    data = _zipped(members)
    if "edits" in case and "member" not in case:
        data = edited(data, case["edits"])
    model = loaded(lambda: skops.io.loads(data, trusted=list(trusted)), OF_SKOPS)
    _, X, y = subject(case["subject"])
    return carried_out(of_model(model, X, y))
