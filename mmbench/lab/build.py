"""The module for one kernel: its generation told by BTF, built with its headers, kept by what it was made of."""

import hashlib
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from mmbench.errors import CannotError
from mmbench.lab.archive import Say
from mmbench.lab.btf import Btf, btf_of_elf, vmlinux_of_image
from mmbench.lab.generation import has_old_munlock, header
from mmbench.lab.headers import find_headers
from mmbench.lab.kernels import Kernel
from mmbench.lab.store import lab_folder, write_whole

SOURCES = Path(__file__).with_name("module")
TOOLS = {"gcc": "gcc", "make": "make", "ld": "binutils", "objcopy": "binutils"}
# gcc is not the one that built the kernel, there is neither pahole nor a signing key: none of them matters to a guest
OPTIONS = (
    "CC=gcc",
    "CONFIG_CC_HAS_MIN_FUNCTION_ALIGNMENT=",
    "CONFIG_DEBUG_INFO_BTF_MODULES=",
    "CONFIG_MODULE_SIG_ALL=",
)
# What the module needs of a kernel: to be loaded, to find functions by name, to step in for them.
CONFIG = ("MODULES", "KPROBES", "KALLSYMS", "DYNAMIC_FTRACE", "DYNAMIC_FTRACE_WITH_REGS")
BUILD_TIMEOUT_S = 300.0
N_LAST_LINES = 8


@dataclass(frozen=True)
class Module:
    """A built module: its bytes, and what they were made of."""

    ko: bytes
    source_sha256: str
    gcc: str
    has_old_munlock: bool


def sources() -> dict[str, bytes]:
    """The module's own files by name."""
    return {p.name: p.read_bytes() for p in sorted(SOURCES.iterdir()) if p.suffix in (".c", ".h") or p.name == "Kbuild"}


def missing_tools() -> dict[str, str]:
    """Programs that a build needs and this machine lacks -> their Debian packages."""
    return {tool: package for tool, package in TOOLS.items() if shutil.which(tool) is None}


def gcc_version() -> str:
    """What gcc says of itself. Raises CannotError naming the packages when something is missing."""
    missing = missing_tools()
    if missing:
        packages = " ".join(sorted(set(missing.values())))
        raise CannotError(f"{', '.join(missing)} not found: a module is compiled; apt-get install {packages}.")
    done = subprocess.run(["gcc", "--version"], capture_output=True, text=True, timeout=30, check=False)
    return done.stdout.splitlines()[0] if done.stdout else "gcc"


def check_config(headers: Path, release: str) -> None:
    """Raise CannotError naming what the kernel was built without, and the module needs."""
    path = headers / "include/config/auto.conf"
    try:
        built_with = set(path.read_text().split("\n"))
    except OSError as error:
        raise CannotError(
            f"the headers of Linux {release} have no {path.name} ({error.strerror}); fetch them again."
        ) from None
    missing = [f"CONFIG_{name}" for name in CONFIG if f"CONFIG_{name}=y" not in built_with]
    if missing:
        raise CannotError(
            f"Linux {release} was built without {', '.join(missing)}: no module can step in for its functions. Take a "
            "kernel that has it, or build the design into one and run that (mmbench lab run ./bzImage --strategy FILE)."
        )


def read_btf(kernel: Kernel, headers: Path) -> Btf:
    """The kernel's types: from the vmlinux beside its headers (6.12 and later), else out of its image."""
    beside = headers / "vmlinux"
    if beside.exists():
        return Btf(btf_of_elf(beside.read_bytes(), str(beside)))
    name = str(kernel.vmlinuz)
    return Btf(btf_of_elf(vmlinux_of_image(kernel.vmlinuz.read_bytes(), name), name))


def cache_key(release: str, version: str, files: dict[str, bytes]) -> str:
    """What decides about the bytes of a module: the kernel, gcc, every source with the header written from BTF."""
    digest = hashlib.sha256("\0".join((release, version, *OPTIONS)).encode())
    for name, content in sorted(files.items()):
        digest.update(f"\0{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:32]


def find_module(kernel: Kernel, say: Say) -> Module:
    """Return the module for a kernel, built unless it is kept. Raises CannotError when it cannot be built."""
    gcc = gcc_version()
    headers = find_headers(kernel, say)
    check_config(headers, kernel.release)
    btf = read_btf(kernel, headers)
    own = sources()
    files = own | {"generation.h": header(btf, kernel.release).encode()}
    kept = lab_folder("modules") / f"{cache_key(kernel.release, gcc, files)}.ko"
    if not kept.exists():
        say(f"building the module for {kernel.release}")
        write_whole(kept, [build(headers, files, kernel.release)])
    return Module(kept.read_bytes(), cache_key("", "", own), gcc, has_old_munlock(btf))


def build(headers: Path, files: dict[str, bytes], release: str) -> bytes:
    """Compile in a folder of its own; raises CannotError with the compiler's first complaint."""
    with tempfile.TemporaryDirectory(prefix="mmbench-module-") as folder:
        for name, content in files.items():
            Path(folder, name).write_bytes(content)
        command = ["make", "-C", str(headers), f"M={folder}", *OPTIONS, "modules"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=BUILD_TIMEOUT_S, check=False)
        except subprocess.TimeoutExpired as error:
            raise CannotError(f"building the module took over {BUILD_TIMEOUT_S:.0f} s; try again.") from error
        built = Path(folder, "mmbench.ko")
        if done.returncode or not built.exists():
            said = [line for line in (done.stderr + done.stdout).splitlines() if "error" in line.lower()]
            shown = "".join(f"\n    {line[:200]}" for line in said[:N_LAST_LINES])
            raise CannotError(f"the module does not compile for Linux {release}; the compiler says:{shown}")
        # what depends on the folder it was built in is of no use in a guest
        strip = ["objcopy", "--strip-debug", "--remove-section=.note.gnu.build-id", str(built)]
        subprocess.run(strip, capture_output=True, timeout=60, check=True)
        return built.read_bytes()
