// SPDX-License-Identifier: MIT OR GPL-2.0
/* Ops of exit_mmap that take the mm apart, each by the kernel's own function, whatever this generation passes to it. */
#include <linux/file.h>
#include <linux/mempolicy.h>
#include <linux/mman.h>
#include <linux/percpu_counter.h>
#include "designs.h"

#if defined(HAS_unmap_desc)
static void describe(struct unmap_desc *all, struct run *run, struct ma_state *mas)
{
	*all = (struct unmap_desc){
		.mas = mas,
		.first = run->first,
		.pg_start = FIRST_USER_ADDRESS,
		.pg_end = USER_PGTABLES_CEILING,
		.vma_end = ULONG_MAX,
		.tree_end = ULONG_MAX,
		.tree_reset = run->first->vm_end,
		.mm_wr_locked = run->held == HELD_WRITE,
	};
}
#endif

OP(op_tlb_gather_mmu)
{
	p_ldt_arch_exit_mmap(run->mm);
#ifndef HAS_unmap_desc
	p_lru_add_drain(); /* gone from exit_mmap together with the older unmap_vmas */
#endif
#ifdef HAS_tlb_gather_mmu_fullmm
	p_tlb_gather_mmu_fullmm(&run->tlb, run->mm);
#else
	p_tlb_gather_mmu(&run->tlb, run->mm, 0, -1);
#endif
	run->has_gather = true;
	return GO_ON;
}

OP(op_tlb_finish_mmu)
{
#if HAS_tlb_finish_mmu == 3
	p_tlb_finish_mmu(&run->tlb, 0, -1);
#else
	p_tlb_finish_mmu(&run->tlb);
#endif
	run->has_gather = false;
	return GO_ON;
}

OP(op_unmap_vmas)
{
#ifndef HAS_VMA_LIST
	MA_STATE(mas __maybe_unused, &run->mm->mm_mt, run->first->vm_end, run->first->vm_end);
#endif
#if defined(HAS_unmap_desc)
	struct unmap_desc all;

	describe(&all, run, &mas);
	p_unmap_vmas(&run->tlb, &all);
#elif HAS_unmap_vmas == 7
	p_unmap_vmas(&run->tlb, &mas, run->first, 0, ULONG_MAX, ULONG_MAX, run->held == HELD_WRITE);
#elif HAS_unmap_vmas == 5
	p_unmap_vmas(&run->tlb, &run->mm->mm_mt, run->first, 0, ULONG_MAX);
#else
	p_unmap_vmas(&run->tlb, run->first, 0, ULONG_MAX);
#endif
	return GO_ON;
}

OP(op_free_pgtables)
{
#ifndef HAS_VMA_LIST
	MA_STATE(mas __maybe_unused, &run->mm->mm_mt, run->first->vm_end, run->first->vm_end);

	mt_clear_in_rcu(&run->mm->mm_mt);
#endif
#if defined(HAS_unmap_desc)
	struct unmap_desc all;

	describe(&all, run, &mas);
	p_free_pgtables(&run->tlb, &all);
#elif HAS_free_pgtables == 6
	p_free_pgtables(&run->tlb, &mas, run->first, FIRST_USER_ADDRESS, USER_PGTABLES_CEILING,
			run->held == HELD_WRITE);
#elif HAS_free_pgtables == 5
	p_free_pgtables(&run->tlb, &run->mm->mm_mt, run->first, FIRST_USER_ADDRESS, USER_PGTABLES_CEILING);
#else
	p_free_pgtables(&run->tlb, run->first, FIRST_USER_ADDRESS, USER_PGTABLES_CEILING);
#endif
	return GO_ON;
}

#if !defined(HAS_tear_down_vmas)
static void remove_one(struct vm_area_struct *vma)
{
#if defined(HAS_remove_vma) && HAS_remove_vma == 2
	p_remove_vma(vma, true);
#elif defined(HAS_remove_vma)
	p_remove_vma(vma);
#else /* inlined: what it does, by hand */
	if (vma->vm_ops && vma->vm_ops->close)
		vma->vm_ops->close(vma);
	if (vma->vm_file)
		fput(vma->vm_file);
#ifdef CONFIG_NUMA
	if (vma->vm_policy && atomic_dec_and_test(&vma->vm_policy->refcnt))
		p___mpol_put(vma->vm_policy);
#endif
	p_vm_area_free(vma);
#endif
}

static unsigned long remove_all(struct run *run)
{
	struct walk walk;
	struct vm_area_struct *vma = first_vma(&walk, run->mm, 1);
	unsigned long accounted = 0;

	while (vma) {
		struct vm_area_struct *gone = vma;

		if (vma->vm_flags & VM_ACCOUNT)
			accounted += vma_pages(vma);
		vma = next_vma(&walk);
		remove_one(gone);
		cond_resched();
	}
	return accounted;
}
#else
static unsigned long remove_all(struct run *run)
{
	VMA_ITERATOR(vmi, run->mm, run->first->vm_end);

	return p_tear_down_vmas(run->mm, &vmi, run->first, ULONG_MAX);
}
#endif

OP(remove_vmas)
{
	unsigned long accounted = remove_all(run);

	percpu_counter_add_batch(p_vm_committed_as, -(s64)accounted, *p_vm_committed_as_batch);
	run->has_vmas = false;
	return GO_ON;
}

OP(clear_mmap)
{
#ifdef HAS_VMA_LIST
	run->mm->mmap = NULL;
#else
	__mt_destroy(&run->mm->mm_mt);
#endif
	return GO_ON;
}
