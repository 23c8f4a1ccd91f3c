// SPDX-License-Identifier: MIT OR GPL-2.0
/* The kernel's functions that it exports to no module, by their names: kallsyms_lookup_name, which a kprobe finds. */
#include <linux/kprobes.h>
#include <linux/percpu_counter.h>
#include "designs.h"

#define DEFINE(name) fn_##name p_##name;
KERNEL_FUNCTIONS(DEFINE)
#undef DEFINE
struct percpu_counter *p_vm_committed_as;
s32 *p_vm_committed_as_batch;

typedef unsigned long (*lookup_fn)(const char *name);

static lookup_fn find_lookup(void)
{
	struct kprobe probe = { .symbol_name = "kallsyms_lookup_name" };
	lookup_fn found;

	if (register_kprobe(&probe) < 0)
		return NULL;
	found = (lookup_fn)probe.addr;
	unregister_kprobe(&probe);
	return found;
}

static unsigned long look_up(lookup_fn lookup, const char *name)
{
	unsigned long found = lookup(name);

	if (!found)
		pr_err("mmbench: this kernel has no symbol %s\n", name);
	return found;
}

int find_symbols(void)
{
	lookup_fn lookup = find_lookup();
	bool all = true;

	if (!lookup) {
		pr_err("mmbench: no kprobe on kallsyms_lookup_name: CONFIG_KPROBES or CONFIG_KALLSYMS is missing\n");
		return -ENOENT;
	}
#define FIND(name) all &= !!(p_##name = (fn_##name)look_up(lookup, #name));
	KERNEL_FUNCTIONS(FIND)
#undef FIND
	all &= !!(p_vm_committed_as = (void *)look_up(lookup, "vm_committed_as"));
	all &= !!(p_vm_committed_as_batch = (void *)look_up(lookup, "vm_committed_as_batch"));
	return all ? 0 : -ENOENT;
}
