; SPDX-License-Identifier: MIT
; The verifier finds a call between the flag and the store.
; RUN: not %opt -passes=mallow-verify %s -o %t.out 2>%t.err
; RUN: grep -q "'bad': between a barrier and its store:.*@sin" %t.err
; RUN: not grep -q "'good'" %t.err
declare double @sin(double)
declare preserve_mostcc void @mwi_rt_wb(ptr, ptr)
define double @bad(ptr %p, ptr %v, double %x) {
  %f = load volatile i8, ptr addrspace(256) inttoptr (i64 1 to ptr addrspace(256))
  %on = icmp ne i8 %f, 0
  br i1 %on, label %slow, label %rest
slow:
  call preserve_mostcc void @mwi_rt_wb(ptr %p, ptr %v)
  br label %rest
rest:
  %s = call double @sin(double %x)
  store ptr %v, ptr %p, !mallow.guarded !0
  ret double %s
}
define double @good(ptr %p, ptr %v, double %x) {
  %s = call double @sin(double %x)
  %f = load volatile i8, ptr addrspace(256) inttoptr (i64 1 to ptr addrspace(256))
  %on = icmp ne i8 %f, 0
  br i1 %on, label %slow, label %rest
slow:
  call preserve_mostcc void @mwi_rt_wb(ptr %p, ptr %v)
  br label %rest
rest:
  store ptr %v, ptr %p, !mallow.guarded !0
  ret double %s
}
!0 = !{}
