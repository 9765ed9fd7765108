// SPDX-License-Identifier: MIT
// A static variable that the optimiser removes is not kept by the table.
// RUN: %ir2 | %check
static void *unused;
static void set(void *p) { unused = p; }
void nothing(void *p) { if (0) set(p); }
// CHECK-NOT: @mwi_globals
