"""Who dies: victims made to measure, documented, recorded, or read from a live process.

victim(spec)            the victim that a user named: profile, recorded program, file or size
synthetic(size, ...)    a victim with given shares locked, huge, shared, resident
PROFILES                programs known to lock memory, each with its source
snapshot(pid)           the victim that a live process would be
read_victim, write_victim   the victim file, versioned and line-oriented
recorded_victims()      the victim files recorded from real programs that come with the package
parse_size, parse_share, format_size, format_share   sizes and shares as people write them
"""

from mmbench.victims.file_format import read_victim, write_victim
from mmbench.victims.lookup import recorded_victims, victim
from mmbench.victims.profiles import PROFILES, Profile
from mmbench.victims.sizes import format_share, format_size, parse_share, parse_size
from mmbench.victims.snapshot import snapshot
from mmbench.victims.synthetic import synthetic
from mmbench.victims.victim import Victim

__all__ = [
    "PROFILES",
    "Profile",
    "Victim",
    "format_share",
    "format_size",
    "parse_share",
    "parse_size",
    "read_victim",
    "recorded_victims",
    "snapshot",
    "synthetic",
    "victim",
    "write_victim",
]
