; SPDX-License-Identifier: MIT
; A poll between the flag and the store is found on every path.
; RUN: not %opt -passes=mallow-verify %s -o %t.out 2>%t.err
; RUN: grep -q "'bad': between a barrier and its store:.*@mwi_rt_poll" %t.err
declare preserve_mostcc void @mwi_rt_wb(ptr, ptr)
declare preserve_mostcc void @mwi_rt_poll()
define void @bad(ptr %p, ptr %v, i1 %c) {
  %f = load volatile i8, ptr addrspace(256) inttoptr (i64 1 to ptr addrspace(256))
  %on = icmp ne i8 %f, 0
  br i1 %on, label %slow, label %rest
slow:
  call preserve_mostcc void @mwi_rt_wb(ptr %p, ptr %v)
  br label %rest
rest:
  br i1 %c, label %poll, label %store
poll:
  call preserve_mostcc void @mwi_rt_poll()
  br label %store
store:
  store ptr %v, ptr %p, !mallow.guarded !0
  ret void
}
!0 = !{}
