"""The allocation that ran out of memory: retries every jiffy, and kills again once MMF_OOM_SKIP lets it.

Source: out_of_memory, oom_evaluate_task and mem_cgroup_scan_tasks (v5.10 to v7.3). A memory cgroup's killer looks for
the victim among the tasks of the cgroup, and does not find one that is gone from there: up to 6.18 a task that has left
the cgroup, which is after exit_mm; from 7.0 on (and in late 6.19) every task that has begun to exit, since
css_task_iter hides those (a72f73c4dd9b; measured: docs/answers/memcg-exiting-victim.md).
"""

from mmbench.scenarios.bystander import MAX_COUNT, Bystander, Option, allocation

BYSTANDER = Bystander(
    key="allocator",
    what="the allocation that ran out of memory, with the OOM killer's rule",
    steps=lambda values: allocation(values, then="done"),
    options=(
        Option(
            "need_pages", "pages", 4096, 1, MAX_COUNT, "the allocation that ran out of memory needs so much",
            old=True,
        ),
        Option(
            "killer_blind", "", 0, 0, 2,
            "the OOM killer no longer sees the victim: 0 never (global), 1 once it has left its memory cgroup (up to "
            "6.18), 2 once it exits (a memory cgroup's, 7.0 and later)",
        ),
        Option(
            "need_by_page", "", 0, 0, 1,
            "1: it needs its pages one by one, as a written file does, and calls the OOM killer only when none came "
            "back since it asked last",
        ),
        Option(
            "next_victim_pages", "pages", 0, 0, MAX_COUNT,
            "pages that each further victim gives back (0: all that anybody needs, so one is enough)",
        ),
    ),
    when="oom_victim",
    needs="need_pages",
    share_of_victim=4,
    variants={"allocator": {}, "blind-allocator": {"killer_blind": 2}},
    rank=50,
)  # fmt: skip
