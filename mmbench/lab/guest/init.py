"""The first process of the guest: set the machine up, let the boot settle, run the plan, reset.

The plan is /plan.json: a list of items {"kind", "victim", "n_reps"}. Each answer is one line on the serial port (see
system.say): {"item": its number, "reps": [what the experiment found, ...]}, or {"item", "error", "errno"}.
"""

import errno
import gc
import json
import os
import time
import traceback
from collections.abc import Callable
from typing import Any

from mmbench.errors import CannotError
from mmbench.lab.guest import system
from mmbench.lab.guest.experiments import KINDS
from mmbench.live.workload import VictimConfig

Answer = Callable[[dict[str, Any]], dict[str, Any]]
SETTLE_S = 6.0  # the first tests after boot cost twice as much: other init work goes on; idle time is skipped by QEMU


def main() -> None:
    """Run the plan on the last CPU, once the boot has settled."""
    run(answer, SETTLE_S, {(os.cpu_count() or 1) - 1})


def run(answer: Answer, settle_s: float, cpus: set[int]) -> None:
    """Run everything, on these CPUs; whatever goes wrong is said, and the machine ends."""
    try:
        system.set_up()
        with open("/plan.json") as file:
            plan = json.load(file)
        gc.collect()
        gc.freeze()  # a collection in a forked victim would copy pages, and time
        gc.disable()
        os.sched_setaffinity(0, cpus)  # victims inherit it; interrupts like the first CPU
        time.sleep(settle_s)
        system.say({"begin": len(plan), **system.identity()})
        for number, item in enumerate(plan):
            system.say({"item": number, **answer(item)})
        system.say({"done": len(plan)})
    except BaseException:
        system.say({"failed": traceback.format_exc()})
    finally:
        system.end()


def answer(item: dict[str, Any]) -> dict[str, Any]:
    """Run one item of the plan as often as it says; a call that this kernel lacks is an answer, too."""
    config = VictimConfig.from_dict(item["victim"])
    try:
        if config.kind == "file":  # the ramfs of 5.10 has no nameless files: an answer, too
            os.close(os.open("/var/tmp", os.O_TMPFILE | os.O_RDWR))
        return {"reps": [KINDS[item["kind"]](config) for _ in range(item["n_reps"])]}
    except (CannotError, OSError) as error:
        cause = error if isinstance(error, OSError) else error.__cause__
        code = cause.errno if isinstance(cause, OSError) else None
        return {"error": str(error), "errno": errno.errorcode.get(code, "") if code else ""}
