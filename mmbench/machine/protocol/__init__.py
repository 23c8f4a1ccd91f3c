"""How a design is written down: roles made of labelled steps, and the primitives that designs share.

A strategy file imports only this package and `mmbench.machine.ops`.
"""

from mmbench.machine.ops import CLEARS_VM_LOCKED, LOCKED_VMAS_ONLY, NO_LRU_BATCH, Op
from mmbench.machine.protocol.primitives import (
    HIGH_TO_LOW,
    LOW_TO_HIGH,
    OOM_REAPER_DELAY_PS,
    RETRIES,
    RETRY_SLEEP_PS,
    oom_reaper,
    process_mrelease,
    self_reap,
)
from mmbench.machine.protocol.steps import (
    DONE_LABEL,
    Param,
    Role,
    Step,
    Strategy,
    step,
)
from mmbench.model.flags import (
    MMF_OOM_SKIP,
    MMF_OOM_VICTIM,
    MMF_UNSTABLE,
    VM_HUGETLB,
    VM_LOCKED,
    VM_PFNMAP,
    VM_UNLOCKING,
    WHY_CONTENDED_PAGE,
    WHY_CONTENDED_VMA,
    WHY_GAVE_UP,
    WHY_HUGETLB,
    WHY_LOCKED,
    WHY_SHARED,
    WHY_SKIP_SET,
    WHY_UNLOCKING,
)

__all__ = [
    "CLEARS_VM_LOCKED",
    "DONE_LABEL",
    "HIGH_TO_LOW",
    "LOCKED_VMAS_ONLY",
    "LOW_TO_HIGH",
    "MMF_OOM_SKIP",
    "MMF_OOM_VICTIM",
    "MMF_UNSTABLE",
    "NO_LRU_BATCH",
    "OOM_REAPER_DELAY_PS",
    "RETRIES",
    "RETRY_SLEEP_PS",
    "VM_HUGETLB",
    "VM_LOCKED",
    "VM_PFNMAP",
    "VM_UNLOCKING",
    "WHY_CONTENDED_PAGE",
    "WHY_CONTENDED_VMA",
    "WHY_GAVE_UP",
    "WHY_HUGETLB",
    "WHY_LOCKED",
    "WHY_SHARED",
    "WHY_SKIP_SET",
    "WHY_UNLOCKING",
    "Op",
    "Param",
    "Role",
    "Step",
    "Strategy",
    "oom_reaper",
    "process_mrelease",
    "self_reap",
    "step",
]
