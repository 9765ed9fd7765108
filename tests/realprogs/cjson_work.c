/* SPDX-License-Identifier: MIT */
/*
 * tests/realprogs/cjson_work.c -- parse, change, print: something for cJSON to do, for timing
 *
 *     cjson_work ROUNDS
 */
#include <cjson/cJSON.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *document(int n) {
  cJSON *root = cJSON_CreateObject(), *list = cJSON_AddArrayToObject(root, "list");
  for (int i = 0; i < n; i++) {
    cJSON *item = cJSON_CreateObject();
    char name[32];
    snprintf(name, sizeof name, "item number %d", i);
    cJSON_AddStringToObject(item, "name", name);
    cJSON_AddNumberToObject(item, "value", i * 0.25);
    cJSON_AddBoolToObject(item, "even", i % 2 == 0);
    cJSON_AddItemToObject(item, "inner", cJSON_CreateIntArray((const int[]){i, i + 1, i + 2}, 3));
    cJSON_AddItemToArray(list, item);
  }
  char *text = cJSON_PrintUnformatted(root);
  cJSON_Delete(root);
  return text;
}

int main(int argc, char **argv) {
  int rounds = argc > 1 ? atoi(argv[1]) : 100;
  char *text = document(1000);
  size_t length = 0;
  for (int round = 0; round < rounds; round++) {
    cJSON *root = cJSON_Parse(text);
    cJSON *list = cJSON_GetObjectItem(root, "list"), *item;
    if (cJSON_GetArraySize(list) != 1000) return 1;
    cJSON_ArrayForEach(item, list) {
      cJSON_ReplaceItemInObject(item, "name", cJSON_CreateNumber(round % 10));
    }
    while (cJSON_GetArraySize(list) > 990) cJSON_DeleteItemFromArray(list, 500);
    char *again = cJSON_Print(root);
    length += strlen(again);
    free(again);
    cJSON_Delete(root);
  }
  printf("checksum %zu\n", length);
  free(text);
  return 0;
}
