"""Headers beside those of the compiler: of Python, of OpenMP, and of Windows for clang-cl."""

import importlib.util
import shutil
import sysconfig
from pathlib import Path

from tests.cross.targets import Target

# Python's pyconfig.h of this machine holds on others but for sizes; Windows has one of its own, of
# which this is what Python.h asks for.
CONFIG = """
#ifdef _WIN32
#define MS_WIN32
#define MS_WINDOWS
#define MS_WIN64
#define NT_THREADS
#define HAVE_DECLSPEC_DLL
#define Py_ENABLE_SHARED 1
#include <basetsd.h>
typedef __int64 Py_ssize_t;
#define HAVE_PY_SSIZE_T 1
#define PY_SSIZE_T_MAX LLONG_MAX
#define SIZEOF_VOID_P 8
#define SIZEOF_SIZE_T 8
#define SIZEOF_TIME_T 8
#define SIZEOF_WCHAR_T 2
#define SIZEOF_SHORT 2
#define SIZEOF_INT 4
#define SIZEOF_LONG 4
#define SIZEOF_LONG_LONG 8
#define SIZEOF_DOUBLE 8
#define SIZEOF_FLOAT 4
#define HAVE_UINTPTR_T 1
#define HAVE_INTPTR_T 1
#define HAVE_LONG_LONG 1
#define HAVE_STDDEF_H 1
#define HAVE_STDINT_H 1
#define HAVE_ERRNO_H 1
#define HAVE_SYS_TYPES_H 1
#define HAVE_SYS_STAT_H 1
#define STDC_HEADERS 1
#else
#include "pyconfig_here.h"
#ifdef __wasm__
#undef SIZEOF_LONG
#undef SIZEOF_VOID_P
#undef SIZEOF_SIZE_T
#undef SIZEOF_UINTPTR_T
#undef SIZEOF_PTHREAD_T
#undef ALIGNOF_LONG
#define SIZEOF_LONG 4
#define SIZEOF_VOID_P 4
#define SIZEOF_SIZE_T 4
#define SIZEOF_UINTPTR_T 4
#define SIZEOF_PTHREAD_T 4
#define ALIGNOF_LONG 4
#endif
#endif
"""
OPENMP = """
double omp_get_wtime(void);
int omp_get_max_threads(void);
int omp_get_num_threads(void);
int omp_get_thread_num(void);
"""
# What MinGW's headers, the only ones of Windows that zig has, lack for a compiler that is not GCC.
WINDOWS = """
#include_next <windows.h>
#include <intrin.h>
"""
JUMPS = """
#define _setjmp setjmp_of_mingw
#include_next <setjmp.h>
#undef _setjmp
"""
# They know the arguments of functions like printf of GCC and of x86 alone; Clang has its own.
NO_ARGUMENTS = "#error VARARGS not implemented for this TARGET"
ARGUMENTS = """
#define _crt_va_start(v, l) __builtin_va_start(v, l)
#define _crt_va_arg(v, l) __builtin_va_arg(v, l)
#define _crt_va_end(v) __builtin_va_end(v)
#define _crt_va_copy(d, s) __builtin_va_copy(d, s)
"""


def write_headers(target: Target, folder: Path) -> tuple[list[Path], list[Path]]:
    """Folders to be searched for headers of a target, and those of its system."""
    python = folder / "python"
    if not python.exists():
        shutil.copytree(sysconfig.get_path("include"), python)
        shutil.copy(sysconfig.get_config_h_filename(), python / "pyconfig_here.h")
        (python / "pyconfig.h").write_text(CONFIG)
        (python / "omp.h").write_text(OPENMP)
    if not target.is_msvc:
        return [python], []
    mingw = Path(importlib.util.find_spec("ziglang").origin).parent
    mingw = mingw / "lib" / "libc" / "include" / "any-windows-any"
    changed = folder / "msvc"
    changed.mkdir(exist_ok=True)
    text = (mingw / "_mingw.h").read_text()
    text = text.replace("# define __attribute__(x) /* nothing */", "")  # Clang knows attributes
    text = text.replace("__declspec(noreturn)", "__attribute__((__noreturn__))")
    (changed / "_mingw.h").write_text(text.replace("__declspec(deprecated)", ""))
    text = (mingw / "vadefs.h").read_text()
    (changed / "vadefs.h").write_text(text.replace(NO_ARGUMENTS, ARGUMENTS))
    (changed / "windows.h").write_text(WINDOWS)
    (changed / "setjmp.h").write_text(JUMPS)
    return [python], [changed, mingw]
