// SPDX-License-Identifier: MIT OR GPL-2.0
/* Where each role is, and where it shall wait: a schedule is forced by stopping a role before a step. */
#include <linux/seq_file.h>
#include <linux/wait.h>
#include "designs.h"

static int where[N_ROLES] = { -1, -1, -1 }; /* the row that a role is at, or was last */
static int stops[N_ROLES] = { -1, -1, -1 }; /* the row before which it waits */
static DECLARE_WAIT_QUEUE_HEAD(told);

/* Uninterruptibly: a victim has a SIGKILL pending. */
void arrive(enum role_id role, int row)
{
	WRITE_ONCE(where[role], row);
	if (unlikely(READ_ONCE(stops[role]) == row))
		wait_event(told, READ_ONCE(stops[role]) != row);
}

int stop_before(const char *role, int row)
{
	int number = match_string(role_names, N_ROLES, role);

	if (number < 0)
		return number;
	WRITE_ONCE(stops[number], row);
	wake_up_all(&told); /* who stood before another row goes on to this one */
	return 0;
}

void go_everybody(void)
{
	int role;

	for (role = 0; role < N_ROLES; role++)
		WRITE_ONCE(stops[role], -1);
	wake_up_all(&told);
}

void forget_where(void)
{
	int role;

	for (role = 0; role < N_ROLES; role++)
		WRITE_ONCE(where[role], -1);
}

static int where_show(struct seq_file *file, void *unused)
{
	seq_printf(file, "%d %d %d\n", where[ROLE_EXIT], where[ROLE_REAPER], where[ROLE_MRELEASE]);
	return 0;
}

int where_open(struct inode *inode, struct file *file)
{
	return single_open(file, where_show, NULL);
}
