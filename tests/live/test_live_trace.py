"""Parsing of what the kernel prints: trace lines and log records, from 6.18 and 5.10."""

from pathlib import Path

from mmbench.live.kmsg import OomMessage, parse_record
from mmbench.live.tracefs import parse_trace

CANNED = Path(__file__).parent / "canned"


def _messages(name: str) -> list[OomMessage]:
    records = (CANNED / name).read_text().splitlines()
    return [message for message in map(parse_record, records) if message is not None]


def test_trace_of_a_held_oom_kill() -> None:
    events = parse_trace((CANNED / "trace_6.18.txt").read_text())
    assert len(events) == 23  # what the header of the file says
    by_name = {event.event: event for event in events}
    killed = by_name["mark_victim"]
    assert (killed.task, killed.pid, killed.cpu, killed.t_ns) == ("mmbench-trigger", 8320, 1, 3558_117_397_000)
    assert killed.fields["pid"] == "8319"
    assert killed.fields["file-rss"] == "4108kB"
    assert by_name["wake_reaper"].task == "kworker/1:2"
    reap_ns = by_name["finish_task_reaping"].t_ns - by_name["start_task_reaping"].t_ns
    assert reap_ns == 9_625_000
    assert by_name["mmap_lock_released"].fields == {"mm": "00000000dcfe430a", "memcg_id": "1", "write": "true"}
    assert [event.t_ns for event in events] == sorted(event.t_ns for event in events)


def test_trace_skips_headers_and_notes_of_lost_events() -> None:
    text = "# tracer: nop\nCPU:1 [LOST 37 EVENTS]\n          <idle>-0       [000] d.s.  12.5: wake_reaper: pid=7\n\n"
    (event,) = parse_trace(text)
    assert (event.task, event.pid, event.t_ns, event.fields) == ("<idle>", 0, 12_500_000_000, {"pid": "7"})


def test_trace_line_of_an_old_kernel_without_the_migrate_flag() -> None:
    (event,) = parse_trace("      oom_reaper-28    [000] ....    71.000123: start_task_reaping: pid=812\n")
    assert (event.event, event.t_ns, event.fields["pid"]) == ("start_task_reaping", 71_000_123_000, "812")


def test_log_of_a_contained_kill() -> None:
    killed, reaped = _messages("kmsg_6.18.txt")
    assert (killed.kind, killed.pid, killed.comm) == ("killed", 8319, "mmbench-victim")
    assert killed.sizes_kib["anon-rss"] == 73760
    assert (reaped.kind, reaped.sizes_kib["anon-rss"], reaped.log_us) == ("reaped", 8, 3560132767)


def test_log_of_an_old_kernel_with_an_odd_name_and_a_give_up() -> None:
    kinds = [(message.kind, message.pid, message.comm) for message in _messages("kmsg_5.10.txt")]
    assert kinds == [
        ("killed", 812, "a (b) c"),
        ("reaped", 812, "a (b) c"),
        ("unable", 813, "hog"),
        ("killed", 900, "java"),
    ]


def test_log_lines_that_are_no_records_say_nothing() -> None:
    assert parse_record(" SUBSYSTEM=x") is None
    assert parse_record("6,1,2,-;usb 1-1: new device") is None
    assert parse_record("") is None
