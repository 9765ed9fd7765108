/* SPDX-License-Identifier: MIT */
/*
 * driver/driver.h -- the `mallow` command's common header
 *
 * Job      `mallow cc`, `run`, `flags`, `version` over clang, the plugin and
 *          the runtime, which are found relative to the command itself.
 * Errors   One line on stderr beginning "mallow: ", exit status 1.
 */
#ifndef MALLOW_DRIVER_H
#define MALLOW_DRIVER_H

#include <stdbool.h>
#include <stddef.h>

/* paths.c: where things are; set once by paths_init, constant after. */
struct paths {
  char *lib;     /* folder of libmallow.so and libmallow.a */
  char *plugin;  /* libmallow-cc.so */
  char *include; /* folder of mallow.h */
};
extern struct paths paths;
void paths_init(void);

/* A growing argument vector; at[len] is always NULL. */
struct args {
  char **at;
  size_t len, cap;
};
void args_add(struct args *a, const char *s);
/* The words of a response file appended to `out`; a file that cannot be read
 * adds nothing (clang will complain). */
void args_read_response(struct args *out, const char *file);

/* Names that the linker gives to other functions: from[i] to to[i]. */
struct renames {
  struct args from, to;
  bool unknown;  /* and others, which cannot be told */
  bool exported; /* the loader may do so, in what has been linked */
};

/* What a clang command line asks for, as far as the driver has to know. */
struct request {
  bool links;         /* makes an executable or a shared library */
  bool has_c;         /* compiles C or LLVM IR */
  bool has_inputs;    /* names any file */
  bool static_mallow; /* -static-mallow, or -static */
  bool lto;           /* -flto in effect */
  bool chooses_ld;    /* -fuse-ld= given */
  bool asan;          /* -fsanitize=address in effect */
  bool version;       /* --version */
  bool static_libc;   /* -static, -static-pie */
  bool shared;        /* -shared */
  bool gc_malloc;     /* -fgc-malloc in effect */
  bool no_escape;     /* -fno-mallow-escape */
  bool decides;       /* variables' places may be decided by what is linked */
  bool remarks;       /* -Rpass..., -fsave-optimization-record */
  int debug;          /* 0 none, 1 lines only, 2 -g in effect */
  int report;         /* 1 -m, 2 -m=2 */
  const char *output; /* -o, or NULL */
  struct renames renames;
};
/* Reads the arguments (response files too) and appends those that are clang's
 * to `pass`.  Ends the program on arguments that are refused. */
struct request request_read(int argc, char **argv, struct args *pass);

/* summaries.c: name these files ("-lNAME" for a library in one of the folders)
 * to the plugin, whose functions' summaries it may use. */
void summaries_name(const struct args *inputs, const struct args *folders);
/* What was compiled fits what was linked to it; else it has said what does not. */
bool summaries_hold(const char *file, const struct renames *renames);
/* decide.c: in the executable that has been linked, variables whose address no function keeps
 * stay on the stack.  With -m it is reported. */
void decide_places(const char *file, const struct request *req);

/* renames.c */
void renames_read(struct renames *r, const struct args *words);
bool renames_any(const struct renames *r);
bool renames_name(const struct renames *r, const char *name, size_t len);
/* Options, if the link has to be made again with them for calls to go where the names go. */
bool renames_repair(const struct renames *r, const char *file, struct args *options);
/* Calls go where the names go; else it has been said which do not. */
bool renames_hold(const struct renames *r, const char *file);

/* cc.c: the whole clang command for these arguments. */
void cc_command(int argc, char **argv, struct args *out, struct request *req);
int cc_main(int argc, char **argv);
int run_main(int argc, char **argv);
int flags_main(int argc, char **argv);

/* Start a program and wait.  The status as waitpid gives it; ends the program
 * when it cannot be started. */
int run_and_wait(char **argv);
/* Leave with the child's exit status or its signal. */
_Noreturn void leave_with(int status);
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* What has been printed has been written; else that is said, and the end.  Returns 0. */
int finish_output(void);
char *format_text(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
