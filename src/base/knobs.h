/* SPDX-License-Identifier: MIT */
/*
 * base/knobs.h -- what the environment asked for (internal)
 *
 * Job      One struct with every setting that a user gives from outside, so
 *          that each layer reads a field instead of the environment.
 * Promise  Filled once by mwi_knobs_init (debug/knobs.c), first thing in
 *          mwi_init; every field has its default from then on, whatever the
 *          environment held.  Before that the fields are zero: code that runs
 *          earlier sees tracing off and everything else unset.
 * Threads  constant after init.  What can change at run time (mw_set_gc_percent,
 *          mw_set_max_procs) is copied by its owner; these stay as given.
 * Next     docs/design/debug.md, "Knobs"
 */
#ifndef MWI_BASE_KNOBS_H
#define MWI_BASE_KNOBS_H

#include "base/base.h"

/* GOTRACEBACK: how much a fatal error prints. */
enum mwi_traceback_level {
  MWI_TRACEBACK_NONE,   /* the message alone */
  MWI_TRACEBACK_SINGLE, /* the goroutine that failed; all of them when none did */
  MWI_TRACEBACK_ALL,    /* every goroutine of the program */
  MWI_TRACEBACK_SYSTEM, /* the runtime's frames and goroutines as well */
  MWI_TRACEBACK_CRASH   /* that, and death by SIGABRT, so that a core is left */
};

struct mwi_knobs {
  int32_t gogc;          /* GOGC: percent; negative: collection off */
  int32_t gomaxprocs;    /* GOMAXPROCS; 0: not given, take the number of CPUs */
  int64_t gomemlimit;    /* GOMEMLIMIT: bytes; INT64_MAX: none */
  bool gomemlimit_given; /* "off" too */
  enum mwi_traceback_level traceback;

  /* GODEBUG, 0 unless given, but memprofilerate */
  int32_t gctrace;        /* 1: a line for each cycle */
  int32_t gcpacertrace;   /* 1: lines about the pacer's decisions */
  int32_t scavtrace;      /* 1: a line each time the scavenger has worked */
  int32_t schedtrace;     /* N > 0: a line about the scheduler every N ms */
  int32_t gcstoptheworld; /* 1: mark with the world stopped; 2: sweep too */
  int32_t gccheckmark;    /* 1: mark again with the world stopped and compare */
  int32_t clobberfree;    /* 1: freed memory is filled with 0xdeadbeef */
  int32_t memprofilerate; /* bytes between two samples of the heap profile; 0: off */
  int32_t foldstress;     /* 1: each goroutine's stack is folded when it parks */
  int32_t cgroupmemlimit; /* 1: without GOMEMLIMIT, 90 % of the control group's limit */
  int32_t hugepages;      /* 1: ask for huge pages for the heap */
  int32_t gcstress;       /* N > 0: collect at each Nth allocation, yield at each Nth poll */
};
extern struct mwi_knobs mwi_knobs;

/* Largest GOMAXPROCS that is accepted; Go has the same limit. */
#define MWI_MAX_PROCS 1024

/* Read the environment.  Malformed values: one line each on stderr, then the
 * default.  No libc malloc; any stack; once, before any other thread. */
void mwi_knobs_init(void);

#endif
