"""The first process of a guest that runs designs: as guest.init, with the module loaded first.

The plan is /plan.json: {"programs": {name: {"text", "labels", "call"}}, "items": [{"kind", "victim", "n_reps",
"program"}]}, where a program is named, or "" for the kernel's own code; call: what its process_mrelease is.
"""

import gc
import json
import os
import time
import traceback

from mmbench.errors import CannotError
from mmbench.lab.guest import interpreter, system
from mmbench.lab.guest.designs import run_item
from mmbench.lab.guest.init import SETTLE_S

STOCK = {"text": "", "labels": [], "call": "process_mrelease"}


def main() -> None:
    """Load the module and run everything; whatever goes wrong is said, and the machine ends."""
    try:
        system.set_up()
        with open("/plan.json") as file:
            plan = json.load(file)
        interpreter.load_module()
        gc.collect()
        gc.freeze()  # a collection in a forked victim would copy pages, and time
        gc.disable()
        os.sched_setaffinity(0, {(os.cpu_count() or 1) - 1})
        time.sleep(SETTLE_S)
        system.say({"begin": len(plan["items"]), **system.identity()})
        for number, item in enumerate(plan["items"]):
            system.say({"at": number})
            program = plan["programs"].get(item["program"], STOCK)
            item |= {"program": program["text"], "labels": program["labels"], "call": program["call"]}
            system.say({"item": number, **run_item(item)})
        system.say({"done": len(plan["items"])})
    except CannotError as error:
        system.say({"failed": str(error)})
    except BaseException:
        system.say({"failed": traceback.format_exc()})
    finally:
        system.end()
