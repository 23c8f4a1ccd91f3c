/* v6.1 by hand: unmap under the read lock beside the reaper, MMF_OOM_SKIP, write lock for the tables; munlock needs no
 * page lock. Expected: no errors. Two VMAs of a page each. Nothing here is taken from the Python model. */
bool oom_skip = false, pg_locked = false;
bool mapped1 = true, mapped2 = true, tables = true, vmas = true;
byte readers = 0, writer = 0, freed = 0;

active proctype exit_mmap() {
	atomic { writer == 0; readers++ };
	atomic { if :: mapped1 -> mapped1 = false; freed++ :: else fi };
	atomic { if :: mapped2 -> mapped2 = false; freed++ :: else fi };
	readers--;
	oom_skip = true;
	atomic { readers == 0 && writer == 0; writer = 1 };
	atomic { assert(readers == 0); tables = false };
	vmas = false;
	writer = 0;
	assert(freed == 2)
}

active [2] proctype oom_reaper() {                        /* the reaper and a process_mrelease caller */
	atomic { writer == 0; readers++ };
	if
	:: oom_skip -> skip
	:: else ->
		atomic { assert(tables && vmas); if :: mapped1 -> mapped1 = false; freed++ :: else fi };
		atomic { assert(tables && vmas); if :: mapped2 -> mapped2 = false; freed++ :: else fi }
	fi;
	readers--;
	oom_skip = true
}

active proctype holder() {
	pg_locked = true;
	(freed == 2 || oom_skip);
	pg_locked = false
}
