// SPDX-License-Identifier: MIT
// Writable globals that may hold pointers are listed with their masks, and the
// file registers itself before the program's own constructors.
// RUN: %ir0 | %check
// RUN: %ir2 | %check
struct s { long n; void *p; };
void *one;
struct s two;
static struct s three[100];
static union { long l; void *p; } four;
long number;
char bytes[4096];
const char *const constant = "constant";
void *use(int i) { three[i].p = one; return four.p; }
void set(void *p) { four.p = p; }
// CHECK-DAG: @mwi_globals = internal constant [4 x %struct.mwi_global]
// CHECK-DAG: %struct.mwi_global { ptr @one, i64 8, ptr null, i64 0 }
// CHECK-DAG: %struct.mwi_global { ptr @two, i64 16, ptr @mwi_mask{{[.0-9]*}}, i64 2 }
// CHECK-DAG: %struct.mwi_global { ptr @three, i64 1600, ptr @mwi_mask{{[.0-9]*}}, i64 2 }
// CHECK-DAG: %struct.mwi_global { ptr @four{{[.0-9]*}}, i64 8, ptr null, i64 0 }
// CHECK-DAG: @mwi_module = internal global %struct.mwi_module { i32 2, i32 4, ptr @mwi_globals, ptr @__start_mw_text, ptr @__stop_mw_text, ptr @mwi_source, i32 0, i32 0, ptr null }
// CHECK-DAG: @llvm.global_ctors = {{.*}}i32 100, ptr @mwi_module_init
// CHECK-DAG: @llvm.global_dtors = {{.*}}i32 100, ptr @mwi_module_fini
// CHECK-DAG: @__start_mw_text = extern_weak hidden global i8
