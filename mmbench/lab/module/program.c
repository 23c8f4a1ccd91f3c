// SPDX-License-Identifier: MIT OR GPL-2.0
/* A strategy file as rows, read from text, and the interpreter that runs a role of it. */
#include <linux/slab.h>
#include <linux/string.h>
#include "designs.h"
#include <linux/mmap_lock.h>

struct program program;

const struct op ops[] = {
	{ "REAP_PASS", reap_pass, true },
	{ "REAP_PASS_HANDOVER", reap_pass_handover, true },
#ifdef HAS_munlock_vma_pages_range
	{ "REAP_PASS_TRYLOCK_PAGES", reap_pass_trylock_pages, true },
	{ "REAP_PASS_TRYLOCK_VMAS", reap_pass_trylock_vmas, true },
	{ "UNLOCK_RANGE", unlock_range },
#endif
	{ "UNMAP_VMAS", op_unmap_vmas },
	{ "FREE_PGTABLES", op_free_pgtables },
	{ "TLB_GATHER_MMU", op_tlb_gather_mmu },
	{ "TLB_FINISH_MMU", op_tlb_finish_mmu },
	{ "REMOVE_VMAS", remove_vmas },
	{ "CLEAR_MMAP", clear_mmap },
	{ "MMAP_READ_LOCK", op_mmap_read_lock },
	{ "MMAP_READ_TRYLOCK", op_mmap_read_trylock },
	{ "MMAP_READ_UNLOCK", op_mmap_read_unlock },
	{ "MMAP_WRITE_LOCK", op_mmap_write_lock },
	{ "MMAP_WRITE_UNLOCK", op_mmap_write_unlock },
	{ "MMAP_WRITE_DOWNGRADE", op_mmap_write_downgrade },
	{ "SET_FLAG", set_flag },
	{ "IF_FLAG", if_flag },
	{ "UNLESS_FLAG", unless_flag },
	{ "EXIT_MM", done_by_the_kernel },
	{ "WAIT_LAST_USER", done_by_the_kernel },
	{ "FIND_MM", done_by_the_kernel },
	{ "MMGET_NOT_ZERO", mmget_unless_zero },
	{ "MMPUT", op_mmput },
	{ "SLEEP", op_sleep },
	{ "RETRY_SLEEP", op_sleep },
	{ "RETRY", retry },
	{ "LEAVE", leave },
	{ "GOTO", go_to },
	{ "END", end },
	{}
};

const char *const role_names[N_ROLES] = { "exit", "reaper", "mrelease" };

static const struct op *find_op(const char *name)
{
	const struct op *op;

	for (op = ops; op->name; op++)
		if (!strcmp(op->name, name))
			return op;
	pr_err("mmbench: op %s is not known to the module\n", name);
	return NULL;
}

static int load_row(struct program *to, const char *line)
{
	struct row *row = &to->rows[to->n_rows];
	const struct op *op;
	char name[32];

	if (to->n_rows == MAX_ROWS || sscanf(line, "row %31s %ld %ld %ld %d %d", name, &row->args[0], &row->args[1],
					     &row->args[2], &row->next, &row->otherwise) != 6)
		return -EINVAL;
	op = find_op(name);
	if (!op)
		return -EOPNOTSUPP;
	row->op = op->run;
	row->is_reap = op->is_reap;
	to->n_rows++;
	return 0;
}

static int load_line(struct program *to, const char *line)
{
	int role;

	if (sscanf(line, "name %95s", to->name) == 1)
		return 0;
	if (strncmp(line, "role ", 5))
		return load_row(to, line);
	for (role = 0; role < N_ROLES; role++)
		if (!strcmp(line + 5, role_names[role])) {
			to->starts[role] = to->n_rows;
			return 0;
		}
	return -EINVAL;
}

static bool leads_nowhere(const struct program *found)
{
	int i;

	for (i = 0; i < found->n_rows; i++)
		if (found->rows[i].op != end && (found->rows[i].next < 0 || found->rows[i].next >= found->n_rows ||
						 found->rows[i].otherwise < 0 || found->rows[i].otherwise >= found->n_rows))
			return true;
	return found->starts[ROLE_EXIT] < 0;
}

/* Replace the program; it may change only while nobody is in it: the experiment sees to that. Empty text unloads. */
int load_program(char *text)
{
	struct program *found = kzalloc(sizeof(*found), GFP_KERNEL);
	char *line;
	int error = 0, role;

	if (!found)
		return -ENOMEM;
	for (role = 0; role < N_ROLES; role++)
		found->starts[role] = -1;
	while (!error && (line = strsep(&text, "\n")))
		if (*line)
			error = load_line(found, line);
	if (!error && found->n_rows && leads_nowhere(found))
		error = -EINVAL;
	if (!error)
		program = *found;
	kfree(found);
	return error;
}

/* Take the step at a row; *at becomes the next one. */
static int take_step(struct run *run, int *at)
{
	const struct row *row = &run->program->rows[*at];
	int went;

	arrive(run->role, *at);
	log_step(run->mm, run->role, *at);
	went = row->op(run, row);
	*at = went == OTHERWISE ? row->otherwise : row->next;
	return went;
}

void run_role(struct run *run)
{
	int at = run->program->starts[run->role];

	while (take_step(run, &at) != THE_END)
		;
}

/* A pass that was handed over goes on by the steps that the design has for that, until one is whole or the role is left.
 * The kernel comes with mmap_lock and gives it back: a role that was left without it takes it again.
 */
bool run_reap(struct run *run)
{
	const struct row *rows = run->program->rows;
	int at = run->program->starts[run->role], went;

	while (!rows[at].is_reap && rows[at].op != end)
		at++;
	while (rows[at].op != end && rows[at].op != leave) {
		bool is_pass = rows[at].is_reap;

		went = take_step(run, &at);
		if (is_pass && went == GO_ON)
			break;
	}
	log_step(run->mm, run->role, at);
	if (run->held == HELD_NOTHING)
		mmap_read_lock(run->mm);
	return true;
}
