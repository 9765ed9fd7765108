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

install: all
	@cmake --install $(BUILD) --prefix '$(PREFIX)'
	@cp $(BUILD)/install_manifest.txt $(INSTALLED)

# Files, then folders of mallow's own that are empty.
uninstall:
	@test -f $(INSTALLED) || { echo "make uninstall: $(INSTALLED): not there: nothing is installed from here" >&2; exit 1; }
	@sed -e '$$a\' $(INSTALLED) | while IFS= read -r file; do \
	  echo "-- Removing: $(DESTDIR)$$file"; rm -f "$(DESTDIR)$$file" || exit 1; done
	@sed -n 's,^\(.*/mallow\)/.*,\1,p' $(INSTALLED) | sort -u | while IFS= read -r folder; do \
	  test ! -d "$(DESTDIR)$$folder" || find "$(DESTDIR)$$folder" -depth -type d -empty -delete; done
	@rm $(INSTALLED)

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

.PHONY: all setup configure tests demo check soak install uninstall bench format lint analyze help clean
.NOTPARALLEL:
