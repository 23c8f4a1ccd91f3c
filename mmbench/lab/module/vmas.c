// SPDX-License-Identifier: MIT OR GPL-2.0
/* Walks over the VMAs of an mm: a list up to v6.0, a maple tree since v6.1. */
#include "designs.h"

#ifdef HAS_VMA_LIST
static struct vm_area_struct *last_vma(struct mm_struct *mm)
{
	struct vm_area_struct *vma = mm->mmap;

	while (vma && vma->vm_next)
		vma = vma->vm_next;
	return vma;
}

struct vm_area_struct *first_vma(struct walk *walk, struct mm_struct *mm, int direction)
{
	walk->direction = direction;
	walk->vma = direction < 0 ? last_vma(mm) : mm->mmap;
	return walk->vma;
}

struct vm_area_struct *next_vma(struct walk *walk)
{
	walk->vma = walk->direction < 0 ? walk->vma->vm_prev : walk->vma->vm_next;
	return walk->vma;
}

bool has_vmas(struct mm_struct *mm)
{
	return mm->mmap;
}
#else
static struct vm_area_struct *found(struct walk *walk)
{
	return walk->vma = xa_is_zero(walk->vma) ? NULL : walk->vma; /* a fork that ran out of memory leaves a zero */
}

struct vm_area_struct *next_vma(struct walk *walk)
{
	walk->vma = walk->direction < 0 ? mas_find_rev(&walk->mas, 0) : mas_find(&walk->mas, ULONG_MAX);
	return found(walk);
}

struct vm_area_struct *first_vma(struct walk *walk, struct mm_struct *mm, int direction)
{
	unsigned long from = direction < 0 ? ULONG_MAX : 0;
	MA_STATE(mas, &mm->mm_mt, from, from);

	walk->mas = mas;
	walk->direction = direction;
	return next_vma(walk);
}

bool has_vmas(struct mm_struct *mm)
{
	MA_STATE(mas, &mm->mm_mt, 0, 0);
	void *entry;

	rcu_read_lock();
	entry = mas_find(&mas, ULONG_MAX);
	rcu_read_unlock();
	return entry && !xa_is_zero(entry);
}
#endif
