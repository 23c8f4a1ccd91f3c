// SPDX-License-Identifier: MIT OR GPL-2.0
/* The reap pass: what the OOM reaper, process_mrelease and a self-reaping exit_mmap do to the VMAs of an mm. */
#include "designs.h"

enum { OURS_UNSTABLE = 1 };

bool is_reapable(struct vm_area_struct *vma, long skip)
{
	return !(vma->vm_flags & skip) && (vma_is_anonymous(vma) || !(vma->vm_flags & VM_SHARED));
}

/* Zap a part of a VMA through a gather of its own. Mms with notifiers never get here. */
void zap_for_reaping(struct vm_area_struct *vma, unsigned long start, unsigned long end)
{
#ifdef HAS_zap_vma_for_reaping
	p_zap_vma_for_reaping(vma);
#else
	struct mmu_gather tlb;

#if HAS_tlb_gather_mmu == 4
	p_tlb_gather_mmu(&tlb, vma->vm_mm, start, end);
#else
	p_tlb_gather_mmu(&tlb, vma->vm_mm);
#endif
	p_unmap_page_range(&tlb, vma, start, end, NULL);
#if HAS_tlb_finish_mmu == 3
	p_tlb_finish_mmu(&tlb, start, end);
#else
	p_tlb_finish_mmu(&tlb);
#endif
#endif
}

/* args: VM_* bits to skip, direction, munlock batch (the kernel's own, ignored) */
OP(reap_pass)
{
	struct walk walk;
	struct vm_area_struct *vma;

	set_mm_flags(run->mm, OURS_UNSTABLE);
	for (vma = first_vma(&walk, run->mm, row->args[1]); vma; vma = next_vma(&walk))
		if (is_reapable(vma, row->args[0]))
			zap_for_reaping(vma, vma->vm_start, vma->vm_end);
	return GO_ON;
}
