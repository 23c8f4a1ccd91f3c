"""What a record says, in rows that a person can read: who freed which pages, in which order, and what it cost."""

from typing import Any

from mmbench.lab.record import experiments
from mmbench.live.workload import VictimConfig
from mmbench.records.lab_types import Experiment, LabRecord

Row = dict[str, Any]
LACKS = ("ENOSYS", "ENOTSUP")  # no process_mrelease; no O_TMPFILE on ramfs for file mappings


def truth_table(record: LabRecord) -> list[Row]:
    """Return a row per victim of the semantics set: pages [locked, rest] before, and after each party alone.

    A party that this kernel lacks has its errno; one that was not asked has None.
    """
    rows: dict[str, Row] = {}
    for entry in experiments(record, role="semantics"):
        if entry["kind"] == "order":
            continue
        name = str(VictimConfig.from_dict(dict(entry["victim"])))
        row = rows.setdefault(name, {"victim": name, "before": None, "reaper": None, "mrelease": None, "memcg": None})
        if "error" in entry:
            row[entry["kind"]] = entry["errno"] or entry["error"]
            continue
        row["before"] = row["before"] or entry["pages_before"]
        row[entry["kind"]] = entry["pages_after"]
    return list(rows.values())


def reap_order(record: LabRecord) -> str:
    """Say in which order the reaper visits VMAs: "up", "down" or "unseen".

    It tells by the quarter of the range that was seen shrunk or empty while the opposite one was still whole.
    """
    for entry in experiments(record, role="semantics", kind="order"):
        seen = entry.get("left_by_quarter", [])
        for counts in seen[1:]:
            lowest, highest = (counts[i] < seen[0][i] for i in (0, -1))
            if lowest != highest:
                return "up" if lowest else "down"
    return "unseen"


def least_ns(entry: Experiment) -> int | None:
    """Return the least of the repetitions' times; None when the experiment failed or has no time."""
    times = entry.get("ns")
    return min(times) if times else None


def per_page(record: LabRecord) -> list[Row]:
    """Return what exit and process_mrelease cost per page on plain victims of one VMA, in instructions.

    It is the slope from the smallest victim to the largest but one, so that base costs are off; the largest may
    overflow the per-CPU page lists, which costs more.
    """
    rows = []
    for kind in ("exit", "mrelease"):
        for share in (0.0, 1.0):
            points = _plain_points(record, kind, share)
            if len(points) >= 2:
                (few, less), (many, more) = points[0], points[-2] if len(points) > 2 else points[-1]
                rows.append({"what": kind, "locked": share == 1.0, "per_page": (more - less) / (many - few)})
    return rows


def _plain_points(record: LabRecord, kind: str, share: float) -> list[tuple[int, int]]:
    points = []
    for entry in experiments(record, role="calibration", kind=kind):
        victim, ns = VictimConfig.from_dict(dict(entry["victim"])), least_ns(entry)
        if ns is not None and (victim.n_vmas, victim.stride_pages, victim.locked_share) == (1, 1, share):
            points.append((victim.facts().n_pages, ns))
    return sorted(points)


def errors(record: LabRecord) -> list[Row]:
    """Return every experiment without a result but those that the kernel lacks something for."""
    return [
        {"kind": entry["kind"], "victim": str(VictimConfig.from_dict(dict(entry["victim"]))), "error": entry["error"]}
        for entry in experiments(record)
        if "error" in entry and entry["errno"] not in LACKS
    ]
