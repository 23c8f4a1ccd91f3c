// SPDX-License-Identifier: MIT OR GPL-2.0
/* Others who meet the victim: a holder of a page lock, a reader or writer of its mm, a caller of process_mrelease.
 *
 * They act in the name of whoever writes the command, and hold what they hold until "release".
 */
#include <linux/pagemap.h>
#include "designs.h"
#include <linux/mmap_lock.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/timer.h>

static struct page *locked_page;
static struct mm_struct *held_mm;
static enum held how;
static bool pins_users;

static struct page *page_at(struct mm_struct *mm, unsigned long address)
{
	struct page *page;
	long n;

	mmap_read_lock(mm);
#if HAS_get_user_pages_remote == 7
	n = get_user_pages_remote(mm, address, 1, 0, &page, NULL, NULL);
#else
	n = get_user_pages_remote(mm, address, 1, 0, &page, NULL);
#endif
	mmap_read_unlock(mm);
	return n == 1 ? page : NULL;
}

/* The lock of the page at an address of a living process. */
static int hold_page(struct mm_struct *mm, unsigned long address)
{
	struct page *page = locked_page ? NULL : page_at(mm, address);

	if (!page)
		return -EFAULT;
	lock_page(page);
	locked_page = page;
	return 0;
}

/* mmap_lock, by somebody who has taken the mm_users that exit_mmap waits for, or only the struct. */
static int hold_mm(struct mm_struct *mm, enum held wanted, bool users)
{
	if (held_mm || (users && !mmget_not_zero(mm)))
		return -EBUSY;
	mmgrab(mm);
	if (wanted == HELD_WRITE)
		mmap_write_lock(mm);
	else
		mmap_read_lock(mm);
	held_mm = mm;
	how = wanted;
	pins_users = users;
	return 0;
}

static int release(void)
{
	if (locked_page) {
		unlock_page(locked_page);
		put_page(locked_page);
		locked_page = NULL;
	}
	if (held_mm) {
		struct mm_struct *mm = held_mm;

		held_mm = NULL;
		if (how == HELD_WRITE)
			mmap_write_unlock(mm);
		else
			mmap_read_unlock(mm);
		if (pins_users)
			mmput(mm); /* the last one runs exit_mmap here */
		mmdrop(mm);
	}
	return 0;
}

/* The role mrelease, whole, on the target, whose struct is pinned: a caller who took the mm long ago, or who finds it
 * when the victim has left exit_mm (a row FIND_MM with kept).
 */
static int call_mrelease(void)
{
	struct run run = { .mm = target, .program = &program, .role = ROLE_MRELEASE };

	if (!target || program.starts[ROLE_MRELEASE] < 0)
		return -ESRCH;
	run_role(&run);
	return 0;
}

/* Let the timer of a victim's reaper expire now: designs of the time before the delay. -EAGAIN: it is not armed. */
static int hurry(struct task_struct *task)
{
#ifdef HAS_REAPER_TIMER
	return mod_timer_pending(&task->oom_reaper_timer, jiffies) ? 0 : -EAGAIN;
#else
	return -EOPNOTSUPP;
#endif
}

/* SIGKILL and the role mrelease in one call. */
static int kill_and_reap(struct task_struct *task)
{
	send_sig(SIGKILL, task, 1);
	return call_mrelease();
}

static int with_task(const char *what, struct task_struct *task, unsigned long address)
{
	struct mm_struct *mm;
	int error = -EINVAL;

	if (!strcmp(what, "hurry"))
		return hurry(task);
	if (!strcmp(what, "reap-kill"))
		return kill_and_reap(task);
	mm = get_task_mm(task);
	if (!mm)
		return -ESRCH;
	if (!strcmp(what, "lock-page"))
		error = hold_page(mm, address);
	else if (!strcmp(what, "read-users"))
		error = hold_mm(mm, HELD_READ, true);
	else if (!strcmp(what, "read-count"))
		error = hold_mm(mm, HELD_READ, false);
	else if (!strcmp(what, "write-count"))
		error = hold_mm(mm, HELD_WRITE, false);
	mmput(mm);
	return error;
}

int command_bystander(char *text)
{
	struct task_struct *task;
	unsigned long address = 0;
	char what[16];
	int number = 0, error;

	if (sscanf(text, "%15s %d %lx", what, &number, &address) < 1)
		return -EINVAL;
	if (!strcmp(what, "release"))
		return release();
	if (!strcmp(what, "mrelease"))
		return call_mrelease();
	if (!strcmp(what, "go")) {
		go_everybody();
		return 0;
	}
	if (!strncmp(what, "stop-", 5))
		return stop_before(what + 5, number);
	rcu_read_lock();
	task = pid_task(find_vpid(number), PIDTYPE_PID);
	if (task)
		get_task_struct(task);
	rcu_read_unlock();
	if (!task)
		return -ESRCH;
	error = with_task(what, task, address);
	put_task_struct(task);
	return error;
}
