# SPDX-License-Identifier: MIT
#
# cmake/MallowTest.cmake -- how tests are added
#
# Test names are FOLDER.NAME (heap.sizeclass): the folder below tests/ and the
# name given.  All are built by the target `tests`, never by `all`.
#
# A unit test: cmocka, over the runtime as a static library with MW_CHECK.
#
#   mallow_unit_test(NAME SOURCES a.c ...
#     [STANDALONE]         link only SOURCES, not the runtime
#     [INCLUDES dir...]    after tests/, src/ and include/
#     [CFLAGS ...] [WRAP symbol...]   (-Wl,--wrap=symbol)
#     [SANITIZE address|thread ...]   run also as FOLDER.NAME-address, -thread
#     [NOT_UNDER thread]   left out of a build of MW_SANITIZE=thread: the caller says why
#     [ENV K=V...] [ARGS ...] [TIMEOUT s] [LABELS ...] [SERIAL])
#
#   Paths in SOURCES are relative to the caller; a fake that defines the same
#   functions as an object of the runtime replaces that object.  `address`
#   means ASan and UBSan together.
#
# A program test: compiled by the mallow just built, run as a process.
#
#   mallow_program_test(NAME SOURCE x.c | SOURCES a.c b.c | PROGRAM target
#     [PLAIN_SOURCES ...] [CFLAGS ...] [LDFLAGS ...]   see MallowPrograms.cmake
#     [DEPENDS target...]  what else has to be built
#     [VARIANT name]       with another libmallow.so: check, stress,
#                          break-deletion, break-insertion
#     [EXIT n]             expected status, 128+n for signal n; default 0;
#                          `fail`: any but 0
#     [EXPECT_REGEX re...] each must be found in the output (grep -E)
#     [REJECT_REGEX re...] none may be found
#     [ULIMIT "-v 2000000"]
#     [ENV K=V...] [ARGS ...] [TIMEOUT s] [LABELS ...] [SERIAL] [WORKING_DIRECTORY d]
#     [SOAK])              only in `make soak`
#
#   PROGRAM takes a program made by mallow_program or by an earlier test (whose
#   target is FOLDER-NAME), to run it again with other settings.
#
# The same on 1, 2 and 8 processors: mallow_program_on_processors(NAME [ARGS...]).
#
# Any other test: mallow_script_test(NAME COMMAND ... and the options from
# ENV on, and DEPENDS).
#
# The same source by the C compiler alone: mallow_plain_test(NAME), NAME.c as FOLDER.NAME-plain.
#
# TIMEOUT is 60 seconds unless given.  SERIAL: no other test runs beside it;
# use it for what measures time.
#
# Whoever calls ctest hands nothing down: tests/afresh.c begins each process alike, and the
# variables that the runtime and the compiler look at are what ENV says, or unset.

add_custom_target(tests)
add_dependencies(tests programs)

add_executable(afresh EXCLUDE_FROM_ALL "${PROJECT_SOURCE_DIR}/tests/afresh.c")
target_link_libraries(afresh PRIVATE mallow-warnings)
set_target_properties(afresh PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/tests")
add_dependencies(tests afresh)

# For tests that use `go tool pprof`: DEPENDS pprof-tool; the file names its cache.
set(MALLOW_GO_CACHE "${PROJECT_BINARY_DIR}/tests/go_cache")
add_custom_command(OUTPUT "${MALLOW_GO_CACHE}"
  COMMAND sh "${PROJECT_SOURCE_DIR}/tests/pprof/go_cache.sh" "${MALLOW_GO_CACHE}"
  COMMENT "go tool pprof" VERBATIM)
add_custom_target(pprof-tool DEPENDS "${MALLOW_GO_CACHE}")

set(MALLOW_VARIABLES GODEBUG GOGC GOMAXPROCS GOMEMLIMIT GOTRACEBACK
                     MALLOW_CC MALLOW_CLANG MALLOW_FAIL MALLOW_SUMMARIES)

find_package(PkgConfig)
if(PKG_CONFIG_FOUND)
  pkg_check_modules(CMOCKA IMPORTED_TARGET cmocka)
endif()

# FOLDER.NAME and FOLDER-NAME for a test of the calling folder.
function(mallow_test_names name test_var target_var)
  cmake_path(RELATIVE_PATH CMAKE_CURRENT_SOURCE_DIR BASE_DIRECTORY "${PROJECT_SOURCE_DIR}"
             OUTPUT_VARIABLE folder)
  string(REGEX REPLACE "^tests/" "" folder "${folder}")
  string(REPLACE "/" "." folder "${folder}")
  set(${test_var} "${folder}.${name}" PARENT_SCOPE)
  set(${target_var} "${folder}-${name}" PARENT_SCOPE)
endfunction()

# Write the expressions of an encoded list to a file, one a line.
function(mallow_write_lines file)
  string(JOIN "\n" text ${ARGN})
  string(REPLACE "<left>" "[" text "${text}")
  string(REPLACE "<right>" "]" text "${text}")
  string(REPLACE "<semicolon>" ";" text "${text}")
  file(CONFIGURE OUTPUT "${file}" CONTENT "${text}\n" @ONLY)
endfunction()

# The properties that all kinds share, from the caller's parsed P_ variables.
macro(mallow_test_properties test)
  if(NOT P_TIMEOUT)
    set(P_TIMEOUT 60)
  endif()
  set_tests_properties(${test} PROPERTIES TIMEOUT ${P_TIMEOUT})
  if(P_ENV)
    set_property(TEST ${test} APPEND PROPERTY ENVIRONMENT ${P_ENV})
  endif()
  foreach(variable IN LISTS MALLOW_VARIABLES)
    if(NOT "${P_ENV}" MATCHES "(^|;)${variable}=")
      set_property(TEST ${test} APPEND PROPERTY ENVIRONMENT_MODIFICATION "${variable}=unset:")
    endif()
  endforeach()
  if(P_LABELS)
    set_property(TEST ${test} APPEND PROPERTY LABELS ${P_LABELS})
  endif()
  if(P_SERIAL)
    set_tests_properties(${test} PROPERTIES RUN_SERIAL ON)
  endif()
endmacro()

function(mallow_unit_test name)
  if(NOT MW_TESTS)
    return()
  endif()
  cmake_parse_arguments(PARSE_ARGV 1 P "STANDALONE;SERIAL" "TIMEOUT"
                        "SOURCES;INCLUDES;CFLAGS;WRAP;SANITIZE;NOT_UNDER;ENV;ARGS;LABELS")
  if(P_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "mallow_unit_test(${name}): what is ${P_UNPARSED_ARGUMENTS}?")
  endif()
  if(NOT CMOCKA_FOUND)
    message(FATAL_ERROR "cmocka is missing: run scripts/setup.sh")
  endif()
  if(NOT P_STANDALONE AND NOT TARGET mallow-internal)
    message(STATUS "mallow_unit_test(${name}): no runtime yet, left out")
    return()
  endif()
  mallow_test_names(${name} test target)
  # the first build is plain, or what the whole build tree asks for
  set(kinds "plain")
  if(MW_SANITIZE)
    if(MW_SANITIZE IN_LIST P_NOT_UNDER)
      return()
    endif()
    set(kinds "${MW_SANITIZE}")
  else()
    list(APPEND kinds ${P_SANITIZE})
  endif()
  foreach(kind IN LISTS kinds)
    set(suffix)
    set(options)
    if(NOT kind STREQUAL "plain")
      if(NOT DEFINED MALLOW_SANITIZE_${kind})
        message(FATAL_ERROR "mallow_unit_test(${name}): no sanitizer ${kind}")
      endif()
      set(suffix "-${kind}")
      set(options ${MALLOW_SANITIZE_${kind}})
    endif()
    set(exe "${target}${suffix}")
    add_executable(${exe} EXCLUDE_FROM_ALL ${P_SOURCES})
    target_include_directories(${exe} PRIVATE "${PROJECT_SOURCE_DIR}/tests" ${P_INCLUDES})
    target_link_libraries(${exe} PRIVATE mallow-runtime-flags PkgConfig::CMOCKA)
    if(P_STANDALONE)
      target_compile_definitions(${exe} PRIVATE MW_CHECK=1)
      target_compile_options(${exe} PRIVATE ${options})
      target_link_options(${exe} PRIVATE ${options})
    else()
      target_link_libraries(${exe} PRIVATE mallow-internal${suffix})
    endif()
    if(kind STREQUAL "address")
      target_sources(${exe} PRIVATE "${PROJECT_SOURCE_DIR}/tests/fake/leaks.c")
    endif()
    # cmocka's macros go through void pointers that -Wpedantic dislikes
    target_compile_options(${exe} PRIVATE -Wno-pedantic ${P_CFLAGS})
    foreach(symbol IN LISTS P_WRAP)
      target_link_options(${exe} PRIVATE "-Wl,--wrap=${symbol}")
    endforeach()
    set_target_properties(${exe} PROPERTIES
      RUNTIME_OUTPUT_DIRECTORY "${CMAKE_CURRENT_BINARY_DIR}" OUTPUT_NAME "${name}${suffix}")
    add_dependencies(tests ${exe})
    add_test(NAME "${test}${suffix}" COMMAND afresh $<TARGET_FILE:${exe}> ${P_ARGS})
    mallow_test_properties("${test}${suffix}")
    set_property(TEST "${test}${suffix}" APPEND PROPERTY LABELS unit)
    if(kind STREQUAL "thread")
      # Kernels that choose addresses from a wide range (vm.mmap_rnd_bits=32) may put
      # libraries where TSan cannot have them, and a container may forbid it to ask for others.
      set_tests_properties("${test}${suffix}" PROPERTIES SKIP_REGULAR_EXPRESSION
                           "ThreadSanitizer: memory layout is incompatible")
    endif()
  endforeach()
endfunction()

function(mallow_program_test name)
  # sanitizer trees are for unit tests
  if(NOT MW_TESTS OR MW_SANITIZE)
    return()
  endif()
  # A list's semicolons do not count after an open bracket, which regular
  # expressions are full of: brackets travel under other names.
  set(arguments)
  math(EXPR last "${ARGC} - 1")
  foreach(i RANGE 1 ${last})
    string(REPLACE "[" "<left>" argument "${ARGV${i}}")
    string(REPLACE "]" "<right>" argument "${argument}")
    string(REPLACE ";" "<semicolon>" argument "${argument}")
    list(APPEND arguments "${argument}")
  endforeach()
  cmake_parse_arguments(P "SERIAL;SOAK"
    "TIMEOUT;SOURCE;PROGRAM;VARIANT;EXIT;ULIMIT;WORKING_DIRECTORY"
    "SOURCES;PLAIN_SOURCES;CFLAGS;LDFLAGS;EXPECT_REGEX;REJECT_REGEX;ENV;ARGS;LABELS;DEPENDS"
    ${arguments})
  foreach(list IN ITEMS CFLAGS LDFLAGS ENV ARGS)
    string(REPLACE "<left>" "[" P_${list} "${P_${list}}")
    string(REPLACE "<right>" "]" P_${list} "${P_${list}}")
    string(REPLACE "<semicolon>" "\\;" P_${list} "${P_${list}}")
  endforeach()
  if(P_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "mallow_program_test(${name}): what is ${P_UNPARSED_ARGUMENTS}?")
  endif()
  if(NOT TARGET mallow OR NOT TARGET mallow-cc OR NOT TARGET mallow-shared)
    message(STATUS "mallow_program_test(${name}): no compiler yet, left out")
    return()
  endif()
  mallow_test_names(${name} test target)
  if(P_PROGRAM)
    set(program ${P_PROGRAM})
  else()
    set(program ${target})
    mallow_program(${program} SOURCES ${P_SOURCE} ${P_SOURCES} PLAIN_SOURCES ${P_PLAIN_SOURCES}
                   CFLAGS ${P_CFLAGS} LDFLAGS ${P_LDFLAGS})
  endif()
  if(P_DEPENDS)
    add_dependencies(tests ${P_DEPENDS})
  endif()
  get_target_property(path ${program} MALLOW_OUTPUT)
  set(command "${PROJECT_SOURCE_DIR}/cmake/run_program.sh")
  if(DEFINED P_EXIT)
    list(APPEND command -x "${P_EXIT}")
  endif()
  foreach(kind IN ITEMS EXPECT REJECT)
    if(P_${kind}_REGEX)
      string(TOLOWER "${kind}" option)
      set(file "${CMAKE_CURRENT_BINARY_DIR}/${name}.${option}")
      mallow_write_lines("${file}" ${P_${kind}_REGEX})
      list(APPEND command --${option} "${file}")
    endif()
  endforeach()
  if(P_ULIMIT)
    list(APPEND command -u "${P_ULIMIT}")
  endif()
  if(P_VARIANT)
    add_dependencies(tests mallow-variant-${P_VARIANT})
    list(APPEND command -l "${PROJECT_BINARY_DIR}/variants/${P_VARIANT}")
  endif()
  set(when)
  if(P_SOAK)
    set(when CONFIGURATIONS soak)
    list(APPEND P_LABELS soak)
  endif()
  if(NOT P_WORKING_DIRECTORY)
    set(P_WORKING_DIRECTORY "${CMAKE_CURRENT_BINARY_DIR}")
  endif()
  add_test(NAME "${test}" ${when} WORKING_DIRECTORY "${P_WORKING_DIRECTORY}"
           COMMAND afresh ${command} -- "${path}" ${P_ARGS})
  mallow_test_properties("${test}")
  set_property(TEST "${test}" APPEND PROPERTY LABELS program)
endfunction()

# mallow_program_on_processors(NAME [ARGS...]): NAME.c, run as NAME-p1, -p2 and -p8 on so many
# processors; prints "ok" in its end.
function(mallow_program_on_processors name)
  if(NOT MW_TESTS OR MW_SANITIZE)
    return()
  endif()
  mallow_test_names(${name}-p1 test target)
  set(program SOURCE ${name}.c)
  foreach(procs IN ITEMS 1 2 8)
    mallow_program_test(${name}-p${procs} ${program} ARGS ${ARGN}
                        ENV GOMAXPROCS=${procs} GODEBUG=clobberfree=1 EXPECT_REGEX "^ok")
    set(program PROGRAM ${target})
  endforeach()
endfunction()

function(mallow_plain_test name)
  if(NOT MW_TESTS OR MW_SANITIZE)
    return()
  endif()
  mallow_test_names(${name}-plain test target)
  add_executable(${target} EXCLUDE_FROM_ALL ${name}.c)
  add_dependencies(tests ${target})
  add_test(NAME ${test} COMMAND afresh $<TARGET_FILE:${target}>)
  set(P_LABELS program)
  mallow_test_properties(${test})
endfunction()

function(mallow_script_test name)
  if(NOT MW_TESTS OR MW_SANITIZE)
    return()
  endif()
  cmake_parse_arguments(PARSE_ARGV 1 P "SERIAL;SOAK" "TIMEOUT;WORKING_DIRECTORY"
                        "COMMAND;ENV;LABELS;DEPENDS")
  if(P_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "mallow_script_test(${name}): what is ${P_UNPARSED_ARGUMENTS}?")
  endif()
  mallow_test_names(${name} test target)
  set(when)
  if(P_SOAK)
    set(when CONFIGURATIONS soak)
    list(APPEND P_LABELS soak)
  endif()
  if(NOT P_WORKING_DIRECTORY)
    set(P_WORKING_DIRECTORY "${CMAKE_CURRENT_BINARY_DIR}")
  endif()
  foreach(need IN LISTS P_DEPENDS)
    if(NOT TARGET ${need})
      message(STATUS "mallow_script_test(${name}): no ${need} yet, left out")
      return()
    endif()
    add_dependencies(tests ${need})
  endforeach()
  add_test(NAME "${test}" ${when} WORKING_DIRECTORY "${P_WORKING_DIRECTORY}"
           COMMAND afresh ${P_COMMAND})
  mallow_test_properties("${test}")
  set_property(TEST "${test}" APPEND PROPERTY LABELS script)
endfunction()
