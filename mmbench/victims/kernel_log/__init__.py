"""Logs of OOM kills: read once, kept as a record of victims, kills and observed reaps.

read.read_log(path)     the record of a log (dmesg, journalctl, syslog, logcat, ftrace), and lines that were not read;
                        its patterns take longer to compile than a run takes, so that only an import imports it
read_kills, write_kills the record on disk (*.kills.json)
kill_victim(spec, ...)  the victim of one kill of a record, to run strategies on
gaps_us, sizes_pages    what a study of many kills takes: gaps between kills, resident sizes
"""

from mmbench.victims.kernel_log.record import FORMAT, SUFFIX, read_kills, validate_kills, write_kills
from mmbench.victims.kernel_log.study import gaps_us, sizes_pages
from mmbench.victims.kernel_log.victim import kill_victim, names_kills

__all__ = [
    "FORMAT",
    "SUFFIX",
    "gaps_us",
    "kill_victim",
    "names_kills",
    "read_kills",
    "sizes_pages",
    "validate_kills",
    "write_kills",
]
