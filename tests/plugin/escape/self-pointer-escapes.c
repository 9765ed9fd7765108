// SPDX-License-Identifier: MIT
// A struct that points to itself, returned.
struct s {
  struct s *self;
};
struct s *f(void) {
  struct s s;
  s.self = &s;
  return s.self;
}
// CHECK: {{^}}{{.*}}self-pointer-escapes.c:7:12: moved to heap: s{{$}}
