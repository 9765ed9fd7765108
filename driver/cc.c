/* SPDX-License-Identifier: MIT */
/*
 * driver/cc.c -- `mallow cc`: clang with the plugin and the runtime
 *
 * Job      Builds clang's command line and becomes clang (exec), so that exit
 *          status, signals, -v and diagnostics are clang's own.
 * How      mallow's options come first, so that the user's win, enclosed in
 *          --start-no-unused-arguments; the runtime comes last, as a library
 *          should.  -Rpass=^mallow-positions$ makes clang keep source positions
 *          without -g; no remark has that name.
 *          For escape analysis clang marks where variables begin to live (at
 *          -O0 it does so only for a sanitizer's sake, which is not turned on),
 *          keeps names of values, and describes variables as for a debugger,
 *          which the plugin takes away again when -g does not ask for it.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "driver.h"
#include "mallow.h"

/* Of the LLVM that the plugin is built for; a string, from CMake. */
#define CLANG_VERSION MALLOW_LLVM_VERSION

static const char *clang(void) {
  const char *s = getenv("MALLOW_CLANG");
  return s && *s ? s : "clang-" CLANG_VERSION;
}

static _Noreturn void no_clang(void) {
  if (errno == ENOENT)
    fail("%s is not there: install the package clang-" CLANG_VERSION
         " (scripts/setup.sh does), or set MALLOW_CLANG",
         clang());
  fail("cannot run %s: %s: set MALLOW_CLANG to clang " CLANG_VERSION, clang(), strerror(errno));
}

int run_and_wait(char **argv) {
  int status = 0;
  fflush(NULL);
  pid_t pid = fork();
  if (pid < 0) fail("cannot start %s: %s", argv[0], strerror(errno));
  if (pid == 0) {
    execvp(argv[0], argv);
    if (strcmp(argv[0], clang()) == 0) no_clang();
    fail("cannot run %s: %s", argv[0], strerror(errno));
  }
  while (waitpid(pid, &status, 0) < 0)
    if (errno != EINTR) fail("waiting for %s: %s", argv[0], strerror(errno));
  return status;
}

void leave_with(int status) {
  if (WIFSIGNALED(status)) {
    signal(WTERMSIG(status), SIG_DFL);
    raise(WTERMSIG(status));
  }
  exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

/* A clang that the user chose must be of the plugin's version: the plugin uses
 * the interfaces of exactly one. */
static void check_version(void) {
  if (!getenv("MALLOW_CLANG")) return;
  char *command = format_text("'%s' -dumpversion 2>/dev/null", clang()), line[64] = "";
  FILE *f = popen(command, "r");
  if (f && !fgets(line, sizeof line, f)) line[0] = 0;
  int status = f ? pclose(f) : -1;
  free(command);
  line[strcspn(line, "\n")] = 0;
  if (WIFEXITED(status) && WEXITSTATUS(status) >= 126) return; /* not started: exec says why */
  if (!line[0])
    fail("%s does not say its version: set MALLOW_CLANG to clang " CLANG_VERSION, clang());
  if (strncmp(line, CLANG_VERSION ".", strlen(CLANG_VERSION) + 1) != 0)
    fail("%s is version %s, the plugin is for " CLANG_VERSION
         ": install the package clang-" CLANG_VERSION ", or build mallow for that version",
         clang(), line);
}

static void add_compile_options(struct args *out, const struct request *req) {
  args_add(out, "--start-no-unused-arguments");
  args_add(out, format_text("-fpass-plugin=%s", paths.plugin));
  args_add(out, "-Rpass=^mallow-positions$");
  if (!req->no_escape) {
    static const char *const options[] = {"-fno-discard-value-names", "-Xclang",
                                          "-fsanitize-address-use-after-scope", "-Xclang",
                                          "-fexperimental-assignment-tracking=disabled"};
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) args_add(out, options[i]);
    if (req->debug < 2) {
      args_add(out, "-Xclang");
      args_add(out, "-debug-info-kind=constructor");
    }
  }
  args_add(out, "-fno-omit-frame-pointer");
  if (req->asan) {
    /* its checks must stay inline, and its fake stacks are not scanned */
    args_add(out, "-mllvm");
    args_add(out, "-asan-instrumentation-with-call-threshold=1000000000");
    args_add(out, "-fsanitize-address-use-after-return=never");
  }
  args_add(out, "--end-no-unused-arguments");
}

static void add_link_options(struct args *out, const struct request *req) {
  if (req->gc_malloc && !req->shared) {
    args_add(out, "-Wl,--whole-archive");
    args_add(out, format_text("%s/libmallow-gcmalloc.a", paths.lib));
    args_add(out, "-Wl,--no-whole-archive");
  }
  if (req->lto) {
    if (!req->chooses_ld) args_add(out, "-fuse-ld=lld");
    args_add(out, format_text("-Wl,--load-pass-plugin=%s", paths.plugin));
  }
  if (req->static_mallow) {
    args_add(out, format_text("%s/libmallow.a", paths.lib));
    args_add(out, "-Wl,-u,__pthread_create_2_1"); /* src/os/thread.c needs its file, with -static */
    args_add(out, "-lpthread");
    args_add(out, "-ldl");
    args_add(out, "-lm");
    return;
  }
  args_add(out, format_text("-L%s", paths.lib));
  args_add(out, format_text("-Wl,-rpath,%s", paths.lib));
  args_add(out, "-lmallow");
}

void cc_command(int argc, char **argv, struct args *out, struct request *req) {
  struct args pass = {0};
  *req = request_read(argc, argv, &pass);
  args_add(out, clang());
  if (req->has_c) add_compile_options(out, req);
  if (req->has_inputs) {
    args_add(out, "--start-no-unused-arguments");
    args_add(out, format_text("-I%s", paths.include));
    args_add(out, "--end-no-unused-arguments");
  }
  size_t i = 0;
  for (; i < pass.len && strcmp(pass.at[i], "--") != 0; i++) args_add(out, pass.at[i]);
  /* after -Weverything and -Werror=...: it is not true of what moves to the heap */
  if (req->has_c && !req->no_escape) args_add(out, "-Wno-return-stack-address");
  if (req->links && i < pass.len) add_link_options(out, req);
  bool early = i < pass.len;
  for (; i < pass.len; i++) args_add(out, pass.at[i]);
  if (req->links && !early) add_link_options(out, req);
  free(pass.at);
}

int cc_main(int argc, char **argv) {
  struct args command = {0};
  struct request req;
  cc_command(argc, argv, &command, &req);
  check_version();
  if (req.version) {
    int status = run_and_wait(command.at);
    if (status == 0) puts("mallow " MW_VERSION);
    finish_output();
    leave_with(status);
  }
  if (req.links) {
    const char *output = req.output ? req.output : "a.out";
    int status = run_and_wait(command.at);
    if (status == 0 && renames_repair(&req.renames, output, &command))
      status = run_and_wait(command.at);
    if (status == 0 &&
        (!renames_hold(&req.renames, output) || !summaries_hold(output, &req.renames))) {
      unlink(output);
      exit(1);
    }
    if (status == 0) decide_places(output, &req);
    leave_with(status);
  }
  execvp(command.at[0], command.at);
  no_clang();
}
