// SPDX-License-Identifier: MIT OR GPL-2.0
/* Munlock as it was up to v5.17, where it takes the lock of every page, and reap passes that only try to. */
#include "designs.h"

#ifdef HAS_munlock_vma_pages_range
#include <linux/pagemap.h>

#define CLEARED (~(VM_LOCKED | VM_LOCKONFAULT))
#define CLEARS_VM_LOCKED 1 /* bits of a pass's third argument, as machine/ops.py has them */
#define LOCKED_VMAS_ONLY 2
#define OURS_UNSTABLE 1
#define OURS_UNLOCKING (1UL << 40)

/* args: a flag that marks a VMA while it is munlocked (0: none), whether it goes afterwards; the third is a claim */
OP(unlock_range)
{
	struct walk walk;
	struct vm_area_struct *vma;

	for (vma = first_vma(&walk, run->mm, 1); vma; vma = next_vma(&walk)) {
		if (!(vma->vm_flags & VM_LOCKED) || vma->vm_flags & VM_PFNMAP)
			continue;
		vma->vm_flags |= row->args[0];
		p_munlock_vma_pages_range(vma, vma->vm_start, vma->vm_end); /* clears VM_LOCKED first */
		if (row->args[1])
			vma->vm_flags &= ~row->args[0];
	}
	return GO_ON;
}

/* Munlock the page at an address if its lock is free; *next becomes the address after it. False: it is contended. */
static bool try_munlock(struct vm_area_struct *vma, unsigned long address, unsigned long *next)
{
	struct page *page = p_follow_page(vma, address, FOLL_GET | FOLL_DUMP), *head;
	bool is_free = true;

	*next = address + PAGE_SIZE;
	if (IS_ERR_OR_NULL(page))
		return true;
	head = compound_head(page);
	*next = address + (compound_nr(head) - (page - head)) * PAGE_SIZE;
	if (PageMlocked(head)) {
		is_free = trylock_page(head);
		if (is_free) {
			p_munlock_vma_page(head);
			unlock_page(head);
		}
	}
	put_page(page);
	return is_free;
}

/* args: VM_* bits to skip, direction, how; contended pages stay */
OP(reap_pass_trylock_pages)
{
	struct walk walk;
	struct vm_area_struct *vma;
	bool tries;

	set_mm_flags(run->mm, OURS_UNSTABLE);
	for (vma = first_vma(&walk, run->mm, row->args[1]); vma; vma = next_vma(&walk)) {
		unsigned long from = vma->vm_start, at = from, next;

		if (!is_reapable(vma, row->args[0]))
			continue;
		tries = !(row->args[2] & LOCKED_VMAS_ONLY) || vma->vm_flags & VM_LOCKED;
		if (tries && row->args[2] & CLEARS_VM_LOCKED)
			vma->vm_flags &= CLEARED;
		for (; tries && at < vma->vm_end; at = next)
			if (!try_munlock(vma, at, &next)) {
				if (from < at)
					zap_for_reaping(vma, from, at);
				from = next;
				cond_resched();
			}
		if (from < vma->vm_end)
			zap_for_reaping(vma, from, vma->vm_end);
	}
	return GO_ON;
}

static bool try_munlock_vma(struct vm_area_struct *vma)
{
	unsigned long at = vma->vm_start, next;

	for (; at < vma->vm_end; at = next) {
		if (!try_munlock(vma, at, &next))
			return false;
		cond_resched();
	}
	return true;
}

/* args: VM_* bits to skip, direction, how; a VMA is left at its first contended page */
OP(reap_pass_trylock_vmas)
{
	unsigned long tried = row->args[2] & LOCKED_VMAS_ONLY ? VM_LOCKED : VM_LOCKED | OURS_UNLOCKING;
	struct walk walk;
	struct vm_area_struct *vma;
	bool tries;

	set_mm_flags(run->mm, OURS_UNSTABLE);
	for (vma = first_vma(&walk, run->mm, row->args[1]); vma; vma = next_vma(&walk)) {
		if (!is_reapable(vma, row->args[0]))
			continue;
		tries = vma->vm_flags & tried;
		if (tries && row->args[2] & CLEARS_VM_LOCKED)
			vma->vm_flags &= CLEARED;
		if (!tries || try_munlock_vma(vma))
			zap_for_reaping(vma, vma->vm_start, vma->vm_end);
	}
	return GO_ON;
}
#endif
