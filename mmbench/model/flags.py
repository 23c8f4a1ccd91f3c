"""The bits and codes that designs are written in: flags of VMAs and of an mm, reasons; plain numbers without numpy.

Source of the VM_* values: include/linux/mm.h (v6.18); VM_UNLOCKING is ours, for the second flag of "option 2" (Suren
Baghdasaryan, linux-mm, 29 Dec 2021), which never got a value.
"""

from mmbench.words import PASSED_OVER

VM_SHARED = 0x0000_0008
VM_PFNMAP = 0x0000_0400
VM_LOCKED = 0x0000_2000
VM_LOCKONFAULT = 0x0008_0000
VM_HUGETLB = 0x0040_0000
VM_UNLOCKING = 1 << 40

MMF_UNSTABLE = 1
MMF_OOM_SKIP = 2
MMF_OOM_VICTIM = 4

WHY_NAMES = tuple(reason.key for reason in PASSED_OVER)
N_WHY = len(WHY_NAMES)
WHY_LOCKED, WHY_UNLOCKING, WHY_HUGETLB, WHY_SHARED = map(
    WHY_NAMES.index, ("vm_locked", "vm_unlocking", "vm_hugetlb", "shared_mapping")
)
WHY_CONTENDED_PAGE, WHY_CONTENDED_VMA, WHY_GAVE_UP, WHY_SKIP_SET = map(
    WHY_NAMES.index, ("contended_page", "contended_vma", "gave_up", "oom_skip_set")
)
