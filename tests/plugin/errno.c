// SPDX-License-Identifier: MIT
// errno's address is asked for each time: the goroutine may have migrated.
// RUN: %ir2 | %check
#include <errno.h>
int work(void);
int twice(void) { errno = 0; work(); return errno; }
// CHECK-LABEL: define{{.*}} i32 @twice(
// CHECK: call ptr @__errno_location()
// CHECK: call i32 @work
// CHECK: call ptr @__errno_location()
// CHECK: declare ptr @__errno_location(){{.*}} #[[A:[0-9]+]]
// CHECK-NOT: attributes #[[A]] = {{.*}}memory(none)
