/* SPDX-License-Identifier: MIT */
#include "../measure.h"
#include "geometry.h"

int main(void) {
  double sum = 0;
  struct table *t = table_make(4096);
  measure_begin();
  for (int y = 0; y < 600; y++)
    for (int x = 0; x < 600; x++) {
      vec eye = {0, 0, 0}, to = {(x - 300) / 300.0, (y - 300) / 300.0, 1};
      sum += model_shade(t, &eye, &to);
    }
  measure_end("across", sum);
  return 0;
}
