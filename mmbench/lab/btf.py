"""What a kernel says of itself in BTF: prototypes of all functions, also static ones, and the fields of structs.

Source: Documentation/bpf/btf.rst. A function that the compiler has inlined everywhere has no entry. The section is read
from the vmlinux of a headers package, or out of a bzImage.
"""

import lzma
import shutil
import struct
import subprocess
from dataclasses import dataclass

from mmbench.errors import CannotError

MAGIC = 0xEB9F
INT, PTR, ARRAY, STRUCT, UNION, ENUM, FWD, TYPEDEF, VOLATILE, CONST, RESTRICT, FUNC, FUNC_PROTO = range(1, 14)
VAR, DATASEC, FLOAT, DECL_TAG, TYPE_TAG, ENUM64 = range(14, 20)
# Bytes that follow a type's own twelve: (fixed, per member)
TAIL = {
    **{INT: (4, 0), ARRAY: (12, 0), STRUCT: (0, 12), UNION: (0, 12), ENUM: (0, 8), FUNC_PROTO: (0, 8)},
    **{VAR: (4, 0), DATASEC: (0, 12), DECL_TAG: (4, 0), ENUM64: (0, 12)},
}
QUALIFIERS = {VOLATILE: "volatile ", CONST: "const ", RESTRICT: ""}
TAGGED = {STRUCT: "struct", UNION: "union", ENUM: "enum", ENUM64: "enum"}
XZ, ZSTD = b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd"


@dataclass(frozen=True)
class Prototype:
    """A function's C types: what it returns and takes, in order."""

    returns: str
    parameters: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.returns} (*)({', '.join(self.parameters) or 'void'})"


@dataclass(frozen=True)
class Type:
    """One entry: its kind, name, size or type, number of members, kind flag, and where its members begin."""

    kind: int
    name: str
    size_or_type: int
    n_members: int
    flag: bool
    members_at: int


class Btf:
    """The types of one kernel. Raises CannotError when the bytes are no BTF."""

    def __init__(self, blob: bytes) -> None:
        if len(blob) < 24 or int.from_bytes(blob[:2], "little") != MAGIC:
            raise CannotError("the kernel's BTF begins with other bytes than BTF does; fetch its headers again.")
        header, types_at, types_size, names_at, names_size = struct.unpack_from("<5I", blob, 4)
        self._types = blob[header + types_at : header + types_at + types_size]
        self._names = blob[header + names_at : header + names_at + names_size]
        if len(self._types) != types_size or len(self._names) != names_size:
            raise CannotError("the kernel's BTF is cut short; fetch its headers again.")
        self.types: list[Type] = [Type(0, "void", 0, 0, False, 0)]
        self._index: dict[tuple[int, str], int] = {}
        self._read()

    def _read(self) -> None:
        at = 0
        while at < len(self._types):
            name, info, size_or_type = struct.unpack_from("<3I", self._types, at)
            kind, n_members = info >> 24 & 31, info & 0xFFFF
            fixed, each = TAIL.get(kind, (0, 0))
            found = Type(kind, self._name(name), size_or_type, n_members, bool(info >> 31), at + 12)
            if found.name:
                self._index.setdefault((kind, found.name), len(self.types))
            self.types.append(found)
            at += 12 + fixed + each * n_members

    def _name(self, at: int) -> str:
        return self._names[at : self._names.index(0, at)].decode()

    def prototype(self, name: str) -> Prototype | None:
        """The prototype of a function; None when the kernel has none of that name, or only inlined copies."""
        at = self._index.get((FUNC, name))
        if at is None:
            return None
        proto = self.types[self.types[at].size_or_type]
        words = struct.unpack_from(f"<{2 * proto.n_members}I", self._types, proto.members_at)
        return Prototype(self.c_type(proto.size_or_type), tuple(self.c_type(t) for t in words[1::2]))

    def fields(self, name: str) -> list[tuple[str, str, int]] | None:
        """A struct's fields: C type, name, bit offset; None when there is no such struct."""
        at = self._index.get((STRUCT, name))
        return None if at is None else self._fields(self.types[at])

    def _fields(self, struct_: Type) -> list[tuple[str, str, int]]:
        words = struct.unpack_from(f"<{3 * struct_.n_members}I", self._types, struct_.members_at)
        found = []
        for name, type_, bits in zip(words[::3], words[1::3], words[2::3], strict=True):
            found.append((self.c_type(type_), self._name(name), bits & 0xFFFFFF if struct_.flag else bits))
        return found

    def struct_size(self, name: str) -> int:
        """The size of a struct in bytes."""
        return self.types[self._index[STRUCT, name]].size_or_type

    def field_type(self, name: str, field: str) -> str | None:
        """The C type of a struct's field, inside unnamed members too; None when it has no such field."""
        at = self._index.get((STRUCT, name))
        return None if at is None else self._field_type(at, field)

    def _field_type(self, at: int, field: str) -> str | None:
        struct_ = self.types[at]
        words = struct.unpack_from(f"<{3 * struct_.n_members}I", self._types, struct_.members_at)
        for name, type_ in zip(words[::3], words[1::3], strict=True):
            if self._name(name) == field:
                return self.c_type(type_)
            if not self._name(name) and self.types[type_].kind in (STRUCT, UNION):
                inside = self._field_type(type_, field)
                if inside is not None:
                    return inside
        return None

    def has_enumerator(self, name: str) -> bool:
        """Whether some enum of the kernel, also one without a name, has a member so called."""
        for found in self.types:
            if found.kind in (ENUM, ENUM64):
                step = TAIL[found.kind][1]
                for at in range(found.members_at, found.members_at + step * found.n_members, step):
                    if self._name(struct.unpack_from("<I", self._types, at)[0]) == name:
                        return True
        return False

    def has_typedef(self, name: str) -> bool:
        """Whether the kernel has a type of that name."""
        return (TYPEDEF, name) in self._index

    def c_type(self, at: int) -> str:
        """Spell a type as C does; a pointer to a function or an array, which no prototype here has, as void *."""
        found = self.types[at]
        if found.kind == ARRAY:
            element, _, n = struct.unpack_from("<3I", self._types, found.members_at)
            return f"{self.c_type(element)}[{n}]"
        if found.kind in TAGGED:
            return f"{TAGGED[found.kind]} {found.name}"
        if found.kind == FWD:
            return f"{'union' if found.flag else 'struct'} {found.name}"
        if found.kind in QUALIFIERS:
            return QUALIFIERS[found.kind] + self.c_type(found.size_or_type)
        if found.kind == TYPE_TAG:
            return self.c_type(found.size_or_type)
        if found.kind == PTR:
            inner = self.types[found.size_or_type]
            return "void *" if inner.kind in (FUNC_PROTO, ARRAY) else f"{self.c_type(found.size_or_type)} *"
        return found.name or "void"


def btf_of_elf(image: bytes, name: str) -> bytes:
    """The .BTF section of a vmlinux. Raises CannotError when it has none."""
    if image[:5] != b"\x7fELF\x02":
        raise CannotError(f"{name} is no 64-bit ELF file, so its BTF cannot be read.")
    (sections_at,) = struct.unpack_from("<Q", image, 0x28)
    entry_size, n_sections, names_index = struct.unpack_from("<3H", image, 0x3A)

    def section(number: int) -> tuple[int, int, int]:
        name_at, _, _, _, at, size = struct.unpack_from("<IIQQQQ", image, sections_at + number * entry_size)
        return name_at, at, size

    _, names_at, _ = section(names_index)
    for number in range(n_sections):
        name_at, at, size = section(number)
        if image[names_at + name_at : names_at + name_at + 5] == b".BTF\0":
            return image[at : at + size]
    raise CannotError(f"{name} has no .BTF section: this kernel was built without CONFIG_DEBUG_INFO_BTF.")


def vmlinux_of_image(image: bytes, name: str) -> bytes:
    """The vmlinux inside a bzImage (Documentation/arch/x86/boot.rst: payload_offset, payload_length).

    Raises CannotError when it is compressed with something else than xz or zstd, or zstd is missing.
    """
    setup_bytes = (image[0x1F1] + 1) * 512
    offset, length = struct.unpack_from("<2I", image, 0x248)
    payload = image[setup_bytes + offset : setup_bytes + offset + length]
    if payload.startswith(XZ):
        return lzma.LZMADecompressor().decompress(payload)
    if payload.startswith(ZSTD):
        if shutil.which("zstd") is None:
            raise CannotError(f"{name} is compressed with zstd; install the package zstd (apt-get install zstd).")
        done = subprocess.run(["zstd", "-dcq"], input=payload[:-4], capture_output=True, timeout=120, check=False)
        if done.stdout:
            return done.stdout
    raise CannotError(f"{name}: its payload is compressed with neither xz nor zstd, so its BTF cannot be read.")
