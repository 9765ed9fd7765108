/* SPDX-License-Identifier: MIT */
/*
 * tests/os/test_frame.c -- the vector state that the kernel has put into a signal's frame
 */
#define _GNU_SOURCE 1
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#include <sys/syscall.h>

#include <cmocka.h>

#include "os/os.h"

static uintptr_t from, to, interrupted_sp;
static bool found;
static const uint64_t pattern = 0x9e3779b97f4a7c15;

static void on_signal(int sig, siginfo_t *info, void *uc_) {
  (void)sig, (void)info;
  const ucontext_t *uc = uc_;
  from = (uintptr_t)uc->uc_mcontext.fpregs;
  to = from + mwi_os_vectors_bytes(uc->uc_mcontext.fpregs);
  interrupted_sp = (uintptr_t)uc->uc_mcontext.gregs[REG_RSP];
  for (uintptr_t at = from; at + 8 <= to; at += 8) {
    uint64_t word;
    memcpy(&word, (const void *)at, sizeof word);
    found |= word == pattern;
  }
}

/* The frame lies below what it has interrupted: nothing behind it is read. */
static void inside_of_the_frame(void **state) {
  (void)state;
  struct sigaction sa = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
  assert_int_equal(sigaction(SIGUSR1, &sa, NULL), 0);
  long r = SYS_tgkill;
  __asm__ volatile("movq %[pattern], %%xmm15\n\tsyscall"
                   : "+a"(r)
                   : "D"(getpid()), "S"(gettid()), "d"(SIGUSR1), [pattern] "r"(pattern)
                   : "rcx", "r11", "memory", "xmm15");
  assert_int_equal(r, 0);
  assert_true(found);
  assert_true(to - from >= 512);
  assert_true(to <= interrupted_sp);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(inside_of_the_frame),
  };
  return cmocka_run_group_tests_name("os frame", tests, NULL, NULL);
}
