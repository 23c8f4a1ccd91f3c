"""A BTF section of a few types, written by hand as Documentation/bpf/btf.rst says."""

import struct

from mmbench.lab import btf


class Section:
    """Types are numbered from 1 in the order they are added."""

    def __init__(self) -> None:
        self.names, self.types, self.n = b"\0", b"", 0

    def name(self, text: str) -> int:
        if not text:
            return 0
        self.names += text.encode() + b"\0"
        return len(self.names) - len(text) - 1

    def add(self, kind: int, name: str, size_or_type: int, *members: int, n: int = 0, flag: bool = False) -> int:
        info = kind << 24 | n | (1 << 31 if flag else 0)
        self.types += struct.pack("<3I", self.name(name), info, size_or_type) + struct.pack(
            f"<{len(members)}I", *members
        )
        self.n += 1
        return self.n

    def function(self, name: str, returns: int, *parameters: int) -> int:
        words = [word for parameter in parameters for word in (0, parameter)]
        proto = self.add(btf.FUNC_PROTO, "", returns, *words, n=len(parameters))
        return self.add(btf.FUNC, name, proto)

    def structure(self, name: str, size: int, *fields: tuple[str, int, int]) -> int:
        words = [word for field, type_, bits in fields for word in (self.name(field), type_, bits)]
        return self.add(btf.STRUCT, name, size, *words, n=len(fields))

    def blob(self) -> bytes:
        header = struct.pack("<HBBIIIII", btf.MAGIC, 1, 0, 24, 0, len(self.types), len(self.types), len(self.names))
        return header + self.types + self.names


class Kernel(Section):
    """The functions of a kernel like 6.12, each with parameters as the module knows them."""

    def __init__(self) -> None:
        super().__init__()
        self.at: dict[str, int] = {"void": 0}
        self.at["bool"] = self.add(btf.INT, "bool", 1, 8)
        self.at["long unsigned int"] = self.add(btf.INT, "long unsigned int", 8, 64)
        self.at["unsigned int"] = self.add(btf.INT, "unsigned int", 4, 32)
        self.at["int"] = self.add(btf.INT, "int", 4, 32)
        counters = self.add(btf.ARRAY, "", 0, self.structure("percpu_counter", 40), self.at["int"], 4)
        self.at["struct mm_struct"] = self.structure("mm_struct", 64, ("flags", 2, 0), ("rss_stat", counters, 64))

    def type_(self, text: str) -> int:
        """The number of a C type, made with what it points to when it is new."""
        if text not in self.at:
            if text.endswith(" *"):
                self.at[text] = self.add(btf.PTR, "", self.type_(text.removesuffix(" *")))
            else:
                self.at[text] = self.structure(text.removeprefix("struct "), 8)
        return self.at[text]

    def declare(self, name: str, parameters: tuple[str, ...], returns: str = "void") -> None:
        self.function(name, self.type_(returns), *(self.type_(parameter) for parameter in parameters))
