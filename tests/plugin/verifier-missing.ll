; SPDX-License-Identifier: MIT
; A guarded store that can be reached without its flag.
; RUN: not %opt -passes=mallow-verify %s -o %t.out 2>%t.err
; RUN: grep -q "'unguarded': a store can be reached without its barrier" %t.err
define void @unguarded(ptr %p, ptr %v) {
  store ptr %v, ptr %p, !mallow.guarded !0
  ret void
}
!0 = !{}
