"""BTF and the generation it tells: prototypes, structs, an image's sections; what is unknown is refused by name."""

import lzma
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from mmbench.errors import CannotError
from mmbench.lab import btf
from mmbench.lab.btf import Btf, btf_of_elf, vmlinux_of_image
from mmbench.lab.generation import KNOWN, OPTIONAL, has_old_munlock, header
from tests.lab.btf_bytes import Kernel, Section


def like_6_12(without: str = "", **changed: tuple[str, ...]) -> Btf:
    kernel = Kernel()
    for name, generations in KNOWN.items():
        if name != without:
            kernel.declare(name, changed.get(name, generations[min(2, len(generations) - 1)]))
    for name in ("remove_vma", "unmap_page_range"):
        if name != without:
            kernel.declare(name, OPTIONAL[name][0])
    return Btf(kernel.blob())


def test_prototypes_and_fields_are_spelled_as_c_does() -> None:
    section = Section()
    long = section.add(btf.INT, "long int", 8, 64)
    const = section.add(btf.CONST, "", long)
    pointer = section.add(btf.PTR, "", const)
    forward = section.add(btf.FWD, "vma", 0)
    array = section.add(btf.ARRAY, "", 0, section.add(btf.PTR, "", forward), long, 3)
    inner = section.add(btf.UNION, "", 8, section.name("inside"), pointer, 0, n=1)
    section.structure("unmap_desc", 40, ("first", array, 0), ("", inner, 192))
    section.function("unmap", long, pointer, forward)
    section.function("nothing", 0)
    found = Btf(section.blob())
    assert str(found.prototype("unmap")) == "long int (*)(const long int *, struct vma)"
    assert str(found.prototype("nothing")) == "void (*)(void)"
    assert found.prototype("inlined") is None
    assert found.fields("unmap_desc") == [("struct vma *[3]", "first", 0), ("union ", "", 192)]
    assert found.field_type("unmap_desc", "inside") == "const long int *"
    assert found.field_type("unmap_desc", "outside") is None
    assert found.struct_size("unmap_desc") == 40


def test_a_generation_is_told_by_parameters_and_fields() -> None:
    text = header(like_6_12(), "6.12")
    assert "#define HAS_unmap_vmas 7" in text
    assert "#define HAS_remove_vma 2" in text
    assert "#define HAS_PERCPU_RSS 1" in text
    assert "HAS_VMA_LIST" not in text
    assert "HAS_munlock_vma_pages_range" not in text
    assert "typedef void (*fn_exit_mmap)(struct mm_struct *);" in text
    assert not has_old_munlock(like_6_12())


def test_an_inlined_function_is_refused_by_name() -> None:
    with pytest.raises(CannotError, match=r"Linux 9\.9 has no function __oom_reap_task_mm of its own"):
        header(like_6_12(without="__oom_reap_task_mm"), "9.9")
    with pytest.raises(CannotError, match="neither unmap_page_range nor __zap_vma_range"):
        header(like_6_12(without="unmap_page_range"), "9.9")


def test_an_unknown_prototype_is_refused_with_both_spellings() -> None:
    with pytest.raises(CannotError, match=r"tlb_finish_mmu takes \(bool\), the module knows .*mmu_gather \*"):
        header(like_6_12(tlb_finish_mmu=("bool",)), "9.9")


@pytest.mark.parametrize("blob", [b"", b"\x7fELF" * 9, Section().blob()[:-1]])
def test_what_is_no_btf_is_refused(blob: bytes) -> None:
    with pytest.raises(CannotError, match="BTF"):
        Btf(blob)


def elf(section_name: bytes, content: bytes) -> bytes:
    """A 64-bit ELF file of two sections: the names, and one more."""
    names = b"\0" + section_name + b"\0"
    body = names + content
    sections = struct.pack("<IIQQQQ24x", 0, 3, 0, 0, 64, len(names))
    sections += struct.pack("<IIQQQQ24x", 1, 1, 0, 0, 64 + len(names), len(content))
    head = b"\x7fELF\x02\x01\x01" + bytes(9) + bytes(24) + struct.pack("<Q", 64 + len(body)) + bytes(4)
    head += struct.pack("<6H", 64, 56, 0, 64, 2, 0)
    return head + body + sections


def test_the_section_is_found_in_an_elf_file() -> None:
    assert btf_of_elf(elf(b".BTF", b"types"), "vmlinux") == b"types"
    with pytest.raises(CannotError, match=r"vmlinux has no \.BTF section"):
        btf_of_elf(elf(b".BTF_ids", b"types"), "vmlinux")
    with pytest.raises(CannotError, match="no 64-bit ELF"):
        btf_of_elf(b"MZ", "vmlinux")


def image_of(payload: bytes) -> bytes:
    """A bzImage with one sector of setup and this payload."""
    image = bytearray(1024) + payload
    image[0x1F1] = 1
    struct.pack_into("<2I", image, 0x248, 0, len(payload))
    return bytes(image)


def test_the_payload_of_an_image_is_unpacked() -> None:
    payload = lzma.compress(b"vmlinux") + struct.pack("<I", 7)
    assert vmlinux_of_image(image_of(payload), "vmlinuz") == b"vmlinux"
    with pytest.raises(CannotError, match="neither xz nor zstd"):
        vmlinux_of_image(image_of(b"\0" + payload), "vmlinuz")


@pytest.mark.skipif(shutil.which("zstd") is None, reason="zstd is not installed")
def test_the_vmlinux_in_a_zstd_image_is_unpacked() -> None:
    """As build tools make it: four bytes with the unpacked size follow the compressed stream."""
    inside = elf(b".BTF", Section().blob())
    packed = subprocess.run(["zstd", "-qc"], input=inside, capture_output=True, check=True).stdout
    assert vmlinux_of_image(image_of(packed + len(inside).to_bytes(4, "little")), "vmlinuz") == inside


def test_without_zstd_the_package_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CannotError, match="apt-get install zstd"):
        vmlinux_of_image(image_of(b"\x28\xb5\x2f\xfd" + bytes(64)), "vmlinuz")
