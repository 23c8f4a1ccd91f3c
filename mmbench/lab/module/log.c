// SPDX-License-Identifier: MIT OR GPL-2.0
/* The log: one entry per step of the target's teardown, whoever takes it. */
#include <linux/ktime.h>
#include <linux/percpu_counter.h>
#include <linux/seq_file.h>
#include "designs.h"

#define MAX_ENTRIES 4096

struct entry {
	u64 ns;
	int cpu, pid, role, row;
	long rss_pages; /* of the mm, exact */
	unsigned long freed_pages; /* PGFREE of this CPU */
	unsigned long free_pages;  /* in the zones: those on a CPU's list are not */
};

static struct entry entries[MAX_ENTRIES];
static atomic_t n_entries;
bool log_is_on;

static long counted(struct mm_struct *mm, int member)
{
#ifdef HAS_PERCPU_RSS
	return percpu_counter_sum(&mm->rss_stat[member]); /* the approximate value is hundreds of pages off */
#else
	return get_mm_counter(mm, member);
#endif
}

static long rss_pages(struct mm_struct *mm)
{
	return counted(mm, MM_ANONPAGES) + counted(mm, MM_FILEPAGES) + counted(mm, MM_SHMEMPAGES);
}

void log_step(struct mm_struct *mm, enum role_id role, int row)
{
	struct entry *entry;
	int at;

	if (!log_is_on)
		return;
	at = atomic_inc_return(&n_entries) - 1;
	if (at >= MAX_ENTRIES)
		return;
	entry = &entries[at];
	*entry = (struct entry){ .ns = ktime_get_ns(), .pid = current->pid, .role = role, .row = row };
	entry->rss_pages = rss_pages(mm);
	entry->cpu = get_cpu();
	entry->freed_pages = __this_cpu_read(vm_event_states.event[PGFREE]);
	put_cpu();
	entry->free_pages = global_zone_page_state(NR_FREE_PAGES);
}

void clear_log(void)
{
	atomic_set(&n_entries, 0);
}

static int log_show(struct seq_file *file, void *unused)
{
	int i, n = min(atomic_read(&n_entries), MAX_ENTRIES);

	for (i = 0; i < n; i++)
		seq_printf(file, "%llu %d %d %d %d %ld %lu %lu\n", entries[i].ns, entries[i].cpu, entries[i].pid,
			   entries[i].role, entries[i].row, entries[i].rss_pages, entries[i].freed_pages,
			   entries[i].free_pages);
	return 0;
}

int log_open(struct inode *inode, struct file *file)
{
	return single_open(file, log_show, NULL);
}
