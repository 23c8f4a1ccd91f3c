// SPDX-License-Identifier: MIT OR GPL-2.0
/* Loading, and the files in /proc/mmbench through which a guest's first process speaks to the module. */
#include <linux/mmu_notifier.h>
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/sched/mm.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include "designs.h"

#define MAX_TEXT 16384

static struct proc_dir_entry *folder;

static int set_target(char *text)
{
	struct mm_struct *was = target;
	struct task_struct *task;
	struct pid *pid;
	int number;

	if (kstrtoint(strim(text), 10, &number))
		return -EINVAL;
	go_everybody();
	forget_where();
	WRITE_ONCE(target, NULL);
	if (was)
		mmdrop(was);
	if (!number)
		return 0;
	pid = find_get_pid(number);
	task = get_pid_task(pid, PIDTYPE_PID);
	put_pid(pid);
	if (!task)
		return -ESRCH;
	task_lock(task);
	if (task->mm) {
		mmgrab(task->mm);
		WRITE_ONCE(target, task->mm);
	}
	task_unlock(task);
	put_task_struct(task);
	return target ? 0 : -ESRCH;
}

static int set_log(char *text)
{
	clear_log();
	return kstrtobool(strim(text), &log_is_on);
}

static ssize_t take(const char __user *from, size_t n_bytes, int (*use)(char *text))
{
	char *text;
	int error;

	if (n_bytes > MAX_TEXT)
		return -E2BIG;
	text = memdup_user_nul(from, n_bytes);
	if (IS_ERR(text))
		return PTR_ERR(text);
	error = use(text);
	kfree(text);
	return error ? error : n_bytes;
}

#define WRITER(name, use) \
	static ssize_t name(struct file *file, const char __user *from, size_t n_bytes, loff_t *at)   \
	{                                                                                             \
		return take(from, n_bytes, use);                                                      \
	}
WRITER(write_program, load_program)
WRITER(write_target, set_target)
WRITER(write_log, set_log)
WRITER(write_bystander, command_bystander)

static const struct proc_ops program_ops = { .proc_write = write_program };
static const struct proc_ops target_ops = { .proc_write = write_target };
static const struct proc_ops bystander_ops = { .proc_write = write_bystander };
static const struct proc_ops where_ops = {
	.proc_open = where_open,
	.proc_read = seq_read,
	.proc_lseek = seq_lseek,
	.proc_release = single_release,
};
static const struct proc_ops log_ops = {
	.proc_open = log_open,
	.proc_read = seq_read,
	.proc_lseek = seq_lseek,
	.proc_release = single_release,
	.proc_write = write_log,
};

static int __init designs_init(void)
{
	int error = find_symbols();

	if (error)
		return error;
	folder = proc_mkdir("mmbench", NULL);
	if (!folder)
		return -ENOMEM;
	proc_create("program", 0600, folder, &program_ops);
	proc_create("target", 0600, folder, &target_ops);
	proc_create("log", 0600, folder, &log_ops);
	proc_create("where", 0400, folder, &where_ops);
	proc_create("bystander", 0600, folder, &bystander_ops);
	error = install_hooks();
	if (error)
		proc_remove(folder);
	return error;
}

module_init(designs_init); /* a guest ends with its module: there is no way to unload it */
MODULE_DESCRIPTION("runs designs of OOM teardown, row by row, in place of exit_mmap and the reap pass");
MODULE_LICENSE("Dual MIT/GPL");
