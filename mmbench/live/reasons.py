"""What an errno of a call means here, and what a person can do about it."""

import errno

from mmbench.errors import CannotError

_SECCOMP = (
    "a container's seccomp profile or a security module forbids it; run outside the container, or allow it "
    "(docker run --cap-add SYS_PTRACE --security-opt seccomp=unconfined)"
)
_MEMLOCK = (
    "RLIMIT_MEMLOCK is too small for it; run as root, or raise the limit (ulimit -l unlimited, limits.conf memlock)"
)

_REASONS: dict[tuple[str, int], str] = {
    ("process_mrelease", errno.ENOSYS): "the kernel has no process_mrelease; it needs Linux 5.15 or later",
    ("process_mrelease", errno.EPERM): _SECCOMP,
    ("process_mrelease", errno.EACCES): _SECCOMP,
    ("process_mrelease", errno.EAGAIN): "an MMU notifier (KVM, a GPU) refused; end what watches the victim's memory",
    ("ptrace", errno.EPERM): _SECCOMP + ", and see that /proc/sys/kernel/yama/ptrace_scope is not 3",
    ("ptrace", errno.ENOSYS): _SECCOMP,
    ("mlock", errno.EPERM): _MEMLOCK,
    ("mlock", errno.ENOMEM): _MEMLOCK,
    ("mlock", errno.EAGAIN): "the memory to populate it could not be had; lower --max-memory",
    ("mlock2", errno.EPERM): _MEMLOCK,
    ("mlock2", errno.ENOMEM): _MEMLOCK,
    (
        "madvise",
        errno.EINVAL,
    ): "the kernel does not know this advice; populating needs Linux 5.14, THP needs CONFIG_TRANSPARENT_HUGEPAGE",
    ("fsopen", errno.EPERM): "mounting tracefs needs CAP_SYS_ADMIN; run as root, or mount it at /sys/kernel/tracing",
    ("fsconfig", errno.ENODEV): "the kernel was built without tracefs (CONFIG_FTRACE)",
    ("fsopen", errno.ENODEV): "the kernel was built without tracefs (CONFIG_FTRACE)",
    (
        "pagemap",
        errno.EIO,
    ): "the process lost its memory while it was being counted; something else killed it, see dmesg",
}
_BY_ERRNO = {
    errno.EPERM: "this account may not; run as root",
    errno.EACCES: "this account may not; run as root",
    errno.ENOSYS: "this kernel does not have it",
    errno.ENOMEM: "there is not enough memory or address space; lower --max-memory",
    errno.ENOSPC: "the disk is full; free some space, or point TMPDIR elsewhere",
    errno.EROFS: "it is mounted read-only",
}


def reason(error: OSError) -> str:
    """Return in a clause why the call may have failed and what to do."""
    code = error.errno or 0
    found = _REASONS.get((str(error.filename), code)) or _BY_ERRNO.get(code)
    return found or "that is not expected here; see dmesg"


def because(error: OSError, doing: str) -> CannotError:
    """Build the error for a failed call: what was attempted, what the kernel said, what to do."""
    return CannotError(f"{doing}: {error.filename or 'a call'} failed ({error.strerror}): {reason(error)}.")
