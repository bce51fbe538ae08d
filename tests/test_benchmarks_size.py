"""The size of an install counts what pip installs, each package once."""

import json
import sys

import pytest

from benchmarks import size


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Return a function that writes an installed package of some bytes."""
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])

    def write(name, n_bytes, requires=(), origin=None):
        info = tmp_path / f"{name.replace('-', '_')}-1.0.dist-info"
        info.mkdir()
        lines = ["Metadata-Version: 2.1", f"Name: {name}", "Version: 1.0"]
        lines += [f"Requires-Dist: {requirement}" for requirement in requires]
        (info / "METADATA").write_text("\n".join([*lines, ""]))
        (tmp_path / f"{name}.bin").write_bytes(bytes(n_bytes))
        (tmp_path / f"{name}.pyc").write_bytes(bytes(7))
        (info / "RECORD").write_text(f"{name}.bin,,\n{name}.pyc,,\n{name}_gone.py,,\n")
        if origin is not None:
            (info / "direct_url.json").write_text(json.dumps(origin))

    return write


def test_extras_count_if_a_requirement_asks_for_them(install):
    install("zz-net", 1_000, ['zz-kit[blas, FFT_x]==1.0; sys_platform != "none"', "zz-base>=1"])
    install("zz-kit", 20, ['zz-blas; extra == "blas"', "zz-fft; extra == 'fft-x'"])
    install("zz-blas", 300, ["zz-base"])
    install("zz-fft", 4_000)
    install("zz-base", 50_000, ["zz-net", 'zz-more; extra == "more"', "zz-not-there"])
    install("zz-more", 600_000)
    found = size.sizes("zz-net")
    assert found["own"] == 1_000
    assert found["packages"] == ["zz-base", "zz-blas", "zz-fft", "zz-kit", "zz-net"]
    assert found["all"] == 55_320


def test_what_cannot_be_measured_is_said(install, capsys):
    install("zz-linked", 1, origin={"url": "file:///zz", "dir_info": {"editable": True}})
    install("zz-wheel", 2_000_000, origin={"url": "file:///zz", "archive_info": {}})
    for name, message in (("zz-linked", "is an editable install"), ("zz-gone", "not installed")):
        with pytest.raises(SystemExit):
            size.main([name])
        assert message in capsys.readouterr().err
    size.main(["zz-wheel"])
    assert "| zz-wheel 1.0 | 2.0 |" in " ".join(capsys.readouterr().out.split())
