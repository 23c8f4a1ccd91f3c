// SPDX-License-Identifier: MIT OR GPL-2.0
/* exit_mmap and __oom_reap_task_mm of the target go through a program; of all other processes through the kernel. */
#include <linux/ftrace.h>
#include <linux/module.h>
#include "designs.h"

struct mm_struct *target;

/* Notifiers and an mm without VMAs are the business of the kernel's own code. */
static bool is_ours(struct mm_struct *mm)
{
	return mm == READ_ONCE(target) && program.n_rows && has_vmas(mm) && !mm_has_notifiers(mm);
}

static void exit_by_program(struct mm_struct *mm)
{
	struct walk walk;
	struct run run = { .mm = mm, .program = &program, .role = ROLE_EXIT, .has_vmas = true };

	if (!is_ours(mm)) {
		p_exit_mmap(mm);
		return;
	}
	run.first = first_vma(&walk, mm, 1);
	run_role(&run);
#ifndef HAS_VMA_LIST
	__mt_destroy(&mm->mm_mt); /* a design of the time of the list need not do it; twice does no harm */
#endif
}

static bool reap_by_program(struct mm_struct *mm)
{
	enum role_id role = current->flags & PF_KTHREAD ? ROLE_REAPER : ROLE_MRELEASE;
	struct run run = { .mm = mm, .program = &program, .role = role, .held = HELD_READ };

	if (!is_ours(mm) || program.starts[role] < 0)
		return p___oom_reap_task_mm(mm);
	return run_reap(&run);
}

struct hook {
	struct ftrace_ops ops;
	void **from;
	void *to;
	bool is_in;
};

#if defined(ftrace_regs_set_instruction_pointer) || defined(ftrace_instruction_pointer_set)
#ifdef ftrace_regs_set_instruction_pointer
#define set_ip ftrace_regs_set_instruction_pointer
#else
#define set_ip ftrace_instruction_pointer_set
#endif
static void notrace redirect(unsigned long ip, unsigned long parent, struct ftrace_ops *ops, struct ftrace_regs *regs)
#else
#define set_ip(regs, to) ((regs)->ip = (to))
static void notrace redirect(unsigned long ip, unsigned long parent, struct ftrace_ops *ops, struct pt_regs *regs)
#endif
{
	struct hook *hook = container_of(ops, struct hook, ops);

	if (!within_module(parent, THIS_MODULE)) /* our own calls mean the kernel's function */
		set_ip(regs, (unsigned long)hook->to);
}

#define HOOK(name, function)                                                                      \
	{                                                                                         \
		.ops = { .func = redirect, .flags = FTRACE_OPS_FL_SAVE_REGS | FTRACE_OPS_FL_IPMODIFY }, \
		.from = (void **)&p_##name, .to = function,                                       \
	}
static struct hook hooks[] = {
	HOOK(exit_mmap, exit_by_program),
	HOOK(__oom_reap_task_mm, reap_by_program),
};

int install_hooks(void)
{
	int i, error = 0;

	for (i = 0; i < ARRAY_SIZE(hooks) && !error; i++) {
		error = ftrace_set_filter_ip(&hooks[i].ops, (unsigned long)*hooks[i].from, 0, 0);
		if (!error)
			error = register_ftrace_function(&hooks[i].ops);
		hooks[i].is_in = !error;
	}
	if (error) {
		pr_err("mmbench: ftrace refuses %ps: %d; CONFIG_DYNAMIC_FTRACE with registers is needed\n",
		       *hooks[i - 1].from, error);
		remove_hooks();
	}
	return error;
}

void remove_hooks(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(hooks); i++)
		if (hooks[i].is_in)
			unregister_ftrace_function(&hooks[i].ops);
}
