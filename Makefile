# SPDX-License-Identifier: MIT
#
# Makefile -- the usual commands; the build itself is CMake's
#
#   make demo [DIR=folder]     build, and index a folder (default /usr/include)
#   make check                 build everything, run all tests
#   make install PREFIX=path   build, and install (default /usr/local); DESTDIR=path as well
#   make uninstall             remove what the last make install installed
#   make                       build what gets installed
#   make bench | soak          measure against Go and others | ten-minute tests
#   make format | lint         clang-format in place | formatting, text, clang-tidy
#   make analyze               clang's static analyser; takes minutes
#   make clean | help          remove the build folders | print this
#
# PRESET=debug (check, stress, asan, tsan) chooses another kind of build, each
# in a folder of its own; `release` is build/.  TESTS=regex limits make check.

PRESET ?= release
PREFIX ?= /usr/local
DIR    ?= /usr/include
JOBS   ?= $(shell nproc)
TESTS  ?= .

BUILD := $(if $(filter release,$(PRESET)),build,build-$(PRESET))
# not install_manifest.txt: the tests write that, too
INSTALLED := $(BUILD)/installed-files
CTEST := ctest --test-dir $(BUILD) --output-on-failure --no-tests=error

all: configure
	@cmake --build $(BUILD) --parallel $(JOBS)

setup:
	@scripts/setup.sh

configure: setup
	@test -f $(BUILD)/build.ninja || cmake --preset $(PRESET)

tests: configure
	@cmake --build $(BUILD) --parallel $(JOBS) --target all tests

demo: configure
	@cmake --build $(BUILD) --parallel $(JOBS) --target all index
	@$(BUILD)/examples/index/bin/index $(DIR)

check: tests
	@$(CTEST) --parallel $(JOBS) -R '$(TESTS)'

soak: tests
	@$(CTEST) -C soak -L soak

# The folders that installing will make; shared ones are not there in a fresh PREFIX, either.
FOLDERS := bin include lib lib/cmake lib/pkgconfig share share/doc share/man share/man/man1 share/man/man3 share/man/man7
note-folders:
	@at=$$(realpath -ms -- '$(PREFIX)'); for folder in $(FOLDERS); do \
	  test -d "$(DESTDIR)$$at/$$folder" || echo "$$at/$$folder"; done >>'$(INSTALLED).folders'; \
	until test -d "$(DESTDIR)$$at"; do echo "$$at"; at=$$(dirname "$$at"); done >>'$(INSTALLED).folders'

install: all note-folders
	@cmake --install $(BUILD) --prefix '$(PREFIX)'
	@cp $(BUILD)/install_manifest.txt '$(INSTALLED)'

# Files, then folders: mallow's own, and those that the install made, if they are empty.
uninstall:
	@test -f '$(INSTALLED)' || { echo "make uninstall: $(INSTALLED): not there: nothing is installed from here" >&2; exit 1; }
	@sed -e '$$a\' '$(INSTALLED)' | while IFS= read -r file; do \
	  echo "-- Removing: $(DESTDIR)$$file"; rm -f "$(DESTDIR)$$file" || exit 1; done
	@sed -n 's,^\(.*/mallow\)/.*,\1,p' '$(INSTALLED)' | sort -u | while IFS= read -r folder; do \
	  test ! -d "$(DESTDIR)$$folder" || find "$(DESTDIR)$$folder" -depth -type d -empty -delete; done
	@test ! -f '$(INSTALLED).folders' || sort -ru '$(INSTALLED).folders' | while IFS= read -r folder; do \
	  rmdir --ignore-fail-on-non-empty -- "$(DESTDIR)$$folder" 2>/dev/null || :; done
	@rm -f '$(INSTALLED)' '$(INSTALLED).folders'

bench: all
	@cmake --build $(BUILD) --parallel $(JOBS) --target programs
	@bench/run.sh $(BUILD)

format: setup
	@scripts/lint.sh format

lint: configure
	@scripts/lint.sh check-text
	@scripts/lint.sh check-format
	@scripts/lint.sh tidy $(BUILD)

analyze: configure
	@scripts/lint.sh analyze $(BUILD)

help:
	@sed -n '/^#   make/,/^$$/s/^# \{0,1\}//p' Makefile

clean:
	@rm -rf build build-debug build-check build-stress build-asan build-tsan

.PHONY: all setup configure tests demo check soak note-folders install uninstall bench format lint analyze help clean
.NOTPARALLEL:
