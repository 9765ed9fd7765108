/* SPDX-License-Identifier: MIT */
/*
 * plugin/mallow-cc.h -- the compiler plugin's common header
 *
 * Job      Names the passes and the helpers that they share.
 * How      Three moments of clang's pipeline:
 *            early     before anything else: types, markers (early.c)
 *            peephole  after each instcombine: markers on the own stack go
 *            late      at the very end: markers become barriers, calls get
 *                      their checks, loops their polls (late.c)
 *          A *marker* is a call to an undefined function `mwi_mark_...` that
 *          stands for one store (or copy, or atomic operation) and performs
 *          it, so that the optimiser can neither separate the store from its
 *          barrier nor turn a copied pointer into a copied integer.
 * Threads  One module at a time; `struct mwcc` is made for each run.  No
 *          global state but the options, which are read once.
 * Next     docs/design/compiler.md; src/base/abi.h for what is emitted.
 */
#ifndef MWCC_H
#define MWCC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <llvm-c/Core.h>
#include <llvm-c/DebugInfo.h>
#include <llvm-c/Target.h>
#include "llvm_compat.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- A map from pointers to integers (map.c) ---------------------------- */

struct mwcc_map {
  const void **keys; /* NULL: free */
  uintptr_t *vals;
  size_t cap, count; /* cap is 0 or a power of two */
};
void mwcc_map_fini(struct mwcc_map *m);
void mwcc_map_clear(struct mwcc_map *m);
void mwcc_map_put(struct mwcc_map *m, const void *key, uintptr_t val);
bool mwcc_map_get(const struct mwcc_map *m, const void *key, uintptr_t *val);

/* A growing array of values. */
struct mwcc_vec {
  void **at;
  size_t len, cap;
};
void mwcc_vec_push(struct mwcc_vec *v, void *x);
void mwcc_vec_fini(struct mwcc_vec *v);

/* ---- Options (options.c): MALLOW_CC in the environment ------------------ */

struct mwcc_options {
  bool warn_tls;       /* tls / no-tls: warn of thread-locals in instrumented code */
  bool polls;          /* polls / no-polls: for measuring only */
  bool barriers;       /* barriers / no-barriers: for measuring only */
  bool fast_alloc;     /* fast-alloc / no-fast-alloc: inline allocation */
  bool escape;         /* escape / no-escape: escape analysis */
  bool coarse;         /* coarse: analyse as what is too large for an exact analysis [EA4] */
  bool warn_escape;    /* warn-escape / no-warn-escape: of what it must leave alone */
  bool report;         /* report: print decisions (-m) */
  bool report_flow;    /* report-flow: and why (-m=2) */
  bool remarks;        /* remarks: hand them to clang as remarks */
  bool emit_summaries; /* summaries: write the section .mallow.summaries */
  bool decide;         /* decide: variables' places may be decided when linking */
  bool gc_malloc;      /* gc-malloc: malloc's family is the collector's */
  bool step_1, step_2, step_4; /* step-N: with gc-malloc, pointers lie at multiples of N */
  bool debug_lines;            /* debug-lines: of debug information the user wants the lines only */
  const char *summaries;       /* MALLOW_SUMMARIES: files to read them from, ':' between */
};
const struct mwcc_options *mwcc_options(void);

/* ---- One run over a module (context.c) ----------------------------------- */

enum mwcc_marker {
  MWCC_NOT_A_MARKER = -1,
  MWCC_STORE,        /* void (p, v) */
  MWCC_VSTORE,       /* the same, volatile */
  MWCC_MEMCPY,       /* void (dst, src, n) */
  MWCC_VMEMCPY,      /* the same, volatile */
  MWCC_MEMMOVE,      /* void (dst, src, n) */
  MWCC_VMEMMOVE,     /* the same, volatile */
  MWCC_MEMSET,       /* void (dst, byte, n) */
  MWCC_VMEMSET,      /* the same, volatile */
  MWCC_MEMCPY_CHK,   /* void (dst, src, n, room) */
  MWCC_MEMMOVE_CHK,  /* void (dst, src, n, room) */
  MWCC_MEMSET_CHK,   /* void (dst, byte, n, room) */
  MWCC_SCALAR_I8,    /* void (p, v, is_volatile): a number into a union */
  MWCC_SCALAR_I16,   /* the same */
  MWCC_SCALAR_I32,   /* the same */
  MWCC_SCALAR_I64,   /* the same */
  MWCC_SCALAR_F32,   /* the same */
  MWCC_SCALAR_F64,   /* the same */
  MWCC_ASTORE,       /* void (p, v, order) */
  MWCC_ASTORE_I64,   /* the same for i64 */
  MWCC_ASTORE_I128,  /* the same for i128 */
  MWCC_XCHG,         /* ptr (p, v, order) */
  MWCC_XCHG_I64,     /* i64 (p, v, order) */
  MWCC_XCHG_I128,    /* i128 (p, v, order) */
  MWCC_CMPXCHG,      /* {ptr, i1} (p, expected, desired, order) */
  MWCC_CMPXCHG_I64,  /* {i64, i1} (p, expected, desired, order) */
  MWCC_CMPXCHG_I128, /* {i128, i1} (p, expected, desired, order) */
  MWCC_NMARKERS
};

/* What a marker stands for; the last three are atomic. */
enum mwcc_does {
  MWCC_NOTHING, /* no marker */
  MWCC_STORES,  /* a pointer */
  MWCC_STORES_NUMBER,
  MWCC_COPIES, /* memory with pointers */
  MWCC_SETS,   /* such memory to a byte's value */
  MWCC_STORES_ATOMIC,
  MWCC_EXCHANGES,
  MWCC_COMPARES
};

struct mwcc {
  LLVMModuleRef mod;
  LLVMContextRef ctx;
  LLVMTargetDataRef td;
  LLVMBuilderRef b;
  LLVMTypeRef t_void, t_ptr, t_i1, t_i8, t_i32, t_i64, t_i128;
  LLVMTypeRef t_layout;
  unsigned md_tbaa, md_tbaa_struct, md_prof, md_guarded;
  unsigned md_scope, md_noalias;
  bool optimised;                        /* early: code is */
  bool tracks_vars;                      /* early: assignments are followed, for the debugger */
  bool has_tbaa;                         /* early: clang has given accesses their types */
  unsigned step;                         /* late: pointers are stored at multiples of it; 0: of 8 */
  LLVMValueRef marker_fn[MWCC_NMARKERS]; /* NULL: not declared in this module */
  struct mwcc_map captured;              /* alloca -> bool, for the current function */
  struct mwcc_map layouts;               /* type -> layout global */
  struct mwcc_map masks;                 /* constant -> global that holds it */
};

void mwcc_init(struct mwcc *c, LLVMModuleRef mod);
void mwcc_fini(struct mwcc *c);

/* ---- Markers (marker.c) ---------------------------------------------------- */

/* Which of them the module has. */
void mwcc_markers_find(struct mwcc *c);
enum mwcc_does mwcc_does(enum mwcc_marker kind);
/* The marker's declaration, made when missing. */
LLVMValueRef mwcc_marker_decl(struct mwcc *c, enum mwcc_marker kind);
LLVMTypeRef mwcc_marker_type(struct mwcc *c, enum mwcc_marker kind);
/* Which marker does this instruction call? */
enum mwcc_marker mwcc_marker_of(const struct mwcc *c, LLVMValueRef inst);

/* ---- Declarations (context.c) ---------------------------------------------- */

/* A function of the runtime, declared when missing. */
LLVMValueRef mwcc_runtime_fn(struct mwcc *c, const char *name, LLVMTypeRef type);
/* Attributes by name; index as LLVMAddAttributeAtIndex. */
void mwcc_fn_attr(struct mwcc *c, LLVMValueRef fn, unsigned index, const char *name,
                  uint64_t value);
void mwcc_fn_attr_str(struct mwcc *c, LLVMValueRef fn, const char *name, const char *value);
/* f is compiled for the processor that `like` is compiled for. */
void mwcc_same_target(LLVMValueRef f, LLVMValueRef like);
void mwcc_call_attr(struct mwcc *c, LLVMValueRef call, unsigned index, const char *name,
                    uint64_t value);
bool mwcc_call_has_attr(LLVMValueRef call, unsigned index, const char *name);
bool mwcc_fn_has_attr(LLVMValueRef fn, unsigned index, const char *name);
/* The call, or the function f (may be NULL), keeps no copy of this argument. */
bool mwcc_not_captured(LLVMValueRef call, LLVMValueRef f, unsigned index);
/* Copy position and alias facts from one instruction to another. */
void mwcc_copy_metadata(struct mwcc *c, LLVMValueRef to, LLVMValueRef from);

/* Direct callee of a call, through casts and aliases; NULL when indirect, or not a call. */
LLVMValueRef mwcc_callee(LLVMValueRef inst);
bool mwcc_is_call(LLVMValueRef inst); /* call, invoke or callbr */
bool mwcc_name_is(LLVMValueRef v, const char *name);
bool mwcc_const_u64(LLVMValueRef v, uint64_t *out);
/* Defined here and to be instrumented: has a body, is not naked, and has not
 * been set apart. */
void mwcc_set_plain(struct mwcc *c, LLVMValueRef fn);
bool mwcc_instrumented(LLVMValueRef fn);
/* Of the runtime or of the plugin's own emission, by name. */
bool mwcc_runtime_name(const char *name);

/* Module flags "mallow...": which passes have run. */
bool mwcc_flag_get(struct mwcc *c, const char *name);
void mwcc_flag_set(struct mwcc *c, const char *name);

/* ---- Where a pointer points (base.c) ------------------------------------ */

/* Provably memory of the running function's own frame that nothing else can
 * reach, or memory that the collector never scans: stores need no barrier. */
bool mwcc_no_barrier_memory(struct mwcc *c, LLVMValueRef p);
/* Provably based on an alloca or a constant: nothing for the collector in it. */
bool mwcc_stack_or_const(LLVMValueRef p);
/* The object that p is computed from, through casts and offsets. */
LLVMValueRef mwcc_base(LLVMValueRef p);
/* The kind of marker, if any, for a number stored over what may be a pointer. */
enum mwcc_marker mwcc_scalar_marker(struct mwcc *c, LLVMValueRef store);
bool mwcc_module_has_tbaa(struct mwcc *c);
/* Of an access type by which programs reach memory of any type: char, and long. */
bool mwcc_tag_is_any(LLVMValueRef tag);
/* May this integer value carry a pointer's bits? */
bool mwcc_int_from_ptr(struct mwcc *c, LLVMValueRef v);

/* ---- Types (layout.c) ----------------------------------------------------- */

#define MWCC_NO_OFFSET UINT64_MAX

struct mwcc_mask {
  uint64_t *bits;      /* NULL when period is 0; the caller frees */
  uint64_t period;     /* words */
  uint64_t misaligned; /* byte offset of a pointer that no word holds, or MWCC_NO_OFFSET */
};
void mwcc_type_mask(struct mwcc *c, LLVMTypeRef type, struct mwcc_mask *out);
/* A constant with the mask's words; NULL pointer when there are none. */
LLVMValueRef mwcc_mask_const(struct mwcc *c, const struct mwcc_mask *m);
bool mwcc_type_has_ptr(LLVMTypeRef type); /* a word of it may be a pointer */
/* ... for the program, too, unless it has packed it: not just for a union of small numbers. */
bool mwcc_type_names_ptr(struct mwcc *c, LLVMTypeRef type);
bool mwcc_is_union(LLVMTypeRef type);
void mwcc_type_name(LLVMTypeRef type, char *buf, size_t size);
/* The layout descriptor for a type; sizes from the allocation itself. */
LLVMValueRef mwcc_layout_global(struct mwcc *c, LLVMTypeRef type, uint64_t size, uint64_t align,
                                LLVMValueRef site, bool array);
/* The same for objects that are not zeroed: a class of their own. */
LLVMValueRef mwcc_layout_raw(struct mwcc *c, LLVMTypeRef type, uint64_t size, uint64_t align,
                             LLVMValueRef site);
LLVMValueRef mwcc_string(struct mwcc *c, const char *text, const char *name);

/* ---- Early half ------------------------------------------------------------ */

bool mwcc_early(LLVMModuleRef mod, int optimised);
void mwcc_typed_allocations(struct mwcc *c); /* alloc.c */
/* alloc.c: mwi_rt_new_var or mwi_rt_new_raw */
LLVMValueRef mwcc_new_var(struct mwcc *c, bool raw, LLVMValueRef layout);
/* ... an object there, or the memory `var`, as the byte `moves` says at run time: place.c */
LLVMValueRef mwcc_place_var(struct mwcc *c, bool raw, LLVMValueRef layout, LLVMValueRef moves,
                            LLVMValueRef var);
#define MWCC_MOVES "mwi_moves." /* the bytes that say where */
/* ... in a section of their own: one that can be found by its name, as by a C name, and which
 * linkers do not merge with others' constants (--icf) */
#define MWCC_MOVES_SECTION "mallow_moves"
#define MWCC_PLACE "mwi_rt_place"
void mwcc_mark_stores(struct mwcc *c, LLVMValueRef fn); /* store.c */
bool mwcc_mark_atomic(struct mwcc *c, LLVMValueRef i);  /* atomic.c */
bool mwcc_mark_copy(struct mwcc *c, LLVMValueRef call); /* copy.c */
void mwcc_user_main(struct mwcc *c);                    /* usermain.c */
void mwcc_libc_calls(struct mwcc *c);                   /* libc.c */
void mwcc_warn_thread_locals(struct mwcc *c);           /* libc.c */

/* ---- Peephole ---------------------------------------------------------------- */

bool mwcc_peephole(LLVMValueRef fn);
/* Replace a marker by the plain operation.  Returns it. */
LLVMValueRef mwcc_unmark(struct mwcc *c, LLVMValueRef marker);
/* Its halves in copy.c and atomic.c: the operation before the marker. */
LLVMValueRef mwcc_unmark_copy(struct mwcc *c, LLVMValueRef marker, enum mwcc_marker kind);
LLVMValueRef mwcc_unmark_atomic(struct mwcc *c, LLVMValueRef marker, enum mwcc_marker kind);

/* ---- Late half -------------------------------------------------------------------- */

bool mwcc_late(LLVMModuleRef mod, int link_time, int speed);
bool mwcc_expand(struct mwcc *c, LLVMValueRef fn);           /* expand.c */
void mwcc_mark_pieces(struct mwcc *c, LLVMValueRef fn);      /* pieces.c */
bool mwcc_mark_made_copy(struct mwcc *c, LLVMValueRef call); /* copy.c: the optimiser's */
/* A store of a number that may change part of a pointer, or all of it. */
bool mwcc_is_piece(struct mwcc *c, LLVMValueRef inst);
void mwcc_isolate_libcalls(struct mwcc *c, LLVMValueRef fn); /* isolate.c */
bool mwcc_may_become_call(LLVMValueRef inst);                /* isolate.c */
void mwcc_external_calls(struct mwcc *c, LLVMValueRef fn);   /* extern.c */
void mwcc_hold_handed(struct mwcc *c, LLVMValueRef fn);      /* handed.c */
void mwcc_lent_calls(struct mwcc *c, LLVMValueRef fn);       /* lent.c */
void mwcc_keep_frames(LLVMValueRef fn);                      /* frames.c */
bool mwcc_is_lent(LLVMValueRef call);
/* Give a definition its name for checked calls; see extern.c. */
#define MWCC_CHECKED_PREFIX "mwi_x."
#define MWCC_CHECK_PREFIX "mwi_y." /* the check itself */
void mwcc_name_checked(struct mwcc *c, LLVMValueRef fn);
void mwcc_polls(struct mwcc *c);                                                  /* poll.c */
void mwcc_place_text(struct mwcc *c, LLVMValueRef fn, struct mwcc_vec *sections); /* text.c */
void mwcc_register_module(struct mwcc *c, const struct mwcc_vec *sections);       /* globals.c */
/* An array of bytes in which a plain C program may keep its variables. */
bool mwcc_may_be_a_struct(struct mwcc *c, LLVMValueRef g);
void mwcc_lower_places(struct mwcc *c, LLVMValueRef fn); /* place.c */
void mwcc_settle_places(struct mwcc *c);
void mwcc_fast_allocations(struct mwcc *c, LLVMValueRef fn); /* fastalloc.c */
bool mwcc_verify(LLVMModuleRef mod);                         /* verify.c */

/* The volatile load of a byte of the thread control block, and the test of it.
 * Splits before `at`: the block so far ends with a branch to a new cold block,
 * which is returned and has a branch to the rest. */
LLVMBasicBlockRef mwcc_test_byte(struct mwcc *c, LLVMValueRef at, unsigned offset,
                                 const char *name);
/* Branch weights: the first successor is hardly ever taken. */
void mwcc_cold_branch(struct mwcc *c, LLVMValueRef br);
/* Nothing may come between the load of the control block's byte (or word) at
 * this offset and the instruction: noted for isolate.c and verify.c. */
void mwcc_set_guarded(struct mwcc *c, LLVMValueRef inst, unsigned offset);
/* In the cold block: a call of the runtime's `name`; of the function f, which
 * is preserve_most. */
LLVMValueRef mwcc_cold_call(struct mwcc *c, LLVMBasicBlockRef block, const char *name,
                            LLVMValueRef *args, unsigned nargs, LLVMValueRef position);
LLVMValueRef mwcc_cold_call_to(struct mwcc *c, LLVMBasicBlockRef block, LLVMValueRef f,
                               LLVMValueRef *args, unsigned nargs, LLVMValueRef position);
/* A new function, weak and hidden, shared by all files that are linked
 * together; the builder stands at the end of its only block. */
LLVMValueRef mwcc_shared_function(struct mwcc *c, const char *name, LLVMTypeRef type);
/* The same for slow halves: preserve_most. */
LLVMValueRef mwcc_slow_function(struct mwcc *c, const char *name, LLVMTypeRef *params,
                                unsigned nparams);

/* ---- Calls that store nothing through their arguments (libc.c) ---------------------- */

bool mwcc_harmless(const char *name);
/* Of these, the ones that run functions of the program's. */
bool mwcc_calls_back(const char *name);
/* Or they fill the memory that this argument points to with what is no pointer, as a rule. */
bool mwcc_fills(const char *name, unsigned *arg);
/* libc's name for what mwcc_libc_calls renamed; other names as they are. */
const char *mwcc_libc_name(const char *name);

/* ---- What has no C API (register.cpp) ------------------------------------------------ */

enum { MWCC_WARNING, MWCC_ERROR };
/* Split the block before the instruction; returns the new block. */
LLVMBasicBlockRef mwcc_split_before(LLVMValueRef inst, const char *name);
/* -fexceptions makes invokes where a cleanup waits.  The call that is left of one which never
 * unwinds; a call as it is. */
LLVMValueRef mwcc_as_call(LLVMValueRef call);
/* A block of its own behind an invoke, before what comes next. */
LLVMBasicBlockRef mwcc_after_invoke(LLVMValueRef invoke);
/* A diagnostic at the instruction's (or function's, global's) source position. */
void mwcc_report(LLVMValueRef at, int severity, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void mwcc_report_text(LLVMValueRef at, int severity, const char *text);
/* A type attribute (byval, sret) is at this index. */
bool mwcc_arg_is_byval(LLVMValueRef arg);
/* `llvm.used`-like list operations: append a constructor. */
void mwcc_add_ctor(LLVMModuleRef mod, LLVMValueRef fn, int priority);
void mwcc_add_dtor(LLVMModuleRef mod, LLVMValueRef fn, int priority);
/* The source position's line of an instruction without one, from its function. */
void mwcc_set_default_loc(LLVMValueRef inst);
/* Positions and names that the driver has asked clang for, for our diagnostics:
 * every later pass would carry them along for nothing.  Positions stay for -g
 * and for remarks, names for reports. */
void mwcc_drop_extras(LLVMModuleRef mod);

/* ---- Variables in the debugger (debug.h) ------------------------------------------------ */

/* The user wants variables described, and code is optimised. */
bool mwcc_tracks_vars(LLVMModuleRef mod, int optimised);
/* After escape analysis, before stores are marked: for the variables that it has left. */
void mwcc_track_rest(LLVMModuleRef mod);
/* A store was made of a marker: it performs the assignment that is recorded beside it. */
void mwcc_link_assignment(LLVMValueRef made);
/* What LLVM loses of them on the way; after each instcombine. */
void mwcc_restore_assignments(LLVMValueRef fn);
/* At the end of the optimiser: where moved variables are. */
void mwcc_lower_tracked(LLVMValueRef fn);

#ifdef __cplusplus
}
#endif
#endif
