/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* What the parts of the module share: rows of a program, a run of one role, and the kernel's private functions. */
#ifndef MMBENCH_DESIGNS_H
#define MMBENCH_DESIGNS_H

#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/types.h>

void flush_tlb_mm_range(struct mm_struct *mm, unsigned long start, unsigned long end, unsigned int stride_shift,
			bool freed_tables); /* asm/tlb.h names it, and only the kernel's own files see its prototype */
#include <asm/tlb.h>

#include "generation.h" /* written from the kernel's BTF: HAS_*, fn_* and private structs */

/* symbols.c: every function of KERNEL_FUNCTIONS as p_NAME */
#define DECLARE(name) extern fn_##name p_##name;
KERNEL_FUNCTIONS(DECLARE)
#undef DECLARE
extern struct percpu_counter *p_vm_committed_as;
extern s32 *p_vm_committed_as_batch;
int find_symbols(void);

/* program.c */
#define MAX_ROWS 128
enum role_id { ROLE_EXIT, ROLE_REAPER, ROLE_MRELEASE, N_ROLES };
extern const char *const role_names[N_ROLES];
enum { GO_ON, OTHERWISE, THE_END };

struct run;
struct row;
typedef int (*op_fn)(struct run *run, const struct row *row);

struct row {
	op_fn op;
	bool is_reap;
	long args[3];
	int next, otherwise;
};

struct program {
	char name[96];
	int n_rows;
	int starts[N_ROLES]; /* -1: the program has no such role */
	struct row rows[MAX_ROWS];
};

enum held { HELD_NOTHING, HELD_READ, HELD_WRITE };

/* One task that goes through the rows of one role. */
struct run {
	struct mm_struct *mm;
	const struct program *program;
	enum role_id role;
	enum held held;	 /* how this task holds mmap_lock */
	bool has_gather; /* tlb is open */
	bool has_vmas;	 /* exit only: VMAs are not yet removed */
	bool pins_users;
	int attempts;
	struct mmu_gather tlb;
	struct vm_area_struct *first;
};

extern struct program program;
extern const struct op {
	const char *name;
	op_fn run;
	bool is_reap;
} ops[];
int load_program(char *text);
void run_role(struct run *run);
bool run_reap(struct run *run); /* the reap pass of the role: the kernel's own code does the rest */

/* vmas.c */
struct walk {
#ifndef HAS_VMA_LIST
	struct ma_state mas;
#endif
	struct vm_area_struct *vma;
	int direction;
};
struct vm_area_struct *first_vma(struct walk *walk, struct mm_struct *mm, int direction);
struct vm_area_struct *next_vma(struct walk *walk);
bool has_vmas(struct mm_struct *mm);

/* locks.c */
void set_mm_flags(struct mm_struct *mm, long flags);
bool has_mm_flags(struct mm_struct *mm, long flags);

/* reap.c */
void zap_for_reaping(struct vm_area_struct *vma, unsigned long start, unsigned long end);
bool is_reapable(struct vm_area_struct *vma, long skip);

/* log.c */
void log_step(struct mm_struct *mm, enum role_id role, int row);
int log_open(struct inode *inode, struct file *file);
void clear_log(void);
extern bool log_is_on;

/* stops.c */
void arrive(enum role_id role, int row);
int stop_before(const char *role, int row); /* a role by its name */
void go_everybody(void);
void forget_where(void);
int where_open(struct inode *inode, struct file *file);

/* hooks.c */
extern struct mm_struct *target; /* the only mm whose teardown is a program; others run the kernel's own code */
int install_hooks(void);
void remove_hooks(void);

/* bystanders.c */
int command_bystander(char *text);

/* one function per op: exit.c, locks.c, reap.c, munlock.c */
#define OP(name) int name(struct run *run, const struct row *row)
OP(reap_pass);
OP(reap_pass_handover);
OP(reap_pass_trylock_pages);
OP(reap_pass_trylock_vmas);
OP(op_unmap_vmas);
OP(unlock_range);
OP(op_free_pgtables);
OP(op_tlb_gather_mmu);
OP(op_tlb_finish_mmu);
OP(remove_vmas);
OP(clear_mmap);
OP(op_mmap_read_lock);
OP(op_mmap_read_trylock);
OP(op_mmap_read_unlock);
OP(op_mmap_write_lock);
OP(op_mmap_write_unlock);
OP(op_mmap_write_downgrade);
OP(set_flag);
OP(if_flag);
OP(unless_flag);
OP(done_by_the_kernel);
OP(mmget_unless_zero);
OP(op_mmput);
OP(op_sleep);
OP(retry);
OP(go_to);
OP(leave);
OP(end);

#endif
