/* v4.14 by hand: munlock without a lock, the reaper beside it. Expected: the assertion in munlock fails (I5).
 * One unlocked VMA (1) and one locked VMA (2) of a page each. Nothing here is taken from the Python model. */
bool vm_locked = true, oom_skip = false, pg_locked = false;
bool mapped1 = true, mapped2 = true, tables = true;
byte readers = 0, writer = 0, zapping = 0, munlocking = 0, freed = 0, dead = 0;

active proctype exit_mmap() {
	atomic { vm_locked = false; munlocking = 2 }      /* munlock_vma_pages_range clears the flag first */
	atomic { assert(zapping != 2); !pg_locked }       /* follow_page; lock_page may sleep */
	munlocking = 0;
	atomic { if :: mapped1 -> mapped1 = false; freed++ :: else fi };
	atomic { if :: mapped2 -> mapped2 = false; freed++ :: else fi };
	oom_skip = true;
	atomic { readers == 0 && writer == 0; writer = 1 };
	writer = 0;                                       /* the barrier */
	atomic { assert(readers == 0 || zapping == 0); tables = false };
	dead = 1
}

active proctype oom_reaper() {
	atomic { writer == 0; readers++ };
	if
	:: oom_skip -> skip
	:: else ->
		zapping = 1;
		atomic { assert(tables); if :: mapped1 -> mapped1 = false; freed++ :: else fi };
		zapping = 0;
		if
		:: vm_locked -> skip
		:: else ->
			atomic { assert(munlocking != 2); zapping = 2 };
			atomic { assert(tables); if :: mapped2 -> mapped2 = false; freed++ :: else fi };
			zapping = 0
		fi
	fi;
	readers--;
	oom_skip = true
}

active proctype holder() {
	pg_locked = true;
	(freed == 2 || oom_skip);                         /* memory, or the killer's next victim */
	pg_locked = false
}
