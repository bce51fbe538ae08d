"""What kernels are compiled for: setup.py reads this file, too, before NumPy is installed."""

# Precisions by their name in modules: NumPy's name, and the macros of their C.
PRECISIONS = {
    "f32": ("float32", ("SKLSTM_REAL=float", "SKLSTM_FLOAT=1")),
    "f64": ("float64", ("SKLSTM_REAL=double",)),
}
# Instruction sets, the best first: flags of GCC and Clang for each machine that has the set. "" is
# every machine without flags of its own.
INSTRUCTION_SETS = {
    "avx512": {"x86_64": ("-mavx512f", "-mavx512vl", "-mavx512dq", "-mavx2", "-mfma")},
    "avx2": {"x86_64": ("-mavx2", "-mfma")},
    "baseline": {"": (), "wasm32": ("-msimd128",)},
    "portable": {"": ("-DSKLSTM_SCALAR",)},
}


def flags(name: str, machine: str) -> tuple[str, ...]:
    """Compiler flags of an instruction set on a machine."""
    of = INSTRUCTION_SETS[name]
    return of[machine] if machine in of else of[""]


def compiled_for(machine: str) -> list[str]:
    """Instruction sets that kernels are compiled for on a machine, the best first."""
    return [name for name, of in INSTRUCTION_SETS.items() if machine in of or "" in of]
