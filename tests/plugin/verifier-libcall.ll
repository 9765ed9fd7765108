; SPDX-License-Identifier: MIT
; An instruction that the back end makes a call of is one for the verifier.
; RUN: not %opt -passes=mallow-verify %s -o %t.out 2>%t.err
; RUN: grep -q "between a barrier and its store:.*frem" %t.err
define double @bad(ptr %p, ptr %v, double %x) {
  %f = load volatile i8, ptr addrspace(256) inttoptr (i64 1 to ptr addrspace(256))
  %r = frem double %x, 3.0
  store ptr %v, ptr %p, !mallow.guarded !0
  ret double %r
}
!0 = !{}
