"""Programs that must end: one that hangs is killed with its processes, and says where it was.

A program runs in a session of its own, by which all that it starts is found again, whoever has
become their parent. faulthandler writes the stacks of all threads of each when they are aborted.
"""

import os
import signal
import subprocess
import sys
import textwrap
import time
import traceback
import warnings
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = os.pathsep.join([str(ROOT), str(ROOT / "tests"), os.environ.get("PYTHONPATH", "")])
TO_WRITE = 5  # seconds that processes have for their stacks
needed = Path("/proc/self/stat").exists() and hasattr(os, "setsid")
why_not = "processes cannot be found in /proc here"


class Ended(NamedTuple):
    """What a program has left."""

    code: int
    out: str
    err: str
    seconds: float


def session(number: int) -> list[int]:
    """The living processes of a session."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                # pid (name) state parent group session ...; a name may have spaces
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if fields[3] == str(number) and fields[0] not in "ZX":
                found.append(int(entry.name))
    return found


def abort_in_turn(number: int) -> None:
    """Abort the processes of a session one after another, so that their stacks do not mix."""
    end = time.monotonic() + TO_WRITE
    for pid in session(number):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGABRT)
        while pid in session(number) and time.monotonic() < end:
            time.sleep(0.05)


def kill(number: int) -> None:
    """Kill all processes of a session."""
    for pid in session(number):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def environment(**changes: str | None) -> dict[str, str]:
    """That of this process, with changes; None takes a variable away."""
    found = os.environ | {"PYTHONFAULTHANDLER": "1", "PYTHONPATH": FOLDERS} | changes
    return {name: value for name, value in found.items() if value is not None}


def run(
    code: str, *arguments: object, seconds: float = 60, python: str = sys.executable, **changes
) -> Ended:
    """`execute` a text in Python."""
    command = [python, "-W", "ignore", "-c", textwrap.dedent(code), *map(str, arguments)]
    return execute(command, seconds, **changes)


def execute(command: list[str], seconds: float, **changes: str | None) -> Ended:
    """Run a program, which fails if it does not end in so many seconds; its exit code is for you.

    ``changes`` are those of the environment.
    """
    with TemporaryDirectory() as folder:
        # no pipes: a child that is left would keep them open
        out, err = Path(folder, "out"), Path(folder, "err")
        begin = time.monotonic()
        with open(out, "wb") as out_file, open(err, "wb") as err_file:
            process = subprocess.Popen(
                command,
                stdout=out_file,
                stderr=err_file,
                env=environment(**changes),
                start_new_session=True,
            )
            hung = False
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                hung = True
                abort_in_turn(process.pid)
            finally:
                kill(process.pid)
                process.wait()
        text = "\n".join(
            line
            for line in err.read_text(errors="replace").splitlines()
            if not line.startswith("Extension modules:")
        )
        ended = Ended(
            process.returncode, out.read_text(errors="replace"), text, time.monotonic() - begin
        )
    if hung:
        raise AssertionError(f"still running after {seconds} s\n{ended.out}\n{ended.err}")
    return ended


def succeeds(code: str, *arguments: object, **options) -> str:
    """What a program prints, which fails if it does not end well and in time."""
    ended = run(code, *arguments, **options)
    assert ended.code == 0, f"exit code {ended.code}\n{ended.out}\n{ended.err}"
    return ended.out


def end_of(pid: int, seconds: float = 20) -> int:
    """The exit code of a child, or an error if it does not end: also within a program."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    os.kill(pid, signal.SIGABRT)
    time.sleep(0.3)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    raise AssertionError(f"a child still ran after {seconds} s")


def in_child(function) -> int:
    """Fork, run a function in the child; its process number."""
    with warnings.catch_warnings():
        # newer Pythons warn of what is tested here
        warnings.filterwarnings("ignore", ".*multi-threaded.*fork", DeprecationWarning)
        pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        function()
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)
