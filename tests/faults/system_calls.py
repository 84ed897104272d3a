"""`SIGKILL` at a system call: the process dies before its Nth call that writes, in the middle of what C code does.

The process is traced by its parent, and stops at the calls that a filter names and at no others. Source: ptrace(2),
seccomp(2). Linux only.
"""

import ctypes
import os
import platform
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import NoReturn

# write, pwrite64, fsync, fdatasync, ftruncate, rename, renameat, renameat2, unlink, unlinkat, sendfile, copy_file_range
CALLS = {
    "x86_64": (1, 18, 74, 75, 77, 82, 264, 316, 87, 263, 40, 326),
    "aarch64": (64, 68, 82, 83, 46, 38, 276, 35, 71, 285),
}
TRACEME, CONT, SETOPTIONS = 0, 7, 0x4200
EXITKILL, TRACESECCOMP, EVENT_SECCOMP = 1 << 20, 1 << 7, 7
NO_NEW_PRIVILEGES, SET_SECCOMP, FILTER = 38, 22, 2
LOAD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06  # of the filter's machine
ALLOW, TRACE = 0x7FFF0000, 0x7FF00000


class _Instruction(ctypes.Structure):
    _fields_ = [
        ("code", ctypes.c_uint16),
        ("if_true", ctypes.c_uint8),
        ("if_false", ctypes.c_uint8),
        ("operand", ctypes.c_uint32),
    ]


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_uint16), ("instructions", ctypes.POINTER(_Instruction))]


def why_not() -> str | None:
    """Why this machine cannot do it; None where it can."""
    if sys.platform != "linux" or platform.machine() not in CALLS:
        return f"not known how to stop at system calls on {sys.platform}, {platform.machine()}"
    tried = subprocess.run([sys.executable, __file__], capture_output=True, text=True, check=False)
    return None if tried.returncode == 0 else f"tracing is not allowed here: {tried.stderr.strip()[-200:]}"


def kill_at(number: int, work: Callable[[], NoReturn], report: Callable[[int], None]) -> NoReturn:
    """Do the work in a child, and kill that at its Nth call that writes; 0 only counts.

    This process then ends as the child has ended.

    Args:
        report: told how many such calls there were.
    """
    child = os.fork()
    if child == 0:
        _call("ptrace", TRACEME, 0, None, None)
        os.kill(os.getpid(), signal.SIGSTOP)
        _stop_at_calls()
        work()
    status, calls = _trace(child, number)
    report(calls)
    if os.WIFSIGNALED(status):
        os.kill(os.getpid(), os.WTERMSIG(status))
    os._exit(os.WEXITSTATUS(status))


def _trace(child: int, number: int) -> tuple[int, int]:
    """Let the child run from call to call; its status at the end, and how many calls there were."""
    _, status = os.waitpid(child, 0)
    _call("ptrace", SETOPTIONS, child, None, EXITKILL | TRACESECCOMP)
    calls = passed_on = 0
    while True:
        _call("ptrace", CONT, child, None, passed_on)
        _, status = os.waitpid(child, 0)
        if not os.WIFSTOPPED(status):
            return status, calls
        at_call = status >> 16 == EVENT_SECCOMP
        passed_on = 0 if at_call else os.WSTOPSIG(status)
        calls += at_call
        if at_call and calls == number:
            os.kill(child, signal.SIGKILL)
            return os.waitpid(child, 0)[1], calls


def _stop_at_calls() -> None:
    numbers = CALLS[platform.machine()]
    program = [_Instruction(LOAD, 0, 0, 0)]  # the number of the call
    program += [_Instruction(JUMP_IF_EQUAL, len(numbers) - at, 0, call) for at, call in enumerate(numbers)]
    program += [_Instruction(RETURN, 0, 0, ALLOW), _Instruction(RETURN, 0, 0, TRACE)]
    instructions = (_Instruction * len(program))(*program)
    _call("prctl", NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    filtering = _Program(len(program), instructions)
    _call("prctl", SET_SECCOMP, FILTER, ctypes.byref(filtering), 0, 0)


def _call(name: str, *arguments: object) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    prepared = [ctypes.c_long(each) if isinstance(each, int) else each for each in arguments]
    if getattr(libc, name)(*prepared) == -1:
        raise OSError(ctypes.get_errno(), name)


if __name__ == "__main__":
    kill_at(0, lambda: os._exit(0), lambda _calls: None)
