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
	struct mmu_gather tlb;

#ifdef HAS_zap_vma_for_reaping
	if (start == vma->vm_start && end == vma->vm_end) {
		p_zap_vma_for_reaping(vma);
		return;
	}
#endif

#if HAS_tlb_gather_mmu == 4
	p_tlb_gather_mmu(&tlb, vma->vm_mm, start, end);
#else
	p_tlb_gather_mmu(&tlb, vma->vm_mm);
#endif
#ifdef HAS_unmap_page_range
	p_unmap_page_range(&tlb, vma, start, end, NULL);
#else
	p___zap_vma_range(&tlb, vma, start, end, NULL);
#endif
#if HAS_tlb_finish_mmu == 3
	p_tlb_finish_mmu(&tlb, start, end);
#else
	p_tlb_finish_mmu(&tlb);
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

/* args: VM_* bits to skip, direction, pages of a chunk; chunks from the top of a VMA, until somebody waits for mmap_lock */
OP(reap_pass_handover)
{
	unsigned long bytes = row->args[2] << PAGE_SHIFT;
	struct walk walk;
	struct vm_area_struct *vma;

	set_mm_flags(run->mm, OURS_UNSTABLE);
	for (vma = first_vma(&walk, run->mm, row->args[1]); vma; vma = next_vma(&walk)) {
		unsigned long end = vma->vm_end;

		while (is_reapable(vma, row->args[0]) && end > vma->vm_start) {
			unsigned long start = max(vma->vm_start, (end - 1) & ~(bytes - 1));

			zap_for_reaping(vma, start, end);
			if (rwsem_is_contended(&run->mm->mmap_lock))
				return OTHERWISE;
			end = start;
		}
	}
	return GO_ON;
}
