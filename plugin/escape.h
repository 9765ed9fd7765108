/* SPDX-License-Identifier: MIT */
/*
 * plugin/escape.h -- escape analysis: what its files share
 *
 * Job      Decides for each local variable and each allocation whether it may
 *          live on the stack, as Go's compiler does: a graph of locations with
 *          edges that count dereferences, solved for one strongly connected
 *          component of the call graph after the other, callees first.
 * Files    escape.c         order of work, the early and the middle run
 *          escape_build.c   from a function's IR to the graph
 *          escape_calls.c   what a call does with its arguments
 *          escape_known.c   ... of the runtime's functions, and of libc's
 *          escape_solve.c   the walk, which finds what outlives what
 *          escape_given.c   what depends on functions of other files
 *          escape_heap.c    variables to the heap
 *          escape_late.cpp  ... made where they are used
 *          escape_stack.c   allocations to the stack
 *          escape_report.c  -m, remarks, warnings
 *          escape_source.c  an expression's text, for reports
 *          escape_summary.c functions of other files
 *          debug*.cpp       what the debugger shows of moved variables
 *          escape_llvm.cpp  what else has no C API
 * Next     docs/design/escape.md has the rules and why they are sound.
 */
#ifndef MWCC_ESCAPE_H
#define MWCC_ESCAPE_H

#include "mallow-cc.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Limits of what lives on a stack; Go's but for the last. */
enum {
  MWCC_MAX_VAR = 128 << 10,     /* an explicit variable, bytes */
  MWCC_MAX_ALLOC = 64 << 10,    /* an allocation that moves to the stack */
  MWCC_SMALL_BUFFER = 32,       /* for a mw_make whose size is not constant */
  MWCC_RECURSIVE_TOTAL = 4096,  /* all of them in a function that may recurse:
                                   mallow's stacks do not grow by copying */
  MWCC_FRAME_TOTAL = 128 << 10, /* all of them in any function */
};

enum mwcc_loc_kind {
  MWCC_LOC_HEAP,   /* everything that outlives every frame; index 0 */
  MWCC_LOC_VALUE,  /* an SSA value */
  MWCC_LOC_VAR,    /* an alloca: a variable */
  MWCC_LOC_ALLOC,  /* an allocation of the runtime */
  MWCC_LOC_PARAM,  /* a parameter; by value: its copy */
  MWCC_LOC_RESULT, /* what a function returns; has an address when that is in memory */
  MWCC_LOC_EXTERN, /* what an unknown function of another file may keep of an argument */
  MWCC_LOC_OWN,    /* pointers to objects in which their own address is stored */
};

/* One question about a function that is linked later: does it keep its argument `arg`
 * (level 0), or only what that leads to (level 1)? */
struct mwcc_given {
  LLVMValueRef callee;
  unsigned arg, level;
};
enum { MWCC_MAX_GIVENS = 60 }; /* in one component; further ones count as kept */

struct mwcc_place;

struct mwcc_edge {
  int src, derefs; /* the location src, dereferenced so many times; -1: its address */
  LLVMValueRef at; /* the instruction that makes the flow */
  bool unknown;    /* an assumption: the callee is not known */
};

struct mwcc_loc {
  enum mwcc_loc_kind kind;
  LLVMValueRef v, fn;
  int depth; /* of loops around its declaration */
  int hold;  /* ... around all that it may last for: less where a jump goes over
                the declaration, and finds what an earlier turn has stored */
  bool root; /* may hold an address for longer than one turn of a loop */
  bool escapes, queued;
  bool shared_by_turns;       /* used in a loop without passing its declaration in each turn */
  bool captured;              /* its address is kept in some value or variable */
  bool kept;                  /* an allocation that cannot move to the stack */
  bool certain;               /* escapes, and not only because a callee is unknown */
  int leak_heap, leak_result; /* parameters: least dereferences; -1 none */
  int leak_own;           /* parameters: ... to objects that get their own address stored in them */
  bool holds_own;         /* a variable or allocation: such an object */
  bool content_lost;      /* what it holds flows to where it outlives it */
  bool leaks_surely;      /* to the heap, and not only because a callee is unknown */
  uint64_t given;         /* it escapes if one of these of the component's questions has a yes */
  uint64_t content_given; /* what it holds flows where the heap may be, if one of these has */
  short *leak_given;      /* parameters: least dereferences for each question, or NULL */
  int sure_heap;          /* parameters: leak_heap without them */
  struct mwcc_edge *edges;
  unsigned nedges, cap;
  /* of the walk in progress */
  unsigned walk;
  int derefs, via;
  bool sure; /* the flow to here is not only an assumption about an unknown callee */
  const struct mwcc_edge *via_edge;
  /* for -m=2: why it escapes, or a parameter leaks; how it gets to the result */
  char *flow, *result_flow;
};

/* How a parameter leaks; least dereferences, -1 not at all. */
struct mwcc_leak {
  signed char heap, result;
  signed char own;  /* what it leads to so, or further on, may get its own address stored in it */
  signed char sure; /* to the heap, whatever is linked */
  bool assumed;     /* to the heap only if a callee that is not known keeps it */
};
struct mwcc_summary {
  unsigned n;
  /* p[param] leaks, after so many dereferences, if the question has a yes; p[].heap counts them
   * all as a yes, p[].sure as a no */
  struct mwcc_param_given {
    struct mwcc_given q;
    unsigned param;
    int derefs;
  } *given;
  unsigned ngiven;
  struct mwcc_leak p[];
};

/* One component of the call graph. */
struct mwcc_esc {
  struct mwcc *c;
  struct mwcc_loc *locs;
  int n, cap;
  struct mwcc_map values;     /* value -> location */
  struct mwcc_map results;    /* function of the component -> location */
  struct mwcc_map depths;     /* block -> loop depth << 16 | of the outermost loop that it enters */
  struct mwcc_map *summaries; /* function -> struct mwcc_summary * */
  struct mwcc_vec *assumed;   /* of other files' summaries */
  LLVMValueRef fn;            /* being built */
  bool last;                  /* no further run decides */
  bool middle;                /* the middle run: allocations only */
  bool casts;                 /* fn makes integers of pointers */
  bool recursive;             /* the component is a cycle */
  bool links;                 /* early: what is not known may be decided when linking */
  struct mwcc_given given[MWCC_MAX_GIVENS];
  int given_loc[MWCC_MAX_GIVENS]; /* where what they keep flows */
  int ngiven;
  int own;              /* the location of kind MWCC_LOC_OWN; 0: none */
  long steps;           /* left before giving up */
  unsigned generation;  /* of walks */
  struct mwcc_vec todo; /* of the walk in progress */
  int *queue;
  int nqueue, capqueue;
};

/* A flow's source: location and dereferences; loc < 0: nothing to follow. */
struct mwcc_hole {
  int loc, derefs;
};

/* ---- escape_build.c ---- */
int mwcc_esc_new_loc(struct mwcc_esc *e, enum mwcc_loc_kind kind, LLVMValueRef v);
void mwcc_esc_function(struct mwcc_esc *e, LLVMValueRef fn);
struct mwcc_hole mwcc_esc_value(struct mwcc_esc *e, LLVMValueRef v);
void mwcc_esc_flow(struct mwcc_esc *e, int dst, struct mwcc_hole src, LLVMValueRef at,
                   bool unknown);
/* src is stored to where addr points; v: src as a value */
void mwcc_esc_store_value(struct mwcc_esc *e, LLVMValueRef addr, LLVMValueRef v, LLVMValueRef at);
void mwcc_esc_store(struct mwcc_esc *e, LLVMValueRef addr, struct mwcc_hole src, LLVMValueRef at);
/* what h points to gets its own address stored in it */
void mwcc_esc_own(struct mwcc_esc *e, struct mwcc_hole h, LLVMValueRef at);
int mwcc_esc_result(struct mwcc_esc *e, LLVMValueRef fn);
/* Bytes of a runtime allocation that are known; its alignment. */
bool mwcc_alloc_size(LLVMValueRef call, uint64_t *size, uint64_t *align);
bool mwcc_is_alloc(LLVMValueRef call);
bool mwcc_left_alone(struct mwcc *c, LLVMValueRef alloca);
LLVMValueRef mwcc_literal_start(LLVMValueRef alloca);
bool mwcc_is_alloca_call(LLVMValueRef alloca);

/* ---- escape_calls.c ---- */
void mwcc_esc_call(struct mwcc_esc *e, LLVMValueRef call);
bool mwcc_exact(LLVMValueRef fn); /* this definition is the one that runs */

/* ---- escape_known.c ---- */
const char *mwcc_esc_known(const char *name); /* a letter for each argument; NULL: not in there */

/* ---- escape_solve.c ---- */
void mwcc_esc_solve(struct mwcc_esc *e);
void mwcc_esc_enqueue(struct mwcc_esc *e, int i);
/* Called for each location whose value flows into root after `derefs` dereferences, root itself
 * first, and again when it is found nearer; address: its own address does.  False: what flows
 * into it is not followed. */
typedef bool (*mwcc_visit)(struct mwcc_esc *e, int root, int i, int derefs, bool address,
                           void *ctx);
/* Backwards along the flows into root, until the component's steps are used up. */
void mwcc_esc_walk(struct mwcc_esc *e, int root, bool sure, mwcc_visit visit, void *ctx);

/* ---- escape_given.c ---- */
/* h goes where the callee may keep it; false: it has to count as kept. */
bool mwcc_esc_ask(struct mwcc_esc *e, const struct mwcc_given *q, struct mwcc_hole h,
                  LLVMValueRef at);
bool mwcc_may_ask(struct mwcc_esc *e, LLVMValueRef callee);
/* The questions' walk; true: something escapes for sure now, and the other walk has to go on. */
bool mwcc_esc_solve_given(struct mwcc_esc *e);
/* All of them count as a yes. */
void mwcc_esc_give_up_given(struct mwcc_esc *e);
/* A byte that says at run time whether location i moves: 1, until mallow cc has linked. */
LLVMValueRef mwcc_esc_decided_when_linking(struct mwcc_esc *e, int i);
void mwcc_givens_emit(struct mwcc *c, const struct mwcc_map *summaries);

/* ---- escape_heap.c, escape_stack.c ---- */
/* With a byte `moves`, only where that is not 0 at run time. */
void mwcc_to_heap(struct mwcc *c, LLVMValueRef var, LLVMValueRef moves);
void mwcc_byval_to_heap(struct mwcc *c, LLVMValueRef arg);
bool mwcc_to_stack(struct mwcc *c, LLVMValueRef call, uint64_t *budget);
void mwcc_sret_to_heap(struct mwcc *c, LLVMValueRef arg);
void mwcc_keep_alive_to_end(LLVMValueRef alloca);

/* ---- escape_report.c ---- */
void mwcc_esc_note_param(struct mwcc_esc *e, int loc);
/* An allocation's type, for its name in reports. */
void mwcc_note_type(struct mwcc *c, LLVMValueRef call, LLVMValueRef witness);
/* Where a variable is declared, and its name; false: not known. */
bool mwcc_esc_variable(struct mwcc_esc *e, int loc, struct mwcc_place *p, char *name, size_t size);
/* The reason of one that the linking decides about. */
extern const char mwcc_linked_reason[];
void mwcc_esc_note_site(struct mwcc_esc *e, int loc, bool heap, const char *reason);
void mwcc_esc_warn(struct mwcc_esc *e, int loc);
void mwcc_esc_warn_shared(struct mwcc_esc *e, int loc);
char *mwcc_esc_describe(struct mwcc_esc *e, int root, int loc);
void mwcc_note_text(const char *file, unsigned line, unsigned col, const char *text);
void mwcc_esc_middle_begins(void);
void mwcc_esc_note_calls(struct mwcc *c);
void mwcc_esc_print(struct mwcc *c, bool remarks_only);
bool mwcc_reporting(void);

/* ---- escape_source.c ---- */
/* The expression at a place of a source file, up to its closing bracket. */
bool mwcc_source_call(const char *file, unsigned line, unsigned col, char *buf, size_t size);
/* At a macro's call: the place in its arguments where the word is written, or with NULL an
 * allocation is.  Else nothing changes. */
void mwcc_source_argument(const char *file, unsigned *line, unsigned *col, const char *word);
/* The column where the compound literal begins whose initialiser is here. */
unsigned mwcc_source_literal(const char *file, unsigned line, unsigned col);
unsigned mwcc_source_column(const char *file, unsigned line, const char *word);

/* ---- escape_summary.c ---- */
const struct mwcc_summary *mwcc_summary_of_name(struct mwcc_esc *e, const char *name);
void mwcc_summaries_emit(struct mwcc *c, const struct mwcc_map *summaries);
/* What the run has taken from other files. */
void mwcc_summaries_assumed(struct mwcc *c, const struct mwcc_vec *assumed);

/* ---- escape.c ---- */
/* Metadata on an allocation: the variable that it was; the middle run is done with it. */
unsigned mwcc_md_var(struct mwcc *c);
unsigned mwcc_md_done(struct mwcc *c);
void mwcc_escape_early(struct mwcc *c, int optimised);
/* Functions that changed are pushed on `changed`. */
bool mwcc_escape_middle(LLVMModuleRef mod, int link_time, struct mwcc_vec *changed);

/* ---- escape_llvm.cpp ---- */
/* The type of a witness (mallow.h), as C writes it: its length; 0: not described. */
size_t mwcc_witness_type(LLVMValueRef witness, char *buf, size_t size);
struct mwcc_place {
  const char *file, *name; /* NULL: not known; owned by LLVM */
  size_t name_len;
  unsigned line, col; /* 0: not known */
};
void mwcc_components(LLVMModuleRef mod, void *ctx,
                     void (*each)(void *ctx, LLVMValueRef *fns, unsigned n, int cyclic));
void mwcc_loop_depths(LLVMValueRef fn, struct mwcc_map *depths);
bool mwcc_dominates_uses(LLVMValueRef inst, LLVMValueRef v);
/* Where and as what an alloca or an argument was declared, from debug information. */
struct mwcc_place mwcc_declaration(LLVMValueRef v);
LLVMMetadataRef mwcc_declaration_loc(LLVMValueRef v); /* NULL: not known */
/* The source has it among the function's parameters. */
bool mwcc_is_written_param(LLVMValueRef v);
/* Where a function is defined. */
struct mwcc_place mwcc_function_place(LLVMValueRef fn);
/* ... of an alloca that is declared nowhere: of its first use in the source. */
struct mwcc_place mwcc_first_use_place(LLVMValueRef alloca);
/* A local variable's declaration, where the flow of control passes it: clang puts the
 * debugger's record there. */
struct mwcc_birth {
  LLVMValueRef before; /* the first instruction after the declaration */
  struct mwcc_place place;
  LLVMMetadataRef loc;
};
/* The i-th of the variables that live in this memory, in the order of the source: the
 * variables that a function returns share the result's.  False: there are no more. */
bool mwcc_birth(LLVMValueRef v, unsigned i, struct mwcc_birth *b);
/* One of them is passed on every way to every use. */
bool mwcc_birth_before_uses(LLVMValueRef v);
struct mwcc_place mwcc_instruction_place(LLVMValueRef inst);
/* The variable of alloca `from` is now where the pointer in `slot` points. */
void mwcc_move_debug(LLVMValueRef from, LLVMValueRef slot);
void mwcc_set_loc_from(LLVMValueRef inst, LLVMValueRef declared);
/* A remark of function fn at a place; near: a position in it, or NULL. */
void mwcc_remark(LLVMModuleRef mod, const char *fn, LLVMMetadataRef near, struct mwcc_place place,
                 bool missed, const char *text);
void mwcc_each_inlined(LLVMModuleRef mod, void *ctx,
                       void (*each)(void *ctx, const char *fn, const char *fn_file,
                                    unsigned fn_line, const char *file, unsigned line,
                                    unsigned col));
/* Debug information that was for the reports goes. */
void mwcc_reports_done(LLVMModuleRef mod);
/* What is compiled becomes an object, not a part of the linker's input for -flto. */
bool mwcc_links_from_object(LLVMModuleRef mod);
/* The optimiser does not know what the constant is at run time. */
void mwcc_externally_initialised(LLVMValueRef global);
bool mwcc_may_be_interposed(LLVMValueRef fn);
LLVMTypeRef mwcc_memory_type(LLVMValueRef arg); /* of a byval or sret argument */
bool mwcc_arg_is_sret(LLVMValueRef arg);
LLVMValueRef mwcc_sret_of(LLVMValueRef fn); /* the sret argument, or NULL */
/* Its frame must be as it is: it calls setjmp or the like, or must end in a jump. */
bool mwcc_frame_is_fixed(LLVMValueRef fn);
/* No call of it may take its frame down before the callee runs. */
void mwcc_no_tail_calls(LLVMValueRef fn);

/* ---- escape_late.cpp ---- */
/* Before which instructions the objects of alloca v, whose life begins at `start`, are made in
 * optimised code; none: at the start. */
void mwcc_latest_starts(LLVMValueRef v, LLVMValueRef start, struct mwcc_vec *places);

/* ---- debug_track.cpp ---- */
struct mwcc_tracked;
/* Follow the assignments to the variables of this alloca, which is about to move.  NULL: they
 * are described as without optimisation (mwcc_move_debug). */
struct mwcc_tracked *mwcc_track_var(LLVMValueRef alloca);
/* `user` has got the object's address instead of the alloca's. */
void mwcc_track_use(LLVMValueRef user, LLVMValueRef alloca);
/* Here is a new object, at p. */
void mwcc_track_birth(const struct mwcc_tracked *t, LLVMValueRef p);
void mwcc_track_end(struct mwcc_tracked *t, LLVMValueRef alloca);
/* An allocation's result was a variable: it is in the alloca `to` now. */
void mwcc_declare_debug(LLVMValueRef call, LLVMValueRef to);

LLVMBasicBlockRef mwcc_split_branch(LLVMValueRef cond, LLVMValueRef before, LLVMBasicBlockRef *yes);

#ifdef __cplusplus
}
#endif
#endif
