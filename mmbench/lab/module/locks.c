// SPDX-License-Identifier: MIT OR GPL-2.0
/* Ops of one atomic step: mmap_lock, flags of the mm, references, sleeps and jumps. */
#include "designs.h"
#include <linux/mmap_lock.h>
#include <linux/sched/coredump.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>

/* The numbers of mmbench's rows. */
enum { OURS_UNSTABLE = 1, OURS_OOM_SKIP = 2, OURS_OOM_VICTIM = 4 };

#ifdef HAS_mm_flags_t
#define set_mm_flag(mm, flag) mm_flags_set(flag, mm)
#define has_mm_flag(mm, flag) mm_flags_test(flag, mm)
#else
#define set_mm_flag(mm, flag) set_bit(flag, &(mm)->flags)
#define has_mm_flag(mm, flag) test_bit(flag, &(mm)->flags)
#endif

static bool is_oom_victim(struct mm_struct *mm)
{
#ifdef MMF_OOM_VICTIM
	return has_mm_flag(mm, MMF_OOM_VICTIM);
#else
	return current->signal->oom_mm == mm; /* since v6.0 only the process says so */
#endif
}

void set_mm_flags(struct mm_struct *mm, long flags)
{
	if (flags & OURS_UNSTABLE)
		set_mm_flag(mm, MMF_UNSTABLE);
	if (flags & OURS_OOM_SKIP)
		set_mm_flag(mm, MMF_OOM_SKIP);
}

bool has_mm_flags(struct mm_struct *mm, long flags)
{
	return (flags & OURS_UNSTABLE && has_mm_flag(mm, MMF_UNSTABLE)) ||
	       (flags & OURS_OOM_SKIP && has_mm_flag(mm, MMF_OOM_SKIP)) ||
	       (flags & OURS_OOM_VICTIM && is_oom_victim(mm));
}

OP(set_flag)
{
	set_mm_flags(run->mm, row->args[0]);
	return GO_ON;
}

OP(if_flag)
{
	return has_mm_flags(run->mm, row->args[0]) ? GO_ON : OTHERWISE;
}

OP(unless_flag)
{
	return has_mm_flags(run->mm, row->args[0]) ? OTHERWISE : GO_ON;
}

OP(op_mmap_read_lock)
{
	mmap_read_lock(run->mm);
	run->held = HELD_READ;
	return GO_ON;
}

OP(op_mmap_read_trylock)
{
	if (!mmap_read_trylock(run->mm))
		return OTHERWISE;
	run->held = HELD_READ;
	return GO_ON;
}

OP(op_mmap_read_unlock)
{
	run->held = HELD_NOTHING;
	mmap_read_unlock(run->mm);
	return GO_ON;
}

OP(op_mmap_write_lock)
{
	mmap_write_lock(run->mm);
	run->held = HELD_WRITE;
	return GO_ON;
}

OP(op_mmap_write_unlock)
{
	run->held = HELD_NOTHING;
	mmap_write_unlock(run->mm);
	return GO_ON;
}

OP(op_mmap_write_downgrade)
{
	mmap_write_downgrade(run->mm);
	run->held = HELD_READ;
	return GO_ON;
}

/* exit_mm, the last mmput and find_lock_task_mm happened before a program begins. */
OP(done_by_the_kernel)
{
	return GO_ON;
}

OP(mmget_unless_zero)
{
	run->pins_users = mmget_not_zero(run->mm);
	return run->pins_users ? GO_ON : OTHERWISE;
}

OP(op_mmput)
{
	run->pins_users = false;
	mmput(run->mm);
	return GO_ON;
}

OP(op_sleep)
{
	schedule_timeout_idle(max_t(long, 1, nsecs_to_jiffies(row->args[0] / 1000)));
	return GO_ON;
}

OP(retry)
{
	return ++run->attempts < row->args[0] ? GO_ON : OTHERWISE;
}

OP(go_to)
{
	return GO_ON;
}

/* What a role leaves mapped is in the log. */
OP(leave)
{
	return GO_ON;
}

OP(end)
{
	return THE_END;
}
