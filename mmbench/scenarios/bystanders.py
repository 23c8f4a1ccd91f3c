"""Protocols of those around the victim: page-lock holders, a writer of mmap_lock, the allocator.

They are steps like any strategy's, so the engine times them and the checker interleaves them.
"""

from mmbench.machine.protocol import Op, Role, step

JIFFY_PS = 4_000_000_000  # HZ=250

# Holds a page lock while its own allocation waits until pages have been freed: the thread's worry.
# Its allocation is an allocation like any other: it kills again once MMF_OOM_SKIP lets it.
HOLDER_UNTIL_FREED: Role = (
    step("lock_page", Op.LOCK_PAGE),
    step("allocate", Op.ALLOC, otherwise="out_of_memory", to="unlock_page"),
    step("out_of_memory", Op.OUT_OF_MEMORY, otherwise="sleep", to="allocate"),
    step("sleep", Op.ALLOC_SLEEP, ps=JIFFY_PS),
    step("retry", Op.GOTO, to="allocate"),
    step("unlock_page", Op.UNLOCK_PAGE),
)

# Holds a page lock for a given time.
HOLDER_TIMED: Role = (
    step("lock_page", Op.LOCK_PAGE),
    step("hold", Op.HOLD_FOR),
    step("unlock_page", Op.UNLOCK_PAGE),
)

# Stands in for the holders of all contended pages: one lock is let go after somebody has waited for it.
CROWD: Role = (
    step("hold a contended page", Op.AWAIT_PAGE_WAITER),
    step("unlock_page", Op.UNLOCK_PAGE),
    step("next", Op.GOTO, to="hold a contended page"),
)

# Holds mmap_lock for write, as khugepaged or a sibling thread may.
WRITER: Role = (
    step("mmap_write_lock", Op.MMAP_WRITE_LOCK),
    step("hold", Op.HOLD_FOR),
    step("mmap_write_unlock", Op.MMAP_WRITE_UNLOCK),
)

# The allocation that ran out of memory: retries every jiffy, and kills again once MMF_OOM_SKIP lets it.
ALLOCATOR: Role = (
    step("allocate", Op.ALLOC, otherwise="out_of_memory", to="done"),
    step("out_of_memory", Op.OUT_OF_MEMORY, otherwise="sleep", to="allocate"),
    step("sleep", Op.ALLOC_SLEEP, ps=JIFFY_PS),
    step("retry", Op.GOTO, to="allocate"),
)
