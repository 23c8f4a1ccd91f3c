"""The Linux calls that the standard library lacks: each returns a plain value or raises OSError naming the call.

Everything goes through ctypes, so no C compiler and no extension module is needed. System call numbers above 424 are
the same on every architecture. Lengths and addresses are bytes.
"""

import ctypes
import os

PROT_READ, PROT_WRITE = 1, 2
MAP_SHARED, MAP_PRIVATE, MAP_ANONYMOUS, MAP_NORESERVE = 0x01, 0x02, 0x20, 0x4000
MADV_HUGEPAGE, MADV_NOHUGEPAGE, MADV_POPULATE_READ, MADV_POPULATE_WRITE = 14, 15, 22, 23
MLOCK_ONFAULT = 1
PR_SET_PDEATHSIG, PR_SET_NAME = 1, 15
PTRACE_CONT, PTRACE_SEIZE = 7, 0x4206
PTRACE_O_TRACEEXIT, PTRACE_O_EXITKILL = 0x40, 0x100000
PTRACE_EVENT_EXIT = 6
WAIT_ALL = 0x40000000  # __WALL: also wait for children that were not made by plain fork
SYS_FSOPEN, SYS_FSCONFIG, SYS_FSMOUNT, SYS_PROCESS_MRELEASE = 430, 431, 432, 448
FSCONFIG_CMD_CREATE = 6
FSMOUNT_CLOEXEC = FSOPEN_CLOEXEC = 1

_libc = ctypes.CDLL(None, use_errno=True)
_size, _void = ctypes.c_size_t, ctypes.c_void_p
_libc.mmap.restype = _void
_libc.mmap.argtypes = [_void, _size, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
_libc.munmap.argtypes = [_void, _size]
_libc.mlock.argtypes = [_void, _size]
_libc.mlock2.argtypes = [_void, _size, ctypes.c_uint]
_libc.munlock.argtypes = [_void, _size]
_libc.madvise.argtypes = [_void, _size, ctypes.c_int]
_libc.mprotect.argtypes = [_void, _size, ctypes.c_int]
_libc.prctl.argtypes = [ctypes.c_int] + [ctypes.c_ulong] * 4
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, _void, _void]
_libc.ptrace.restype = ctypes.c_long
_libc.syscall.restype = ctypes.c_long


def _checked(result: int | None, call: str) -> int:
    if result is None or result == -1 or result == ctypes.c_size_t(-1).value:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), call)
    return result


def mmap(n_bytes: int, prot: int, flags: int, fd: int = -1) -> int:
    """Map ``n_bytes`` wherever the kernel likes and return the address."""
    return _checked(_libc.mmap(None, n_bytes, prot, flags, fd, 0), "mmap")


def munmap(address: int, n_bytes: int) -> None:
    """Unmap ``[address, address + n_bytes)``."""
    _checked(_libc.munmap(address, n_bytes), "munmap")


def mlock(address: int, n_bytes: int) -> None:
    """Populate and lock a range (EPERM or ENOMEM beyond RLIMIT_MEMLOCK)."""
    _checked(_libc.mlock(address, n_bytes), "mlock")


def mlock_onfault(address: int, n_bytes: int) -> None:
    """Lock a range without populating it; pages become locked as they are touched."""
    _checked(_libc.mlock2(address, n_bytes, MLOCK_ONFAULT), "mlock2")


def munlock(address: int, n_bytes: int) -> None:
    """Unlock a range."""
    _checked(_libc.munlock(address, n_bytes), "munlock")


def madvise(address: int, n_bytes: int, advice: int) -> None:
    """Give one MADV_* advice about a range."""
    _checked(_libc.madvise(address, n_bytes, advice), "madvise")


def mprotect(address: int, n_bytes: int, prot: int) -> None:
    """Change a range's protection, which splits VMAs at its ends."""
    _checked(_libc.mprotect(address, n_bytes, prot), "mprotect")


def memory(address: int, n_bytes: int) -> memoryview:
    """Writable bytes of this process at ``address``, without a copy."""
    return memoryview((ctypes.c_char * n_bytes).from_address(address)).cast("B")


def die_with_parent(signal_number: int = 9) -> None:
    """Have the kernel send a signal to this process when the thread that forked it ends; cleared by nobody but us."""
    _checked(_libc.prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0), "prctl")


def set_name(name: str) -> None:
    """Set the comm that /proc and the kernel log show; 15 bytes are kept."""
    buffer = ctypes.create_string_buffer(name.encode()[:15])
    _checked(_libc.prctl(PR_SET_NAME, ctypes.addressof(buffer), 0, 0, 0), "prctl")


def ptrace_seize(pid: int) -> None:
    """Trace ``pid`` without stopping it, so that it will stop at its exit (PTRACE_EVENT_EXIT), before exit_mm."""
    _checked(_libc.ptrace(PTRACE_SEIZE, pid, None, PTRACE_O_TRACEEXIT | PTRACE_O_EXITKILL), "ptrace")


def ptrace_cont(pid: int) -> None:
    """Let a stopped tracee go on."""
    _checked(_libc.ptrace(PTRACE_CONT, pid, None, None), "ptrace")


def process_mrelease(pidfd: int) -> None:
    """Reap a dying process's memory in the caller's context (Linux 5.15, mm/oom_kill.c).

    Errors: ENOSYS (old kernel), EINVAL (not dying), ESRCH (no mm any more), EAGAIN (an MMU notifier refused), EINTR.
    """
    _checked(_libc.syscall(SYS_PROCESS_MRELEASE, ctypes.c_int(pidfd), ctypes.c_uint(0)), "process_mrelease")


def detached_mount(filesystem: str) -> int:
    """Mount a filesystem attached to nothing and return a directory fd; it goes with its last fd (Linux 5.2)."""
    context = _checked(_libc.syscall(SYS_FSOPEN, filesystem.encode(), ctypes.c_uint(FSOPEN_CLOEXEC)), "fsopen")
    try:
        create = ctypes.c_uint(FSCONFIG_CMD_CREATE)
        _checked(_libc.syscall(SYS_FSCONFIG, context, create, None, None, ctypes.c_int(0)), "fsconfig")
        mount = _checked(
            _libc.syscall(SYS_FSMOUNT, context, ctypes.c_uint(FSMOUNT_CLOEXEC), ctypes.c_uint(0)), "fsmount"
        )
    finally:
        os.close(context)
    try:
        return os.open(".", os.O_RDONLY | os.O_DIRECTORY, dir_fd=mount)
    finally:
        os.close(mount)
