; SPDX-License-Identifier: MIT
; A marker that was not expanded.
; RUN: not %opt -passes=mallow-verify %s -o %t.out 2>%t.err
; RUN: grep -q "a marker was left in 'leftover'" %t.err
declare void @mwi_mark_store(ptr, ptr)
define void @leftover(ptr %p, ptr %v) {
  call void @mwi_mark_store(ptr %p, ptr %v)
  ret void
}
