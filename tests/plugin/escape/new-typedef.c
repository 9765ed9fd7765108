// SPDX-License-Identifier: MIT
// The report shows the type as it is written.
#include <mallow.h>
typedef struct node {
  int k;
} node;
node *f(void) {
  return mw_new(node);
}
// CHECK: {{^}}{{.*}}new-typedef.c:8:10: mw_new(node) escapes to heap{{$}}
