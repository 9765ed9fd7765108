/* SPDX-License-Identifier: MIT */
/*
 * driver/summaries.c -- escape summaries across files
 *
 * Job      When a command both compiles and links, names the archives and
 *          objects that it links to the plugin, which reads how their functions
 *          let pointers escape.  After each link, checks that what callers were
 *          told of a function is true of the function that was linked.
 * Promise  [SU1] A variable that is on a stack because of what another file's
 *          function was known to do is not linked with a function that does
 *          something else: not one that changed since, not another one of the
 *          same name, nor one that the linker was told to give the name to.
 * How      The sections that plugin/escape_summary.c writes; both are text and
 *          lie one after the other in what has been linked.  Shared libraries
 *          are not named by themselves and not checked: the loader may find
 *          another one than the linker.
 */
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "driver.h"
#include "image.h"

/* ---- Which files ------------------------------------------------------------- */

static void name_file(struct args *files, const char *file) {
  if (!strchr(file, ':')) args_add(files, file); /* the list's separator */
}

/* -lNAME: the linker takes an archive where there is no shared library. */
static void name_library(struct args *files, const struct args *folders, const char *name) {
  for (size_t i = 0; i < folders->len; i++) {
    char *shared = format_text("%s/lib%s.so", folders->at[i], name);
    char *archive = format_text("%s/lib%s.a", folders->at[i], name);
    if (access(shared, R_OK) == 0) return;
    if (access(archive, R_OK) == 0) {
      name_file(files, archive);
      return;
    }
  }
}

void summaries_name(const struct args *inputs, const struct args *folders) {
  struct args files = {0};
  const char *old = getenv("MALLOW_SUMMARIES");
  if (old && *old) args_add(&files, old);
  for (size_t i = 0; i < inputs->len; i++) {
    const char *s = inputs->at[i];
    if (strncmp(s, "-l", 2) == 0)
      name_library(&files, folders, s + 2);
    else
      name_file(&files, s);
  }
  char *list = NULL;
  for (size_t i = 0; i < files.len; i++)
    list = list ? format_text("%s:%s", list, files.at[i]) : files.at[i];
  if (list) setenv("MALLOW_SUMMARIES", list, 1);
  free(files.at);
}

/* ---- What has been linked ------------------------------------------------------ */

static size_t name_length(const struct section *line) {
  const char *space = memchr(line->text, ' ', line->size);
  return space ? (size_t)(space - line->text) : line->size;
}

static bool defines(const struct image *im, const char *name, size_t len) {
  const Elf64_Sym *sym = (const void *)im->symbols.text;
  for (size_t i = 0; i < im->symbols.size / sizeof *sym; i++) {
    if (sym[i].st_shndx == SHN_UNDEF || ELF64_ST_TYPE(sym[i].st_info) != STT_FUNC) continue;
    if (im->strings.size < len + 1 || sym[i].st_name > im->strings.size - len - 1) continue;
    const char *s = im->strings.text + sym[i].st_name;
    if (strncmp(s, name, len) == 0 && s[len] == 0) return true;
  }
  return false;
}

/* Every function of this name in the image has the summary that the line says;
 * one from a shared library is not looked at. */
static bool holds(const struct image *im, const struct section *assumed,
                  const struct renames *renames) {
  struct section rest = im->summaries, line;
  size_t len = name_length(assumed);
  bool found = false;
  if (renames_name(renames, assumed->text, len)) return false;
  while (next_line(&rest, &line)) {
    if (name_length(&line) != len || memcmp(line.text, assumed->text, len) != 0) continue;
    if (line.size != assumed->size || memcmp(line.text, assumed->text, line.size) != 0)
      return false;
    found = true;
  }
  return found || !defines(im, assumed->text, len);
}

/* Both runs of the plugin may have used one function. */
static bool said_already(struct args *said, const char *text) {
  for (size_t i = 0; i < said->len; i++)
    if (strcmp(said->at[i], text) == 0) return true;
  args_add(said, text);
  return false;
}

static bool check_image(const struct image *im, const struct renames *renames) {
  struct section rest = im->assumed, line, file = {"?", 1};
  struct args said = {0};
  bool good = true;
  while (next_line(&rest, &line)) {
    if (*line.text == '@') {
      file = (struct section){line.text + 1, line.size - 1};
    } else if (!holds(im, &line, renames)) {
      char *text = format_text(
          "mallow: %.*s was compiled for another '%.*s' than the one that is linked: compile it "
          "again, or with -fno-mallow-summaries\n",
          (int)file.size, file.text, (int)name_length(&line), line.text);
      if (!said_already(&said, text)) fputs(text, stderr);
      good = false;
    }
  }
  return good;
}

bool summaries_hold(const char *file, const struct renames *renames) {
  struct image im;
  if (!image_open(&im, file, false)) return true;
  bool good = !im.assumed.size || check_image(&im, renames);
  image_close(&im);
  return good;
}
