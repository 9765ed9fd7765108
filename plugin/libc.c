/* SPDX-License-Identifier: MIT */
/*
 * plugin/libc.c -- what the plugin knows of libc
 *
 * Job      - harmless: functions that store no pointer of the program's
 *            through their arguments and keep none, so a call to them needs no
 *            check while marking is on;
 *          - collected: the malloc family, with -fgc-malloc;
 *          - renamed: blocking calls that the runtime replaces, so that the
 *            goroutine waits instead of its thread;
 *          - __errno_location: a goroutine may come back on another thread,
 *            so the address must be asked for again each time;
 *          - thread-locals: a warning, for the same reason.
 * How      The table is written from the C and POSIX specifications.  Left out
 *          on purpose: functions that call back (qsort, bsearch, tsearch,
 *          ftw), that store a pointer which they were given (strtol's endptr,
 *          strtok_r, setvbuf, setjmp, putenv, iconv, pthread_setspecific, hsearch),
 *          or that hand one to another thread (pthread_create).
 * Threads  The table is sorted when the plugin is loaded, then only read
 *          (lld runs ThinLTO back ends on several threads).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "mallow-cc.h"

/* clang-format off */
static const char *harmless[] = {
    /* <string.h>, <strings.h>, <wchar.h> */
    "memccpy", "memchr", "memrchr", "memcmp", "memcpy", "memmove", "memset", "mempcpy", "memmem",
    "bcmp", "bcopy", "bzero", "explicit_bzero", "strcat", "strchr", "strchrnul", "strcmp",
    "strcoll", "strcpy", "stpcpy", "stpncpy", "strcspn", "strdup", "strerror", "strerror_r",
    "__xpg_strerror_r", "strlen", "strncat", "strncmp", "strncpy", "strndup", "strnlen", "strpbrk",
    "strrchr", "strsignal", "strspn", "strstr", "strcasestr", "strxfrm", "strcasecmp",
    "strncasecmp", "ffs", "ffsl", "ffsll", "index", "rindex", "strlcpy", "strlcat", "strverscmp",
    "basename", "dirname", "__xpg_basename", "wcslen", "wcscpy", "wcscmp", "wcschr", "wmemcpy",
    "wmemset", "mbstowcs", "wcstombs", "mbtowc", "wctomb", "mblen", "mbrtowc", "wcrtomb",
    "mbrlen", "mbsinit", "btowc", "wctob",
    "__memcpy_chk", "__memmove_chk", "__memset_chk", "__mempcpy_chk", "__strcpy_chk",
    "__strncpy_chk", "__strcat_chk", "__strncat_chk", "__stpcpy_chk",
    /* <ctype.h>, <wctype.h> */
    "isalnum", "isalpha", "isascii", "isblank", "iscntrl", "isdigit", "isgraph", "islower",
    "isprint", "ispunct", "isspace", "isupper", "isxdigit", "toascii", "tolower", "toupper",
    "__ctype_b_loc", "__ctype_tolower_loc", "__ctype_toupper_loc", "__ctype_get_mb_cur_max",
    "iswalnum", "iswalpha", "iswdigit", "iswspace", "iswupper", "iswlower", "towlower", "towupper",
    /* <stdio.h> */
    "clearerr", "fclose", "fdopen", "feof", "ferror", "fflush", "fgetc", "fgetpos", "fgets",
    "fileno", "flockfile", "funlockfile", "fopen", "fopen64", "fprintf", "fputc", "fputs", "fread",
    "freopen", "fscanf", "fseek", "fseeko", "fseeko64", "fsetpos", "ftell", "ftello", "ftello64",
    "fwrite", "getc", "getchar", "getc_unlocked", "getchar_unlocked", "getline", "getdelim",
    "__getdelim", "gets", "getw", "pclose", "perror", "popen", "printf", "putc", "putchar",
    "putc_unlocked", "putchar_unlocked", "puts", "putw", "remove", "rename", "renameat", "rewind",
    "scanf", "snprintf", "sprintf", "sscanf", "tempnam", "tmpfile", "tmpfile64", "tmpnam",
    "ungetc", "vfprintf", "vprintf", "vsnprintf", "vsprintf", "vfscanf", "vscanf", "vsscanf",
    "asprintf", "vasprintf", "dprintf", "vdprintf", "fputs_unlocked", "fwrite_unlocked",
    "fread_unlocked", "fgets_unlocked", "fflush_unlocked", "ferror_unlocked", "feof_unlocked",
    "__isoc99_scanf", "__isoc99_sscanf", "__isoc99_fscanf", "__isoc99_vsscanf", "__isoc23_scanf",
    "__isoc23_sscanf", "__isoc23_fscanf", "__isoc23_vsscanf", "__isoc99_vfscanf",
    "__printf_chk", "__fprintf_chk", "__sprintf_chk", "__snprintf_chk", "__vprintf_chk",
    "__vfprintf_chk", "__vsprintf_chk", "__vsnprintf_chk", "__asprintf_chk", "__vasprintf_chk",
    "__dprintf_chk", "__fgets_chk", "__fread_chk", "__uflow", "__overflow",
    /* <stdlib.h> */
    "_Exit", "_exit", "abort", "abs", "labs", "llabs", "atof", "atoi", "atol", "atoll", "calloc",
    "malloc", "realloc", "reallocarray", "free", "aligned_alloc", "posix_memalign", "memalign",
    "valloc", "malloc_usable_size", "malloc_trim", "cfree", "div", "ldiv", "lldiv", "drand48",
    "erand48", "exit", "quick_exit", "getenv", "secure_getenv", "setenv", "unsetenv", "clearenv",
    "lrand48", "mrand48", "srand48", "mkdtemp", "mkstemp", "mkstemps", "mkostemp", "rand",
    "rand_r", "random", "srand", "srandom", "realpath", "system", "getloadavg", "arc4random",
    "arc4random_uniform", "arc4random_buf",
    /* <math.h>, <complex.h>, <fenv.h> */
    "acos", "acosf", "acosl", "acosh", "acoshf", "asin", "asinf", "asinl", "asinh", "atan",
    "atanf", "atanl", "atan2", "atan2f", "atan2l", "atanh", "cbrt", "cbrtf", "ceil", "ceilf",
    "ceill", "copysign", "cos", "cosf", "cosl", "cosh", "coshf", "erf", "erfc", "exp", "expf",
    "expl", "exp2", "exp2f", "exp10", "expm1", "fabs", "fabsf", "fabsl", "fdim", "floor", "floorf",
    "floorl", "fma", "fmaf", "fmax", "fmaxf", "fmin", "fminf", "fmod", "fmodf", "fmodl", "frexp",
    "frexpf", "frexpl", "hypot", "hypotf", "ilogb", "ldexp", "ldexpf", "ldexpl", "lgamma",
    "llrint", "llround", "log", "logf", "logl", "log10", "log10f", "log1p", "log2", "log2f",
    "logb", "lrint", "lround", "modf", "modff", "modfl", "nan", "nearbyint", "nextafter", "pow",
    "powf", "powl", "remainder", "remquo", "rint", "rintf", "round", "roundf", "scalbn",
    "scalbln", "sin", "sinf", "sinl", "sincos", "sincosf", "sinh", "sqrt", "sqrtf", "sqrtl", "tan",
    "tanf", "tanl", "tanh", "tgamma", "trunc", "truncf", "truncl", "cabs", "cexp", "cpow", "csqrt",
    "feclearexcept", "fegetround", "fesetround", "feraiseexcept", "fetestexcept",
    /* <time.h>, <sys/time.h> */
    "asctime", "asctime_r", "clock", "clock_gettime", "clock_getres", "clock_settime",
    "clock_nanosleep", "ctime", "ctime_r", "difftime", "gettimeofday", "gmtime", "gmtime_r",
    "localtime", "localtime_r", "mktime", "nanosleep", "strftime", "strptime", "time", "timegm",
    "times", "tzset", "utime", "utimes", "utimensat", "futimens", "getrusage", "sleep", "usleep",
    /* <unistd.h>, <fcntl.h>, <sys/stat.h>, <dirent.h> and their kind */
    "access", "faccessat", "alarm", "chdir", "chmod", "chown", "chroot", "close", "closedir",
    "closefrom", "confstr", "creat", "dup", "dup2", "dup3", "execl", "execle", "execlp", "execv",
    "execve", "execvp", "execvpe", "fexecve", "execveat", "fchdir", "fchmod", "fchown", "fcntl",
    "fcntl64", "fdatasync", "flock", "fork", "vfork", "fpathconf", "fstat", "fstat64", "fstatat", "fstatat64", "fstatvfs", "fsync",
    "ftruncate", "ftruncate64", "getcwd", "getegid", "geteuid", "getgid", "getgroups",
    "gethostname", "getlogin", "getpagesize", "getpgid", "getpgrp", "getpid", "getppid",
    "getpriority", "getrandom", "getentropy", "getrlimit", "getrlimit64", "setrlimit", "getsid",
    "getuid", "ioctl", "isatty", "kill", "lchown", "link", "linkat", "lockf", "lseek", "lseek64",
    "lstat", "lstat64", "madvise", "mkdir", "mkdirat", "mkfifo", "mknod", "mmap", "mmap64",
    "mprotect", "msync", "munmap", "mlock", "munlock", "nice", "open", "open64", "openat",
    "openat64", "opendir", "fdopendir", "pathconf", "pause", "pipe", "pipe2", "poll", "ppoll",
    "pread", "pread64", "pwrite", "pwrite64", "raise", "read", "readdir", "readdir64",
    "readlink", "readlinkat", "readv", "rewinddir", "rmdir", "sched_getaffinity",
    "sched_getcpu", "sched_yield", "seekdir", "select", "pselect", "setegid", "seteuid", "setgid",
    "setpgid", "setpriority", "setsid", "setuid", "sigaddset", "sigdelset", "sigemptyset",
    "sigfillset", "sigismember", "sigprocmask", "pthread_sigmask", "sigaction", "signal",
    "sigpending", "sigsuspend", "sigwait", "stat", "stat64", "statvfs", "symlink", "symlinkat",
    "sync", "sysconf", "sysinfo", "telldir", "truncate", "ttyname", "umask", "uname", "unlink",
    "unlinkat", "wait", "waitpid", "wait4", "write", "writev", "copy_file_range", "sendfile",
    "splice", "memfd_create", "eventfd", "timerfd_create", "timerfd_settime", "inotify_init1",
    "inotify_add_watch", "getopt", "getopt_long", "getopt_long_only", "__fdelt_chk", "__read_chk",
    "__fxstat", "__xstat", "__lxstat", "syscall", "prctl", "getauxval",
    /* sockets */
    "accept", "accept4", "bind", "connect", "epoll_create", "epoll_create1", "epoll_wait",
    "freeaddrinfo", "gai_strerror", "getaddrinfo", "gethostbyname", "getnameinfo", "getpeername",
    "getsockname", "getsockopt", "htonl", "htons", "inet_aton", "inet_ntoa", "inet_ntop",
    "inet_pton", "listen", "ntohl", "ntohs", "recv", "recvfrom", "recvmsg", "send", "sendmsg",
    "sendto", "setsockopt", "shutdown", "socket", "socketpair",
    /* more of the same, by the names that large files and _FORTIFY_SOURCE give them, too */
    "recvmmsg", "sendmmsg", "sendfile64", "preadv", "preadv64", "pwritev", "pwritev64", "wait3",
    "waitid", "lockf64", "syncfs", "creat64", "freopen64", "epoll_pwait", "epoll_pwait2",
    "sigwaitinfo", "sigtimedwait", "__recv_chk", "__recvfrom_chk", "__pread_chk", "__pread64_chk",
    "__poll_chk", "__ppoll_chk", "__open_2", "__open64_2", "__openat_2", "__openat64_2",
    /* the rest of lent.c's, but for what leaves a pointer in the kernel (timer_create) */
    "statx", "statfs", "statfs64", "statvfs64", "eaccess", "euidaccess", "lchmod", "fchmodat",
    "fchownat", "mkfifoat", "mknodat", "renameat2", "truncate64", "mkstemp64", "mkostemp64",
    "lutimes", "getxattr", "lgetxattr", "setxattr", "lsetxattr", "listxattr", "llistxattr",
    "removexattr", "lremovexattr", "shm_open", "shm_unlink", "mq_unlink", "acct", "swapon",
    "swapoff", "umount", "umount2", "mount", "fstatfs", "fstatfs64", "fstatvfs64", "futimes",
    "fgetxattr", "fsetxattr", "flistxattr", "fremovexattr", "getdents64", "timerfd_gettime",
    "mq_send", "mq_receive", "mq_timedsend", "mq_timedreceive", "mq_getattr", "mq_setattr",
    "signalfd", "settimeofday", "getitimer", "setitimer", "timer_settime", "timer_gettime",
    "setrlimit64", "prlimit", "prlimit64", "sethostname", "getdomainname", "setgroups", "getresuid",
    "getresgid", "mincore", "sched_setaffinity", "sched_getparam", "sched_setparam",
    "sched_setscheduler", "sched_rr_get_interval", "shmctl", "msgctl", "pthread_barrier_wait",
    /* <locale.h>, <langinfo.h>, users, terminals, logs, loading */
    "localeconv", "nl_langinfo", "setlocale", "newlocale", "uselocale", "freelocale", "getpwnam",
    "getpwuid", "getgrnam", "getgrgid", "tcgetattr", "tcsetattr", "cfsetispeed", "cfsetospeed",
    "openlog", "syslog", "closelog", "dlopen", "dlclose", "dlsym", "dlerror", "dladdr",
    /* <setjmp.h>, <assert.h>, <errno.h> */
    "longjmp", "_longjmp", "siglongjmp",
    "__longjmp_chk", "__assert_fail", "__errno_location", "__stack_chk_fail", "err", "errx",
    "warn", "warnx", "error", "backtrace", "backtrace_symbols_fd",
    /* pthreads and semaphores: locks hold no pointer of the program's */
    "pthread_mutex_init", "pthread_mutex_destroy", "pthread_mutex_lock", "pthread_mutex_trylock",
    "pthread_mutex_unlock", "pthread_mutexattr_init", "pthread_mutexattr_settype",
    "pthread_mutexattr_destroy", "pthread_cond_init", "pthread_cond_destroy", "pthread_cond_wait",
    "pthread_cond_timedwait", "pthread_cond_signal", "pthread_cond_broadcast",
    "pthread_rwlock_init", "pthread_rwlock_destroy", "pthread_rwlock_rdlock",
    "pthread_rwlock_wrlock", "pthread_rwlock_unlock", "pthread_self", "pthread_equal",
    "pthread_attr_init", "pthread_attr_destroy", "pthread_attr_setstacksize",
    "pthread_attr_setdetachstate", "pthread_detach", "pthread_kill", "sem_init", "sem_destroy",
    "sem_wait", "sem_trywait", "sem_post", "sem_timedwait", "sem_clockwait", "semop", "semtimedop",
    "msgsnd", "msgrcv", "pthread_mutex_timedlock", "pthread_mutex_clocklock",
    "pthread_mutex_consistent", "pthread_mutexattr_setpshared", "pthread_mutexattr_setprotocol",
    "pthread_mutexattr_setrobust", "pthread_mutexattr_gettype", "pthread_condattr_init",
    "pthread_condattr_destroy", "pthread_condattr_setclock", "pthread_condattr_setpshared",
    "pthread_cond_clockwait", "pthread_rwlock_tryrdlock", "pthread_rwlock_trywrlock",
    "pthread_rwlock_timedrdlock", "pthread_rwlock_timedwrlock", "pthread_rwlockattr_init",
    "pthread_rwlockattr_destroy", "pthread_barrier_init", "pthread_barrier_destroy",
    "pthread_barrierattr_init", "pthread_barrierattr_destroy", "pthread_spin_init",
    "pthread_spin_lock", "pthread_spin_trylock", "pthread_spin_unlock", "pthread_spin_destroy",
    "pthread_setname_np", "pthread_getname_np", "pthread_setaffinity_np",
    "pthread_getaffinity_np", "pthread_attr_getstacksize", "pthread_attr_setguardsize",
    "pthread_attr_getguardsize", "pthread_attr_getdetachstate", "pthread_attr_setschedparam",
    "pthread_attr_getschedparam", "pthread_attr_setschedpolicy", "pthread_attr_setinheritsched",
    "pthread_attr_setscope", "pthread_getschedparam", "pthread_setschedparam",
    "pthread_setcancelstate", "pthread_setcanceltype", "sem_unlink",
    /* wide characters, locales by argument */
    "wcsncpy", "wcscat", "wcsncat", "wcsncmp", "wcscoll", "wcsxfrm", "wcsrchr", "wcsstr", "wcspbrk",
    "wcsspn", "wcscspn", "wmemchr", "wmemcmp", "wcpcpy", "wcpncpy", "wcsnlen", "wcscasecmp",
    "wcsncasecmp", "wcsftime", "fgetws", "fputws", "fgetwc", "fputwc", "getwc", "putwc", "ungetwc",
    "fwide", "wprintf", "fwprintf", "vfwprintf", "vswprintf", "vwprintf", "fwscanf", "swscanf",
    "wscanf", "mbrtoc16", "c16rtomb", "mbrtoc32", "c32rtomb", "wctype", "wctrans", "strcoll_l",
    "strxfrm_l", "strcasecmp_l", "strncasecmp_l", "strftime_l",
    /* what is left of C and POSIX */
    "fputc_unlocked", "fgetc_unlocked", "fileno_unlocked", "clearerr_unlocked", "ftrylockfile",
    "setlinebuf", "ctermid", "__isoc23_vfscanf", "__isoc23_vscanf", "__isoc99_vscanf",
    "__vdprintf_chk", "__realpath_chk", "__getcwd_chk", "__stpncpy_chk", "__readlink_chk",
    "__gethostname_chk", "__explicit_bzero_chk", "__getgroups_chk", "__confstr_chk", "nrand48",
    "jrand48", "seed48", "lcong48", "mkstemps64", "mkostemps", "gcvt", "a64l", "ptsname_r",
    "strfromd", "strfromf", "strfroml", "clock_getcpuclockid", "timespec_get", "adjtime",
    "timer_delete", "timer_getoverrun", "fnmatch", "getlogin_r", "ttyname_r", "cfgetispeed",
    "cfgetospeed", "cfmakeraw", "cfsetspeed", "getgrouplist", "initgroups", "gethostbyaddr",
    "getservbyname", "getservbyport", "getprotobyname", "herror", "inet_addr", "inet_network",
    "if_nametoindex", "if_indextoname", "if_freenameindex", "getifaddrs", "freeifaddrs", "psignal",
    "backtrace_symbols", "iconv_open", "iconv_close", "swab", "remquof", "remquol", "mq_open",
    "dlvsym",
};

/* Harmless, and yet they run constructors, exit handlers, fork handlers, ... */
static const char *const calls_back[] = {"dlopen",     "dlclose", "exit",
                                         "quick_exit", "fork",    "error"};

/* Harmless, but they write text, or what comes from outside, where an argument points. */
static const struct { const char *name; unsigned arg; } fills[] = {
    {"strcpy", 0}, {"strncpy", 0}, {"stpcpy", 0}, {"stpncpy", 0}, {"strlcpy", 0}, {"strcat", 0},
    {"strncat", 0}, {"strlcat", 0}, {"strxfrm", 0}, {"memccpy", 0}, {"explicit_bzero", 0},
    {"swab", 1}, {"wcscpy", 0}, {"wmemcpy", 0}, {"wmemset", 0}, {"mbstowcs", 0}, {"wcstombs", 0},
    {"wcrtomb", 0}, {"wctomb", 0}, {"mbrtowc", 0}, {"mbtowc", 0}, {"__strcpy_chk", 0},
    {"__strncpy_chk", 0}, {"__strcat_chk", 0}, {"__strncat_chk", 0}, {"__stpcpy_chk", 0},
    {"sprintf", 0}, {"snprintf", 0}, {"vsprintf", 0}, {"vsnprintf", 0}, {"__sprintf_chk", 0},
    {"__snprintf_chk", 0}, {"__vsprintf_chk", 0}, {"__vsnprintf_chk", 0}, {"fgets", 0},
    {"fgets_unlocked", 0}, {"__fgets_chk", 0}, {"gets", 0}, {"fread", 0}, {"fread_unlocked", 0},
    {"__fread_chk", 0}, {"read", 1}, {"__read_chk", 1}, {"pread", 1}, {"pread64", 1},
    {"__pread_chk", 1}, {"__pread64_chk", 1}, {"recv", 1}, {"__recv_chk", 1}, {"recvfrom", 1},
    {"__recvfrom_chk", 1}, {"readlink", 1}, {"readlinkat", 2}, {"getcwd", 0}, {"gethostname", 0},
    {"strftime", 0}, {"asctime_r", 1}, {"ctime_r", 1}, {"inet_ntop", 2}, {"strerror_r", 1},
    {"__xpg_strerror_r", 1}, {"getrandom", 0}, {"getentropy", 0}, {"arc4random_buf", 0},
};

/* Same prototypes; the runtime's park the goroutine or hand its processor over,
 * and sort with barriers.  type: result and parameters (i int, l long, p pointer,
 * v none, . variable); a function of the program's own that happens to have such
 * a name mostly has another type. */
static const struct { const char *from, *to, *type; } renamed[] = {
    {"sleep", "mwi_rt_sleep", "i:i"},
    {"usleep", "mwi_rt_usleep", "i:i"},
    {"nanosleep", "mwi_rt_nanosleep", "i:pp"},
    {"read", "mwi_rt_read", "l:ipl"},
    {"write", "mwi_rt_write", "l:ipl"},
    {"readv", "mwi_rt_readv", "l:ipi"},
    {"writev", "mwi_rt_writev", "l:ipi"},
    {"recv", "mwi_rt_recv", "l:ipli"},
    {"recvfrom", "mwi_rt_recvfrom", "l:iplipp"},
    {"recvmsg", "mwi_rt_recvmsg", "l:ipi"},
    {"send", "mwi_rt_send", "l:ipli"},
    {"sendto", "mwi_rt_sendto", "l:iplipi"},
    {"sendmsg", "mwi_rt_sendmsg", "l:ipi"},
    {"recvmmsg", "mwi_rt_recvmmsg", "i:ipiip"},
    {"sendmmsg", "mwi_rt_sendmmsg", "i:ipii"},
    {"open", "mwi_rt_open", "i:pi."},
    {"openat", "mwi_rt_openat", "i:ipi."},
    {"creat", "mwi_rt_creat", "i:pi"},
    {"close", "mwi_rt_close", "i:i"},
    {"dup", "mwi_rt_dup", "i:i"},
    {"dup2", "mwi_rt_dup2", "i:ii"},
    {"dup3", "mwi_rt_dup3", "i:iii"},
    {"fcntl", "mwi_rt_fcntl", "i:ii."},
    {"socket", "mwi_rt_socket", "i:iii"},
    {"socketpair", "mwi_rt_socketpair", "i:iiip"},
    {"pipe", "mwi_rt_pipe", "i:p"},
    {"pipe2", "mwi_rt_pipe2", "i:pi"},
    {"accept", "mwi_rt_accept", "i:ipp"},
    {"accept4", "mwi_rt_accept4", "i:ippi"},
    {"connect", "mwi_rt_connect", "i:ipi"},
    {"fclose", "mwi_rt_fclose", "i:p"},
    {"pclose", "mwi_rt_pclose", "i:p"},
    {"freopen", "mwi_rt_freopen", "p:ppp"},
    {"ppoll", "mwi_rt_ppoll", "i:plpp"},
    {"select", "mwi_rt_select", "i:ipppp"},
    {"pselect", "mwi_rt_pselect", "i:ippppp"},
    {"epoll_wait", "mwi_rt_epoll_wait", "i:ipii"},
    {"epoll_pwait", "mwi_rt_epoll_pwait", "i:ipiip"},
    {"epoll_pwait2", "mwi_rt_epoll_pwait2", "i:ipipp"},
    {"waitpid", "mwi_rt_waitpid", "i:ipi"},
    {"wait", "mwi_rt_wait", "i:p"},
    {"wait3", "mwi_rt_wait3", "i:pip"},
    {"wait4", "mwi_rt_wait4", "i:ipip"},
    {"waitid", "mwi_rt_waitid", "i:iipi"},
    {"flock", "mwi_rt_flock", "i:ii"},
    {"lockf", "mwi_rt_lockf", "i:iil"},
    {"fsync", "mwi_rt_fsync", "i:i"},
    {"fdatasync", "mwi_rt_fdatasync", "i:i"},
    {"sync", "mwi_rt_sync", "v:"},
    {"syncfs", "mwi_rt_syncfs", "i:i"},
    {"msync", "mwi_rt_msync", "i:pli"},
    {"ftruncate", "mwi_rt_ftruncate", "i:il"},
    {"pread", "mwi_rt_pread", "l:ipll"},
    {"pwrite", "mwi_rt_pwrite", "l:ipll"},
    {"preadv", "mwi_rt_preadv", "l:ipil"},
    {"pwritev", "mwi_rt_pwritev", "l:ipil"},
    {"preadv2", "mwi_rt_preadv2", "l:ipili"},
    {"pwritev2", "mwi_rt_pwritev2", "l:ipili"},
    {"vmsplice", "mwi_rt_vmsplice", "l:ipli"},
    {"process_vm_readv", "mwi_rt_process_vm_readv", "l:iplpll"},
    {"process_vm_writev", "mwi_rt_process_vm_writev", "l:iplpll"},
    {"sendfile", "mwi_rt_sendfile", "l:iipl"},
    {"splice", "mwi_rt_splice", "l:ipipli"},
    {"copy_file_range", "mwi_rt_copy_file_range", "l:ipipli"},
    {"getaddrinfo", "mwi_rt_getaddrinfo", "i:pppp"},
    {"getnameinfo", "mwi_rt_getnameinfo", "i:pipipii"},
    {"gethostbyname", "mwi_rt_gethostbyname", "p:p"},
    {"system", "mwi_rt_system", "i:p"},
    {"execve", "mwi_rt_execve", "i:ppp"},
    {"execv", "mwi_rt_execv", "i:pp"},
    {"execvp", "mwi_rt_execvp", "i:pp"},
    {"execvpe", "mwi_rt_execvpe", "i:ppp"},
    {"fexecve", "mwi_rt_fexecve", "i:ipp"},
    {"execveat", "mwi_rt_execveat", "i:ipppi"},
    {"execl", "mwi_rt_execl", "i:pp."},
    {"execlp", "mwi_rt_execlp", "i:pp."},
    {"execle", "mwi_rt_execle", "i:pp."},
    {"pause", "mwi_rt_pause", "i:"},
    {"sigsuspend", "mwi_rt_sigsuspend", "i:p"},
    {"sigwait", "mwi_rt_sigwait", "i:pp"},
    {"__xpg_sigpause", "mwi_rt_sigpause", "i:i"}, /* and others of old (signal_older.c) */
    {"siginterrupt", "mwi_rt_siginterrupt", "i:ii"},
    {"ssignal", "mwi_rt_signal", "p:ip"},
    {"sigset", "mwi_rt_sigset", "p:ip"},
    {"sigignore", "mwi_rt_sigignore", "i:i"},
    {"sighold", "mwi_rt_sighold", "i:i"},
    {"sigrelse", "mwi_rt_sigrelse", "i:i"},
    {"sigblock", "mwi_rt_sigblock", "i:i"},
    {"sigsetmask", "mwi_rt_sigsetmask", "i:i"},
    {"siggetmask", "mwi_rt_siggetmask", "i:"},
    {"sigwaitinfo", "mwi_rt_sigwaitinfo", "i:pp"},
    {"sigtimedwait", "mwi_rt_sigtimedwait", "i:ppp"},
    {"clock_nanosleep", "mwi_rt_clock_nanosleep", "i:iipp"},
    {"semop", "mwi_rt_semop", "i:ipl"},
    {"semtimedop", "mwi_rt_semtimedop", "i:iplp"},
    {"msgsnd", "mwi_rt_msgsnd", "i:ipli"},
    {"msgrcv", "mwi_rt_msgrcv", "l:iplli"},
    {"sem_wait", "mwi_rt_sem_wait", "i:p"},
    {"sem_timedwait", "mwi_rt_sem_timedwait", "i:pp"},
    {"sem_clockwait", "mwi_rt_sem_clockwait", "i:pip"},
    {"syscall", "mwi_rt_syscall", "l:l."},
    {"open64", "mwi_rt_open", "i:pi."},
    {"openat64", "mwi_rt_openat", "i:ipi."},
    {"creat64", "mwi_rt_creat", "i:pi"},
    {"fcntl64", "mwi_rt_fcntl", "i:ii."},
    {"freopen64", "mwi_rt_freopen", "p:ppp"},
    {"lockf64", "mwi_rt_lockf", "i:iil"},
    {"ftruncate64", "mwi_rt_ftruncate", "i:il"},
    {"pread64", "mwi_rt_pread", "l:ipll"},
    {"pwrite64", "mwi_rt_pwrite", "l:ipll"},
    {"preadv64", "mwi_rt_preadv", "l:ipil"},
    {"preadv64v2", "mwi_rt_preadv2", "l:ipili"},
    {"pwritev64v2", "mwi_rt_pwritev2", "l:ipili"},
    {"pwritev64", "mwi_rt_pwritev", "l:ipil"},
    {"sendfile64", "mwi_rt_sendfile", "l:iipl"},
    {"poll", "mwi_rt_pollfds", "i:pli"},
    {"__read_chk", "mwi_rt_read_chk", "l:ipll"},
    {"__recv_chk", "mwi_rt_recv_chk", "l:iplli"},
    {"__recvfrom_chk", "mwi_rt_recvfrom_chk", "l:ipllipp"},
    {"__pread_chk", "mwi_rt_pread_chk", "l:iplll"},
    {"__pread64_chk", "mwi_rt_pread_chk", "l:iplll"},
    {"__poll_chk", "mwi_rt_poll_chk", "i:plil"},
    {"__ppoll_chk", "mwi_rt_ppoll_chk", "i:plppl"},
    {"__open_2", "mwi_rt_open_2", "i:pi"},
    {"__open64_2", "mwi_rt_open_2", "i:pi"},
    {"__openat_2", "mwi_rt_openat_2", "i:ipi"},
    {"__openat64_2", "mwi_rt_openat_2", "i:ipi"},
    {"qsort", "mwi_rt_qsort", "v:pllp"},
    {"qsort_r", "mwi_rt_qsort_r", "v:pllpp"},
};
/* What belongs to the thread or to the process (external.c, signal*.c, libc_process.c, libc_lock.c,
 * jump.c, kept.c of src/sched). */
static const struct { const char *from, *to; } threads[] = {
    {"fopencookie", "mwi_rt_fopencookie"},
    {"posix_spawn", "mwi_rt_posix_spawn"},
    {"posix_spawnp", "mwi_rt_posix_spawnp"},
    {"popen", "mwi_rt_popen"},
    {"vfork", "fork"}, /* a child that shares our memory must not meet the scheduler */
    {"sigaction", "mwi_rt_sigaction"},
    {"signal", "mwi_rt_signal"},
    {"bsd_signal", "mwi_rt_signal"},
    {"sysv_signal", "mwi_rt_sysv_signal"},
    {"__sysv_signal", "mwi_rt_sysv_signal"},
    {"sigprocmask", "mwi_rt_sigprocmask"},
    {"pthread_sigmask", "mwi_rt_pthread_sigmask"},
    {"longjmp", "mwi_rt_longjmp"},
    {"_longjmp", "mwi_rt_longjmp"},
    {"siglongjmp", "mwi_rt_longjmp"},
    {"__longjmp_chk", "mwi_rt_longjmp"},
    {"timer_create", "mwi_rt_timer_create"}, /* make threads */
    {"mq_notify", "mwi_rt_mq_notify"},
    {"aio_read", "mwi_rt_aio_read"},
    {"aio_read64", "mwi_rt_aio_read"},
    {"aio_write", "mwi_rt_aio_write"},
    {"aio_write64", "mwi_rt_aio_write"},
    {"aio_fsync", "mwi_rt_aio_fsync"},
    {"aio_fsync64", "mwi_rt_aio_fsync"},
    {"timer_delete", "mwi_rt_timer_delete"},
    {"epoll_ctl", "mwi_rt_epoll_ctl"}, /* keep what libc or the kernel has */
    {"on_exit", "mwi_rt_on_exit"},
    {"pthread_join", "mwi_rt_pthread_join"},
    {"pthread_tryjoin_np", "mwi_rt_pthread_tryjoin_np"},
    {"pthread_timedjoin_np", "mwi_rt_pthread_timedjoin_np"},
    {"pthread_clockjoin_np", "mwi_rt_pthread_clockjoin_np"},
    {"pthread_detach", "mwi_rt_pthread_detach"},
    {"pthread_exit", "mwi_rt_pthread_exit"},
    {"thrd_exit", "mwi_rt_thrd_exit"},
    {"pthread_mutex_lock", "mwi_rt_pthread_mutex_lock"},
    {"pthread_mutex_trylock", "mwi_rt_pthread_mutex_trylock"},
    {"pthread_mutex_timedlock", "mwi_rt_pthread_mutex_timedlock"},
    {"pthread_mutex_clocklock", "mwi_rt_pthread_mutex_clocklock"},
    {"pthread_mutex_unlock", "mwi_rt_pthread_mutex_unlock"},
    {"pthread_cond_wait", "mwi_rt_pthread_cond_wait"},
    {"pthread_cond_timedwait", "mwi_rt_pthread_cond_timedwait"},
    {"pthread_cond_clockwait", "mwi_rt_pthread_cond_clockwait"},
    {"pthread_rwlock_rdlock", "mwi_rt_pthread_rwlock_rdlock"},
    {"pthread_rwlock_wrlock", "mwi_rt_pthread_rwlock_wrlock"},
    {"pthread_rwlock_tryrdlock", "mwi_rt_pthread_rwlock_tryrdlock"},
    {"pthread_rwlock_trywrlock", "mwi_rt_pthread_rwlock_trywrlock"},
    {"pthread_rwlock_timedrdlock", "mwi_rt_pthread_rwlock_timedrdlock"},
    {"pthread_rwlock_timedwrlock", "mwi_rt_pthread_rwlock_timedwrlock"},
    {"pthread_rwlock_unlock", "mwi_rt_pthread_rwlock_unlock"},
    {"flockfile", "mwi_rt_flockfile"},
    {"ftrylockfile", "mwi_rt_ftrylockfile"},
    {"funlockfile", "mwi_rt_funlockfile"},
};
/* C11's, whose names programs older than C11 define for themselves: by type, as in `renamed`.
 * Where even that is the same, src/sched/libc_lock.c finds out. */
static const struct { const char *from, *to, *type; } c11[] = {
    {"mtx_lock", "mwi_rt_mtx_lock", "i:p"},
    {"mtx_trylock", "mwi_rt_mtx_trylock", "i:p"},
    {"mtx_timedlock", "mwi_rt_mtx_timedlock", "i:pp"},
    {"mtx_unlock", "mwi_rt_mtx_unlock", "i:p"},
    {"cnd_wait", "mwi_rt_cnd_wait", "i:pp"},
    {"cnd_timedwait", "mwi_rt_cnd_timedwait", "i:ppp"},
    {"thrd_sleep", "mwi_rt_thrd_sleep", "i:pp"},
    {"thrd_yield", "mwi_rt_thrd_yield", "v:"},
    {"sched_yield", "mwi_rt_sched_yield", "i:"},
};
/* With -fgc-malloc; src/gc/gcmalloc.c. */
static const struct { const char *from, *to; } collected[] = {
    {"malloc", "mwi_rt_malloc"},
    {"calloc", "mwi_rt_calloc"},
    {"realloc", "mwi_rt_realloc"},
    {"reallocarray", "mwi_rt_reallocarray"},
    {"free", "mwi_rt_free"},
    {"cfree", "mwi_rt_free"},
    {"aligned_alloc", "mwi_rt_aligned_alloc"},
    {"memalign", "mwi_rt_aligned_alloc"},
    {"posix_memalign", "mwi_rt_posix_memalign"},
    {"valloc", "mwi_rt_valloc"},
    {"malloc_usable_size", "mwi_rt_malloc_usable_size"},
    {"strdup", "mwi_rt_strdup"},
    {"__strdup", "mwi_rt_strdup"},
    {"strndup", "mwi_rt_strndup"},
    {"__strndup", "mwi_rt_strndup"},
    {"wcsdup", "mwi_rt_wcsdup"},
    {"asprintf", "mwi_rt_asprintf"},
    {"vasprintf", "mwi_rt_vasprintf"},
};
/* clang-format on */

static int by_name(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

__attribute__((constructor)) static void sort_table(void) {
  qsort(harmless, sizeof harmless / sizeof harmless[0], sizeof harmless[0], by_name);
}

bool mwcc_harmless(const char *name) {
  return bsearch(&name, harmless, sizeof harmless / sizeof harmless[0], sizeof harmless[0],
                 by_name) != NULL;
}

bool mwcc_calls_back(const char *name) {
  for (size_t i = 0; i < sizeof calls_back / sizeof calls_back[0]; i++)
    if (strcmp(name, calls_back[i]) == 0) return true;
  return false;
}

bool mwcc_fills(const char *name, unsigned *arg) {
  name = mwcc_libc_name(name);
  for (size_t i = 0; i < sizeof fills / sizeof fills[0]; i++) {
    if (strcmp(name, fills[i].name) != 0) continue;
    *arg = fills[i].arg;
    return true;
  }
  return false;
}

const char *mwcc_libc_name(const char *name) {
  if (strncmp(name, "mwi_rt_", 7) != 0) return name;
  for (size_t i = 0; i < sizeof renamed / sizeof renamed[0]; i++)
    if (strcmp(renamed[i].to, name) == 0) return renamed[i].from;
  return name;
}

static char letter_of(LLVMTypeRef t) {
  switch (LLVMGetTypeKind(t)) {
  case LLVMVoidTypeKind:
    return 'v';
  case LLVMPointerTypeKind:
    return 'p';
  case LLVMIntegerTypeKind:
    return LLVMGetIntTypeWidth(t) == 32 ? 'i' : LLVMGetIntTypeWidth(t) == 64 ? 'l' : '?';
  default:
    return '?';
  }
}

/* Declared without a prototype passes too: then only the result is known. */
static bool has_type(LLVMValueRef f, const char *letters) {
  LLVMTypeRef t = LLVMGlobalGetValueType(f), params[8];
  unsigned n = LLVMCountParamTypes(t);
  bool variadic = LLVMIsFunctionVarArg(t);
  if (letter_of(LLVMGetReturnType(t)) != letters[0]) return false;
  if (variadic && n == 0) return true;
  if (n > 8 || strlen(letters) != 2 + (size_t)n + variadic) return false;
  LLVMGetParamTypes(t, params);
  for (unsigned i = 0; i < n; i++)
    if (letter_of(params[i]) != letters[2 + i]) return false;
  return !variadic || letters[2 + n] == '.';
}

/* type: NULL for any. */
static void rename_function(struct mwcc *c, const char *from, const char *name, const char *type) {
  LLVMValueRef f = LLVMGetNamedFunction(c->mod, from);
  if (!f || LLVMCountBasicBlocks(f) || (type && !has_type(f, type))) return;
  LLVMValueRef to = LLVMGetNamedFunction(c->mod, name);
  if (to)
    LLVMReplaceAllUsesWith(f, to);
  else
    LLVMSetValueName2(f, name, strlen(name));
}

static void forget_errno(struct mwcc *c) {
  const char *const attrs[] = {"memory", "speculatable", "nosync"};
  LLVMValueRef f = LLVMGetNamedFunction(c->mod, "__errno_location");
  if (!f) return;
  for (size_t a = 0; a < sizeof attrs / sizeof attrs[0]; a++) {
    unsigned kind = LLVMGetEnumAttributeKindForName(attrs[a], strlen(attrs[a]));
    LLVMRemoveEnumAttributeAtIndex(f, LLVMAttributeFunctionIndex, kind);
    for (LLVMUseRef u = LLVMGetFirstUse(f); u; u = LLVMGetNextUse(u)) {
      LLVMValueRef call = LLVMGetUser(u);
      if (LLVMIsAInstruction(call) && mwcc_callee(call) == f)
        LLVMRemoveCallSiteEnumAttribute(call, LLVMAttributeFunctionIndex, kind);
    }
  }
}

void mwcc_libc_calls(struct mwcc *c) {
  for (size_t i = 0; i < sizeof renamed / sizeof renamed[0]; i++)
    rename_function(c, renamed[i].from, renamed[i].to, renamed[i].type);
  for (size_t i = 0; i < sizeof threads / sizeof threads[0]; i++)
    rename_function(c, threads[i].from, threads[i].to, NULL);
  for (size_t i = 0; i < sizeof c11 / sizeof c11[0]; i++)
    rename_function(c, c11[i].from, c11[i].to, c11[i].type);
  for (size_t i = 0; mwcc_options()->gc_malloc && i < sizeof collected / sizeof collected[0]; i++)
    rename_function(c, collected[i].from, collected[i].to, NULL);
  forget_errno(c);
}

/* An instruction that uses v, through constant expressions; NULL when none. */
static LLVMValueRef some_use(LLVMValueRef v, int depth) {
  for (LLVMUseRef u = LLVMGetFirstUse(v); u && depth < 4; u = LLVMGetNextUse(u)) {
    LLVMValueRef user = LLVMGetUser(u);
    if (LLVMIsAInstruction(user)) return user;
    if (LLVMIsAConstantExpr(user)) {
      LLVMValueRef i = some_use(user, depth + 1);
      if (i) return i;
    }
  }
  return NULL;
}

void mwcc_warn_thread_locals(struct mwcc *c) {
  if (!mwcc_options()->warn_tls) return;
  for (LLVMValueRef g = LLVMGetFirstGlobal(c->mod); g; g = LLVMGetNextGlobal(g)) {
    if (!LLVMIsThreadLocal(g)) continue;
    LLVMValueRef use = some_use(g, 0);
    size_t len;
    const char *name = LLVMGetValueName2(g, &len);
    if (use && strcmp(name, "errno") != 0)
      mwcc_report(use, MWCC_WARNING,
                  "thread-local '%s' is per thread, and goroutines migrate [-Wmallow-tls]", name);
  }
}
