"""Programs of C around exported networks: written, compiled and run, and what they print.

A program goes through the sequences of some cases, one network each, and prints after every step
what that network says. It is the same program for the compilers of this machine and for a
Cortex-M4.
"""

import re
import shutil
import subprocess
from dataclasses import dataclass

import numpy as np

import sklstm
from benchmarks.device import cortex
from sklstm.export import to_c

WARNINGS = ["-Wall", "-Wextra", "-Werror", "-pedantic", "-Wconversion", "-Wshadow"]
WARNINGS += ["-Wdouble-promotion", "-Wcast-qual", "-Wundef"]
C99 = ["cc", "-std=c99"]
CPP = ["c++", "-std=c++11"]
HEAD = """\
#include <math.h>
#include <stdio.h>
#include <string.h>
static int same(const void *a, const void *b, size_t n) { return memcmp(a, b, n) == 0; }
static void show(const char *what, int net, int n, const double *values)
{
    int k;
    printf("%s %d", what, net);
    for (k = 0; k < n; k++) printf(" %.17g", values[k]);
    printf("\\n");
}
"""


@dataclass
class Case:
    """A fitted model, sequences (T, F), and the header of the model."""

    model: object
    X: list
    int8: bool = False

    @property
    def estimator(self):
        return self.model[-1] if hasattr(self.model, "steps") else self.model

    @property
    def outputs(self):
        return self.estimator._outputs_now()

    @property
    def kind(self):
        if not hasattr(self.outputs, "classes"):
            return "numbers"
        return "labels" if self.outputs.multilabel else "classes"

    def header(self, name):
        return to_c(self.model, name, int8=self.int8)

    def state_bytes(self, double):
        """What the banner says of the size of the state."""
        banner = self.header("net")
        found = re.search(r"RAM: (\d+) bytes for each net_state \((\d+) in double\)", banner)
        return int(found[2 if double else 1])

    def expected(self):
        """What the stream says after each step, and the predictions for whole sequences."""
        stream = sklstm.stream(self.model)
        rows = {"value": [], "predict": [], "proba": []}
        for x in self.X:
            for row in x:
                rows["value"].append(np.ravel(stream.step(row)))
                rows["predict"].append(np.ravel(self.coded(stream.predict())))
                if self.kind != "numbers":
                    rows["proba"].append(np.ravel(stream.predict_proba()))
            stream.reset()
        return {what: np.array(values, dtype=float) for what, values in rows.items() if values}

    def coded(self, predicted):
        """Labels as their numbers."""
        if self.kind == "classes":
            return np.searchsorted(self.outputs.classes, predicted)
        return predicted

    @property
    def last_steps(self):
        return np.cumsum([len(x) for x in self.X]) - 1


def drive(k, case):
    """The function that runs one case."""
    net, n_raw = f"net{k}", case.outputs.n_raw
    n_proba = len(case.outputs.classes) if case.kind != "numbers" else 0
    flat = np.concatenate([np.ravel(x) for x in case.X]).tolist()
    values = ", ".join("NAN" if value != value else repr(value) for value in flat)
    lengths = ", ".join(str(len(x)) for x in case.X)
    if case.kind == "numbers":
        one = n_raw == 1
        say = f"v[0] = {net}_predict(&state);" if one else f"{net}_predict(&state, v);"
        say += show("value", k, n_raw, "v") + show("predict", k, n_raw, "v")
    else:
        say = f"{net}_decision(&state, v);" + show("value", k, n_raw, "v")
        if case.kind == "classes":
            say += f"v[0] = ({net}_real){net}_predict(&state);" + show("predict", k, 1, "v")
        else:
            say += f"{net}_predict(&state, labels);" + show("predict", k, n_raw, "labels")
        say += f"{net}_predict_proba(&state, v);" + show("proba", k, n_proba, "v")
    return f"""
#include "net{k}.h"
static void run{k}(void)
{{
    static const double steps[] = {{{values}}};
    static const int lengths[] = {{{lengths}}};
    const double *x = steps;
    {net}_state state, before;
    {net}_real row[NET{k}_FEATURES], v[{max(n_raw, n_proba, 2)}];
    {f"unsigned char labels[{n_raw}];" if case.kind == "labels" else ""}
    int i, t, j;
    printf("bytes {k} %d\\n", (int)sizeof state);
    for (i = 0; i < {len(case.X)}; i++) {{
        {net}_reset(&state);
        for (t = 0; t < lengths[i]; t++) {{
            for (j = 0; j < NET{k}_FEATURES; j++) row[j] = ({net}_real)INFINITY;
            before = state;
            if ({net}_step(&state, row) || !same(&before, &state, sizeof state)) printf("fault\\n");
            for (j = 0; j < NET{k}_FEATURES; j++) row[j] = ({net}_real)*x++;
            if (!{net}_step(&state, row)) printf("fault\\n");
            {say}
        }}
    }}
}}
"""


def show(what, k, n, array):
    copy = f"for (j = 0; j < {n}; j++) d[j] = (double){array}[j];"
    return f'{{ double d[{n}]; {copy} show("{what}", {k}, {n}, d); }}'


def write(folder, cases, double=False):
    """The sources of a program for these cases."""
    for k, case in enumerate(cases):
        (folder / f"net{k}.h").write_text(case.header(f"net{k}"), encoding="ascii")
    runs = "".join(f"    run{k}();\n" for k in range(len(cases)))
    drivers = "".join(drive(k, case) for k, case in enumerate(cases))
    main = f"\nint main(void)\n{{\n{runs}    return 0;\n}}\n"
    precision = "".join(f"#define NET{k}_DOUBLE\n" for k in range(len(cases))) if double else ""
    (folder / "main.c").write_text(precision + HEAD + drivers + main, encoding="ascii")


def run_here(folder, compiler, flags):
    """What the program prints on this machine."""
    language = ["-x", "c++"] if compiler[0] == "c++" else []
    program = folder / "program"
    command = [*compiler, *WARNINGS, *flags, *language, "main.c", "-o", str(program), "-lm"]
    subprocess.run(command, cwd=folder, check=True, text=True, capture_output=True)
    return read(subprocess.run([str(program)], check=True, text=True, capture_output=True).stdout)


def run_on_cortex(folder, flags):
    """What the program prints on an emulated Cortex-M4."""
    return read(cortex.run(folder, [*WARNINGS, *flags]))


def read(text):
    """For each case: values by what they are."""
    found = {}
    for line in text.splitlines():
        what, *rest = line.split()
        assert what != "fault", text[:1000]
        rows = found.setdefault(int(rest[0]), {})
        rows.setdefault(what, []).append([float(value) for value in rest[1:]])
    return {k: {what: np.array(v) for what, v in rows.items()} for k, rows in found.items()}


def has(*commands):
    return all(shutil.which(command) for command in commands)
