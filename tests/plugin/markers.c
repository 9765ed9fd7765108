// SPDX-License-Identifier: MIT
// What the optimiser sees: markers that perform the operation.
// RUN: %early | %check
#include <string.h>
#include <stdatomic.h>
struct pair { void *a, *b; };
struct three { void *a, *b, *c; };
void all(struct pair *p, struct pair *q, struct three *t, size_t n, _Atomic(void *) *at) {
  p->a = q;
  *p = *q;
  t[0] = t[1];
  memset(p, 0, n);
  *at = p;
}
// CHECK-LABEL: define{{.*}} void @all(
// CHECK: call void @mwi_mark_store(ptr align 8 %{{.*}}, ptr %{{.*}}), !tbaa
// CHECK: call void @mwi_mark_store(ptr align 8 %[[Q:.*]], ptr %{{.*}}), !tbaa
// CHECK-NEXT: %[[B:.*]] = getelementptr inbounds i8, ptr %[[Q]], i64 8
// CHECK-NEXT: call void @mwi_mark_store(ptr align 8 %[[B]], ptr %{{.*}}), !tbaa
// CHECK: call void @mwi_mark_memcpy(ptr align 8 %{{.*}}, ptr align 8 %{{.*}}, i64 24), !tbaa.struct
// CHECK: call void @mwi_mark_memset(ptr {{.*}}, i8 0, i64 %{{.*}})
// CHECK: call void @mwi_mark_astore(ptr %{{.*}}, ptr %{{.*}}, i32 7)
// CHECK: declare void @mwi_mark_store(ptr nocapture writeonly, ptr readnone) #[[A:[0-9]+]]
// CHECK: attributes #[[A]] = { nocallback nofree nounwind willreturn memory(argmem: write, inaccessiblemem: readwrite) "call-inline-cost"="10" }
