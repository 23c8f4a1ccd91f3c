/* v6.18 by hand, at the size of the checker's scope "default": four VMAs with a page, two mlocked pages, a mlocked huge
 * page and a page of shared memory; the victim, the reaper, a process_mrelease caller, the holder of a page lock and the
 * allocation that ran out of memory. One atomic sequence is one step, as in the checker. Nothing here is taken from its code.
 * Expected: no errors. Pages 0 | 1, 2 | 3 | 4, by VMA; the reapers pass the last one over. */
#define PAGES 5
#define FIRST(v) ((v) == 0 -> 0 : ((v) == 1 -> 1 : ((v) == 2 -> 3 : 4)))
#define END(v) ((v) == 0 -> 1 : ((v) == 1 -> 3 : ((v) == 2 -> 4 : 5)))

bool mapped[PAGES] = true;
bool oom_skip, unstable, mm_null, torn_down, wants_write, write_held, page_locked;
bool reading[3];                     /* exit, reaper, mrelease hold mmap_lock for reading */
byte inside[3];                      /* the VMA + 1 that a walk is inside of */
byte tables = 4, gathers, freed, extra, kills, users = 1;

#define NO_READERS (!reading[0] && !reading[1] && !reading[2])
#define MAY_READ (!write_held && !wants_write)

inline zap(me, page, held) {
	atomic { if :: mapped[page] -> mapped[page] = false; held++ :: else fi }
}

inline flush(me, held) {
	atomic { gathers--; inside[me] = 0 };
	atomic { freed = freed + held; held = 0 }
}

inline reap_pass(me, held) {
	atomic { unstable = true; vma = 3 };
	do
	:: atomic { vma > 0 -> assert(!torn_down && tables == 4); vma--; gathers++; inside[me] = vma + 1; page = FIRST(vma) };
		do
		:: page < END(vma) -> zap(me, page, held); page++
		:: else -> break
		od;
		flush(me, held)
	:: else -> break
	od
}

/* Go on when memory is there; else, when the victim is given up, kill another; else try again. */
#define ALLOCATE(need) \
	do \
	:: freed + extra >= need -> break \
	:: atomic { oom_skip && freed + extra < need && kills < 6 -> kills++; extra = extra + PAGES } \
	:: else \
	od

active proctype exit_mmap() {
	byte vma, page, held;
	atomic { mm_null = true; users-- };
	(users == 0);
	atomic { MAY_READ -> reading[0] = true };
	gathers++;
	do
	:: atomic { vma < 4 -> inside[0] = vma + 1; page = FIRST(vma) };
		do
		:: page < END(vma) -> zap(0, page, held); page++
		:: else -> break
		od;
		atomic { inside[0] = 0; vma++ }
	:: else -> break
	od;
	reading[0] = false;
	oom_skip = true;
	wants_write = true;
	atomic { NO_READERS -> write_held = true; wants_write = false };
	vma = 0;
	do
	:: atomic { vma < 4 -> assert(inside[1] == 0 && inside[2] == 0); tables--; vma++ }
	:: else -> break
	od;
	assert(gathers > 0);
	flush(0, held);
	torn_down = true;
	atomic { write_held = false };
	assert(tables == 0)
}

active proctype oom_reaper() {
	byte vma, page, held;
	if :: oom_skip -> goto done :: else fi;
again:
	if
	:: atomic { MAY_READ -> reading[1] = true }
	:: else ->
		if :: goto again :: goto done fi              /* the tenth attempt, or not */
	fi;
	if
	:: oom_skip -> skip
	:: else -> reap_pass(1, held)
	fi;
	reading[1] = false;
done:
	oom_skip = true
}

active proctype process_mrelease() {
	byte vma, page, held;
	if :: mm_null -> goto done :: else fi;
	if :: oom_skip -> goto done :: else fi;
	atomic { MAY_READ -> reading[2] = true };
	if
	:: oom_skip -> skip
	:: else -> reap_pass(2, held)
	fi;
	reading[2] = false;
done:
	skip
}

active proctype holder() {
	atomic { !page_locked -> page_locked = true };
	ALLOCATE(PAGES);
	page_locked = false
}

active proctype allocator() {
	ALLOCATE(1)
}
