; SPDX-License-Identifier: MIT
; What says where a variable lives, and places that were not decided.
; RUN: %opt -passes=mallow-verify %s -o %t.out
; It does not say "heap"; is known to the optimiser, or could change; is among other constants:
; RUN: sed "s/ i8 1, section/ i8 0, section/" %s >%t.ll
; RUN: not %opt -passes=mallow-verify %t.ll -o %t.out 2>%t.err
; RUN: grep -q "'mwi_moves.0' does not say where a variable lives" %t.err
; RUN: sed "s/externally_initialized constant/constant/" %s >%t.ll
; RUN: not %opt -passes=mallow-verify %t.ll -o %t.out 2>%t.err
; RUN: grep -q "'mwi_moves.0' does not say where a variable lives" %t.err
; RUN: sed "s/externally_initialized constant/externally_initialized global/" %s >%t.ll
; RUN: not %opt -passes=mallow-verify %t.ll -o %t.out 2>%t.err
; RUN: grep -q "'mwi_moves.0' does not say where a variable lives" %t.err
; RUN: sed "s/, section .mallow_moves.//" %s >%t.ll
; RUN: not %opt -passes=mallow-verify %t.ll -o %t.out 2>%t.err
; RUN: grep -q "'mwi_moves.0' does not say where a variable lives" %t.err
; It is written, or given away:
; RUN: sed "s/call void @nothing()/store i8 0, ptr @mwi_moves.0/" %s >%t.ll
; RUN: not %opt -passes=mallow-verify %t.ll -o %t.out 2>%t.err
; RUN: grep -q "'mwi_moves.0' does not say where a variable lives" %t.err
; RUN: sed "s/call void @nothing()/call void @keep(ptr @mwi_moves.0)/" %s >%t.ll
; RUN: not %opt -passes=mallow-verify %t.ll -o %t.out 2>%t.err
; RUN: grep -q "'mwi_moves.0' does not say where a variable lives" %t.err
; Nobody has decided:
; RUN: sed "s/call void @nothing()/%p = call ptr @mwi_rt_place(ptr null, ptr null, ptr null, i1 false)/" %s >%t.ll
; RUN: not %opt -passes=mallow-verify %t.ll -o %t.out 2>%t.err
; RUN: grep -q "a place was left in 'reads'" %t.err
@mwi_moves.0 = internal externally_initialized constant i8 1, section "mallow_moves"
@llvm.compiler.used = appending global [1 x ptr] [ptr @mwi_moves.0], section "llvm.metadata"
declare ptr @mwi_rt_place(ptr, ptr, ptr, i1)
declare void @keep(ptr)
declare void @nothing()
define i8 @reads() {
  %m = load i8, ptr @mwi_moves.0
  call void @nothing()
  ret i8 %m
}
