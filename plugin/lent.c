/* SPDX-License-Identifier: MIT */
/*
 * plugin/lent.c -- calls of libc that give the kernel what they are given
 *
 * Job      The kernel does not unfold a parked goroutine's stack (src/sched/fold.c): on an address
 *          there it says EFAULT.  So a call of a function of the table, if an argument
 *          that the kernel follows may point to another goroutine's stack, is made by the
 *          runtime, which unfolds such stacks first and keeps them so meanwhile:
 *              stat(path, &s)  ->  mwi_rt_lent2(stat, path, &s)
 *          The functions that wait (libc.c: renamed) see to that themselves.
 * Exempt   own variables, constants.  Left out of the table: what libc touches itself before the
 *          kernel does (fputs), or copies (printf).
 * How      On the final IR, where the names have served all others.  The function goes along by its
 *          address, so one of the program's own that has a name of the table stays what it
 *          is, whoever sees it.
 * Next     src/sched/lend.c
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "mallow-cc.h"

/* All pointers are the kernel's, but for streams. */
static const char *const lent[] = {
    /* files by name */
    "stat",
    "stat64",
    "lstat",
    "lstat64",
    "fstatat",
    "fstatat64",
    "statx",
    "statfs",
    "statfs64",
    "statvfs",
    "statvfs64",
    "access",
    "eaccess",
    "euidaccess",
    "faccessat",
    "chdir",
    "chroot",
    "chmod",
    "lchmod",
    "fchmodat",
    "chown",
    "lchown",
    "fchownat",
    "mkdir",
    "mkdirat",
    "mkfifo",
    "mkfifoat",
    "mknod",
    "mknodat",
    "rename",
    "renameat",
    "renameat2",
    "link",
    "linkat",
    "symlink",
    "symlinkat",
    "unlink",
    "unlinkat",
    "rmdir",
    "remove",
    "readlink",
    "readlinkat",
    "truncate",
    "truncate64",
    "getcwd",
    "realpath",
    "opendir",
    "fopen",
    "fopen64",
    "mkstemp",
    "mkstemp64",
    "mkostemp",
    "mkostemp64",
    "mkdtemp",
    "utime",
    "utimes",
    "lutimes",
    "utimensat",
    "getxattr",
    "lgetxattr",
    "setxattr",
    "lsetxattr",
    "listxattr",
    "llistxattr",
    "removexattr",
    "lremovexattr",
    "inotify_add_watch",
    "memfd_create",
    "shm_open",
    "shm_unlink",
    "mq_unlink",
    "pathconf",
    "acct",
    "ftok",
    "futimesat",
    "name_to_handle_at",
    "open_by_handle_at",
    "fanotify_mark",
    "mq_open",
    "swapon",
    "swapoff",
    "umount",
    "umount2",
    "mount",
    /* descriptors */
    "fstat",
    "fstat64",
    "fstatfs",
    "fstatfs64",
    "fstatvfs",
    "fstatvfs64",
    "futimens",
    "futimes",
    "fgetxattr",
    "fsetxattr",
    "flistxattr",
    "fremovexattr",
    "getdents64",
    "getdirentries",
    "getdirentries64",
    "eventfd_read",
    "fread",
    "fwrite",
    "fread_unlocked",
    "fwrite_unlocked",
    "bind",
    "getsockname",
    "getpeername",
    "getsockopt",
    "setsockopt",
    "ioctl",
    "tcgetattr",
    "tcsetattr",
    "timerfd_settime",
    "timerfd_gettime",
    "mq_send",
    "mq_receive",
    "mq_timedsend",
    "mq_timedreceive",
    "mq_getattr",
    "mq_setattr",
    "signalfd",
    /* clocks, limits, the process */
    "clock_gettime",
    "clock_getres",
    "clock_settime",
    "gettimeofday",
    "settimeofday",
    "times",
    "adjtime",
    "adjtimex",
    "ntp_adjtime",
    "clock_adjtime",
    "getitimer",
    "setitimer",
    "timer_create",
    "timer_settime",
    "timer_gettime",
    "getrusage",
    "getrlimit",
    "getrlimit64",
    "setrlimit",
    "setrlimit64",
    "prlimit",
    "prlimit64",
    "sysinfo",
    "uname",
    "gethostname",
    "sethostname",
    "getdomainname",
    "setdomainname",
    "getgroups",
    "setgroups",
    "getresuid",
    "getresgid",
    "getrandom",
    "getentropy",
    "mincore",
    "sigpending",
    "sigaltstack",
    "sched_getaffinity",
    "sched_setaffinity",
    "sched_getparam",
    "sched_setparam",
    "sched_setscheduler",
    "sched_rr_get_interval",
    "prctl",
    "shmctl",
    "msgctl",
    "semctl",
    "pthread_getname_np",
    "pthread_setname_np",
    "pthread_getaffinity_np",
    "pthread_setaffinity_np",
    "pthread_setschedparam",
    "pthread_barrier_wait",
};
static const char *sorted[sizeof lent / sizeof lent[0]];
enum { MAX_LENT = 5 /* arguments: registers, less one */ };

static int by_name(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* lld runs ThinLTO back ends on several threads. */
__attribute__((constructor)) static void sort_table(void) {
  memcpy(sorted, lent, sizeof lent);
  qsort(sorted, sizeof sorted / sizeof sorted[0], sizeof sorted[0], by_name);
}

static bool in_table(const char *name) {
  return bsearch(&name, sorted, sizeof sorted / sizeof sorted[0], sizeof sorted[0], by_name);
}

/* fread and its like: the last argument is a stream. */
static bool has_stream(const char *name) {
  return strncmp(name, "fread", 5) == 0 || strncmp(name, "fwrite", 6) == 0;
}

static bool is_word(LLVMTypeRef t) {
  LLVMTypeKind k = LLVMGetTypeKind(t);
  return k == LLVMPointerTypeKind || (k == LLVMIntegerTypeKind && (LLVMGetIntTypeWidth(t) == 32 ||
                                                                   LLVMGetIntTypeWidth(t) == 64));
}

/* To be made by the runtime? */
bool mwcc_is_lent(LLVMValueRef call) {
  LLVMValueRef f = mwcc_callee(call);
  size_t len;
  if (!f || f != LLVMGetCalledValue(call) || LLVMCountBasicBlocks(f) ||
      !(LLVMIsACallInst(call) || LLVMIsAInvokeInst(call)))
    return false;
  const char *name = LLVMGetValueName2(f, &len);
  if (!in_table(name) || LLVMGetNumOperandBundles(call) ||
      (LLVMIsACallInst(call) && LLVMGetTailCallKind(call) == LLVMTailCallKindMustTail) ||
      !is_word(LLVMTypeOf(call)))
    return false;
  unsigned n = LLVMGetNumArgOperands(call);
  if (n > MAX_LENT) return false;
  bool any = false, varies = LLVMIsFunctionVarArg(LLVMGetCalledFunctionType(call));
  for (unsigned i = 0; i < n; i++) {
    LLVMValueRef v = LLVMGetOperand(call, i);
    LLVMTypeRef t = LLVMTypeOf(v);
    if (!is_word(t) || mwcc_call_has_attr(call, i + 1, "byval")) return false;
    if (has_stream(name) && i + 1 == n) continue;
    bool pointer = LLVMGetTypeKind(t) == LLVMPointerTypeKind;
    if (pointer && !mwcc_stack_or_const(v)) any = true;
    /* ioctl(fd, what, (unsigned long)p) */
    if (!pointer && varies && LLVMGetIntTypeWidth(t) == 64 && !LLVMIsAConstant(v)) any = true;
  }
  return any;
}

static LLVMValueRef as_word(struct mwcc *c, LLVMValueRef v) {
  if (LLVMGetTypeKind(LLVMTypeOf(v)) == LLVMPointerTypeKind)
    return LLVMBuildPtrToInt(c->b, v, c->t_i64, "");
  return LLVMGetIntTypeWidth(LLVMTypeOf(v)) == 64 ? v : LLVMBuildZExt(c->b, v, c->t_i64, "");
}

/* In the call's place; leaves the builder where the result is there. */
static LLVMValueRef call_or_invoke(struct mwcc *c, LLVMValueRef call, LLVMTypeRef type,
                                   LLVMValueRef f, LLVMValueRef *args, unsigned n) {
  if (LLVMIsACallInst(call)) return LLVMBuildCall2(c->b, type, f, args, n, "");
  /* a thread that is cancelled in it unwinds from here */
  LLVMRemoveEnumAttributeAtIndex(f, (unsigned)LLVMAttributeFunctionIndex,
                                 LLVMGetEnumAttributeKindForName("nounwind", 8));
  LLVMBasicBlockRef after = mwcc_after_invoke(call);
  LLVMValueRef r = LLVMBuildInvoke2(c->b, type, f, args, n, after, LLVMGetUnwindDest(call), "");
  LLVMPositionBuilderBefore(c->b, LLVMGetBasicBlockTerminator(after));
  return r;
}

static void lend(struct mwcc *c, LLVMValueRef call) {
  unsigned n = LLVMGetNumArgOperands(call);
  LLVMTypeRef params[1 + MAX_LENT], type = LLVMTypeOf(call);
  LLVMValueRef args[1 + MAX_LENT];
  char name[32];
  size_t len;
  const char *callee = LLVMGetValueName2(mwcc_callee(call), &len);
  snprintf(name, sizeof name, "mwi_rt_lent%u%s", n, has_stream(callee) ? "_stream" : "");
  LLVMPositionBuilderBefore(c->b, call);
  LLVMSetCurrentDebugLocation2(c->b, LLVMInstructionGetDebugLoc(call));
  params[0] = c->t_ptr;
  args[0] = LLVMGetCalledValue(call);
  for (unsigned i = 0; i < n; i++) {
    params[1 + i] = c->t_i64;
    args[1 + i] = as_word(c, LLVMGetOperand(call, i));
  }
  LLVMTypeRef fn = LLVMFunctionType(c->t_i64, params, 1 + n, false);
  LLVMValueRef r = call_or_invoke(c, call, fn, mwcc_runtime_fn(c, name, fn), args, 1 + n);
  if (LLVMGetTypeKind(type) == LLVMPointerTypeKind)
    r = LLVMBuildIntToPtr(c->b, r, type, "");
  else if (LLVMGetIntTypeWidth(type) < 64)
    r = LLVMBuildTrunc(c->b, r, type, "");
  LLVMReplaceAllUsesWith(call, r);
  LLVMInstructionEraseFromParent(call);
  LLVMSetCurrentDebugLocation2(c->b, NULL);
}

void mwcc_lent_calls(struct mwcc *c, LLVMValueRef fn) {
  struct mwcc_vec calls = {0};
  for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(fn); b; b = LLVMGetNextBasicBlock(b))
    for (LLVMValueRef i = LLVMGetFirstInstruction(b); i; i = LLVMGetNextInstruction(i))
      if (mwcc_is_call(i) && mwcc_is_lent(i)) mwcc_vec_push(&calls, i);
  for (size_t k = 0; k < calls.len; k++) lend(c, calls.at[k]);
  mwcc_vec_fini(&calls);
}
