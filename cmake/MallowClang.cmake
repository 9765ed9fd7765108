# SPDX-License-Identifier: MIT
#
# cmake/MallowClang.cmake -- which clang, and the LLVM that belongs to it
#
# Job      Included before project().  Without CC or -DCMAKE_C_COMPILER the
#          compiler is clang-19, the release that the plugin is written for.
#          After project(), mallow_check_clang() refuses anything that is not
#          clang 19 or later, in one line that says what to install.
# Gives    CMAKE_C_COMPILER, CMAKE_CXX_COMPILER, CMAKE_ASM_COMPILER,
#          MALLOW_LLVM_CONFIG, MALLOW_LLVM_INCLUDE_DIR, MALLOW_FILECHECK.

set(MALLOW_LLVM_VERSION 19 CACHE STRING "Major version of clang and LLVM")

if(NOT DEFINED CMAKE_C_COMPILER AND NOT DEFINED ENV{CC})
  find_program(MALLOW_CLANG NAMES clang-${MALLOW_LLVM_VERSION} clang)
  if(NOT MALLOW_CLANG)
    message(FATAL_ERROR "clang-${MALLOW_LLVM_VERSION} is missing: run scripts/setup.sh")
  endif()
  set(CMAKE_C_COMPILER "${MALLOW_CLANG}")
endif()
if(NOT DEFINED CMAKE_CXX_COMPILER AND NOT DEFINED ENV{CXX})
  find_program(MALLOW_CLANGXX NAMES clang++-${MALLOW_LLVM_VERSION} clang++)
  if(MALLOW_CLANGXX)
    set(CMAKE_CXX_COMPILER "${MALLOW_CLANGXX}")
  endif()
endif()

find_program(MALLOW_LLVM_CONFIG
             NAMES llvm-config-${MALLOW_LLVM_VERSION} llvm-config
             HINTS /usr/lib/llvm-${MALLOW_LLVM_VERSION}/bin)
find_program(MALLOW_FILECHECK
             NAMES FileCheck-${MALLOW_LLVM_VERSION} FileCheck
             HINTS /usr/lib/llvm-${MALLOW_LLVM_VERSION}/bin)
if(MALLOW_LLVM_CONFIG)
  execute_process(COMMAND "${MALLOW_LLVM_CONFIG}" --includedir
                  OUTPUT_VARIABLE MALLOW_LLVM_INCLUDE_DIR OUTPUT_STRIP_TRAILING_WHITESPACE)
endif()

macro(mallow_check_clang)
  if(NOT CMAKE_C_COMPILER_ID MATCHES "Clang" OR CMAKE_C_COMPILER_VERSION VERSION_LESS 19)
    message(FATAL_ERROR "mallow needs clang 19 or later, not ${CMAKE_C_COMPILER_ID} "
                        "${CMAKE_C_COMPILER_VERSION}: run scripts/setup.sh, or set CC")
  endif()
endmacro()
