// SPDX-License-Identifier: MIT
// Hidden results, small integers and floating point survive the way through
// mwi_x functions; calls with arguments on the stack do without; calls between
// two files of a program go straight to the definition.
// RUN: clang-19 -O2 -DLIB -c %s -o %t.plain.o && %mallow cc -O2 -DLIB -c %s -o %t.lib.o
// RUN: for o in 0 1 2 3; do %mallow cc -O$o %s %t.plain.o -o %t.exe && %t.exe && %mallow cc -O$o %s %t.lib.o -o %t.exe && %t.exe || exit 1; done
// RUN: nm %t.plain.o >%t.n && not grep -q mwi_x %t.n
// RUN: %mallow cc -O2 %s %t.lib.o -o %t.exe && objdump -d %t.exe >%t.d && grep -q 'call.*<\(mwi_x\.\)\?few>' %t.d
// RUN: %mallow cc -O2 -fPIC -DLIB -c %s -o %t.pic.o && nm %t.pic.o >%t.n && not grep -q 'mwi_x.few' %t.n
struct big { long a[5]; void *p; };
struct pair { double d; void *p; };
struct big mix(struct big b, signed char c, float f, struct pair q, void **out, _Bool yes, long double e, int i, int j, int k);
struct big few(void *v, signed char c, float f, struct pair q, unsigned short u);
signed char narrow(void *v, signed char c, _Bool b, double d);
#ifdef LIB
struct big few(void *v, signed char c, float f, struct pair q, unsigned short u) {
  return (struct big){{c, (long)f, (long)q.d, u, q.p == v}, v};
}
signed char narrow(void *v, signed char c, _Bool b, double d) { return (signed char)(c * 2 + b + (signed char)d + !v); }
struct big mix(struct big b, signed char c, float f, struct pair q, void **out, _Bool yes, long double e, int i, int j, int k) {
  b.a[0] += c;
  b.a[1] += (long)(f * 2);
  b.a[2] += (long)q.d;
  b.a[3] += yes;
  b.a[4] += (long)e + i + 10 * j + 100 * k;
  *out = b.p;
  b.p = q.p;
  return b;
}
#else
static void *slot;
int main(int argc, char **argv) {
  struct big b = {{1, 2, 3, 4, 5}, argv};
  struct big r = mix(b, (signed char)-argc, 1.5f, (struct pair){2.5, &slot}, argc > 5 ? 0 : &slot, argc == 1, 6.25L, 1, 2, 3);
  struct big s = few(&slot, (signed char)-argc, 7.5f, (struct pair){9.5, argv}, 65535);
  if (s.a[0] != -1 || s.a[1] != 7 || s.a[2] != 9 || s.a[3] != 65535 || s.a[4] || s.p != &slot) return 2;
  if (narrow(argv, -100, argc == 1, 3.25) != (signed char)(-200 + 4)) return 3;
  return !(r.a[0] == 0 && r.a[1] == 5 && r.a[2] == 5 && r.a[3] == 5 && r.a[4] == 5 + 6 + 321 && slot == argv && r.p == &slot);
}
#endif
