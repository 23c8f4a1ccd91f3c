"""Twin of the world builder: which model pages of a victim are present, one by one."""

from __future__ import annotations

from mmbench.model.layout import VM_LOCKED, VmaTable


def model_pages(vmas: VmaTable) -> list[range]:
    """Model page numbers of each VMA: tables that some VMA touches, numbered in order of address."""
    touched = sorted({p >> 9 for s, n in zip(vmas.start, vmas.pages, strict=True) for p in range(s, s + n)})
    number = {table: k for k, table in enumerate(touched)}
    firsts = [number[int(s) >> 9] * 512 + int(s) % 512 for s in vmas.start]
    return [range(first, first + int(n)) for first, n in zip(firsts, vmas.pages, strict=True)]


def spread(pages: range, n: int) -> set[int]:
    """n of the pages, as evenly as integers allow."""
    return {pages[k * len(pages) // n] for k in range(n)}


def present_and_mlocked(vmas: VmaTable) -> tuple[set[int], set[int]]:
    """The present pages of a victim, and those of them that are mlocked."""
    present: set[int] = set()
    mlocked: set[int] = set()
    for v, pages in enumerate(model_pages(vmas)):
        if v in vmas.runs:
            here = {pages[k] for low, high in vmas.runs[v] for k in range(low, high)}
        else:
            huge_first = -(-pages.start // 512) * 512 if vmas.huge[v] else pages.start
            huge = range(huge_first, huge_first + int(vmas.huge[v]) * 512)
            head, tail = range(pages.start, huge.start), range(huge.stop, pages.stop)
            rest = int(vmas.resident[v]) - len(huge)
            room = len(head) + len(tail)
            in_head = rest * len(head) // room if room else 0
            here = set(huge) | spread(head, in_head) | spread(tail, rest - in_head)
        present |= here
        if vmas.flags[v] & VM_LOCKED:
            mlocked |= here
    return present, mlocked
