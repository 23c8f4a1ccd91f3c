/* drop-oom-skip by hand: one write lock over the whole teardown, MMF_OOM_SKIP from the reaper only.
 * The reaper waits for the lock for ever here (its give-up left out). Expected: an invalid end state, the thread's
 * cycle. One unlocked VMA (1) and one locked VMA (2) of a page each. Nothing here is taken from the Python model. */
bool vm_locked = true, oom_skip = false, pg_locked = false;
bool mapped1 = true, mapped2 = true, tables = true;
byte readers = 0, writer = 0, zapping = 0, munlocking = 0, freed = 0;

active proctype exit_mmap() {
	atomic { readers == 0 && writer == 0; writer = 1 };
	atomic { vm_locked = false; munlocking = 2 };
	atomic { assert(zapping != 2); !pg_locked };      /* sleeps in lock_page, holding the write lock */
	munlocking = 0;
	atomic { if :: mapped1 -> mapped1 = false; freed++ :: else fi };
	atomic { if :: mapped2 -> mapped2 = false; freed++ :: else fi };
	atomic { assert(readers == 0); tables = false };
	writer = 0
}

active proctype oom_reaper() {
	atomic { writer == 0; readers++ };
	if
	:: oom_skip -> skip
	:: else ->
		zapping = 1;
		atomic { assert(tables || !mapped1); if :: mapped1 -> mapped1 = false; freed++ :: else fi };
		zapping = 0;
		if
		:: vm_locked -> skip
		:: else ->
			atomic { assert(munlocking != 2); zapping = 2 };
			atomic { assert(tables || !mapped2); if :: mapped2 -> mapped2 = false; freed++ :: else fi };
			zapping = 0
		fi
	fi;
	readers--;
	oom_skip = true
}

active proctype holder() {
	pg_locked = true;
	(freed == 2 || oom_skip);
	pg_locked = false
}
