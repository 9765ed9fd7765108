/* SPDX-License-Identifier: MIT */
/*
 * base/rt_text.h -- puts all of the runtime's code in one section
 *
 * Included before everything else by the build (-include).  The linker's
 * __start_mw_rt_text and __stop_mw_rt_text then bound the runtime's text, in
 * libmallow.so and libmallow.a alike, and the stop signal's handler can tell
 * an interrupted PC of ours from one in external code.
 */
#ifdef __clang__
#pragma clang section text = "mw_rt_text"
#endif
