"""`tests/cross` finds products that are not vectors, and objects for another machine."""

import pytest

from tests.cross.__main__ import Failed, products
from tests.cross.targets import SHORT, TARGETS

LINES = {  # a multiplication of vectors, one of single numbers
    "aarch64-linux-gnu": ("fmla\tv0.4s, v1.4s, v2.s[0]", "fmadd\ts0, s1, s2, s0"),
    "aarch64-macos": ("fmla.2d\tv0, v1, v2[0]", "fmul\td0, d1, d2"),
    "x86_64-linux-musl": (
        "vfmadd231pd\t(%rdi){1to8}, %zmm1, %zmm2",
        "vfmadd231sd\t%xmm0, %xmm1, %xmm2",
    ),
    "x86_64-macos": ("vfmadd213ps\t%ymm0, %ymm1, %ymm2", "vmulss\t%xmm0, %xmm1, %xmm2"),
    "x86_64-windows-gnu": ("mulpd\t%xmm1, %xmm2", "mulsd\t%xmm1, %xmm2"),
    "wasm32": ("f32x4.mul", "f32.mul"),
}


def assembly(*lines, name="units_tile_1_2_1"):
    return "\n".join(
        [f"{name}:", *(f"\t{line}" for line in lines), "\t.cfi_endproc", "\tmulsd a, b"]
    )


@pytest.mark.parametrize("name", LINES)
def test_a_product_in_vectors_is_counted(name):
    vector, _ = LINES[name]
    assert products(assembly(vector, vector), TARGETS[name]) == 1
    assert products(assembly(vector, name="_gradient_units_tile_of"), TARGETS[name]) == 1
    assert products(assembly(vector, name="another_function"), TARGETS[name]) == 0


@pytest.mark.parametrize("name", LINES)
def test_a_product_in_single_numbers_is_found(name):
    vector, scalar = LINES[name]
    with pytest.raises(Failed, match="0 vector and 2 scalar"):
        products(assembly(scalar, scalar), TARGETS[name])
    with pytest.raises(Failed, match="2 vector and 1 scalar"):
        products(assembly(vector, scalar, vector), TARGETS[name])
    with pytest.raises(Failed, match="1 vector and 0 scalar"):  # of two sums
        products(assembly(vector), TARGETS[name])


def test_half_of_the_width_is_not_enough():
    narrow = assembly(*["vfmadd231pd\t%ymm0, %ymm1, %ymm2"] * 2)
    assert products(narrow, TARGETS["x86_64-macos"]) == 1
    with pytest.raises(Failed, match="0 vector"):
        products(narrow, TARGETS["x86_64-linux-musl"])


def test_objects_are_told_apart():
    assert TARGETS["aarch64-macos"].is_object(b"\xcf\xfa\xed\xfe\x0c\x00\x00\x01")
    assert not TARGETS["x86_64-macos"].is_object(b"\xcf\xfa\xed\xfe\x0c\x00\x00\x01")
    assert not TARGETS["x86_64-windows-msvc"].is_object(b"\x64\xaa\x00\x00")


def test_targets_have_flags_and_patterns():
    assert set(SHORT) <= set(TARGETS)
    for target in TARGETS.values():
        assert target.vector and target.scalar
    assert {target.precision for target in TARGETS.values()} == {"f32", "f64"}
