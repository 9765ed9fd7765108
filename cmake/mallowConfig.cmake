# SPDX-License-Identifier: MIT
#
# mallowConfig.cmake -- find_package(mallow)
#
#   find_package(mallow REQUIRED)
#   target_link_libraries(prog PRIVATE mallow::mallow)   # or mallow::static
#
# compiles prog's C sources with the plugin and links the runtime.  The C
# compiler has to be clang of the plugin's version, or `mallow cc` itself
# (mallow-toolchain.cmake), which loads the plugin by itself.
#
# Sets mallow_COMMAND, the path of the command.

get_filename_component(_mallow_prefix "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
set(mallow_COMMAND "${_mallow_prefix}/bin/mallow")

get_filename_component(_mallow_compiler "${CMAKE_C_COMPILER}" NAME)
if(_mallow_compiler MATCHES "^mallow(-cc)?$")
  set(_mallow_options)
elseif(CMAKE_C_COMPILER_ID STREQUAL "Clang" AND CMAKE_C_COMPILER_VERSION VERSION_GREATER_EQUAL 19)
  set(_mallow_options
      "$<$<COMPILE_LANGUAGE:C>:-fpass-plugin=${_mallow_prefix}/lib/libmallow-cc.so>"
      "$<$<COMPILE_LANGUAGE:C>:-fno-omit-frame-pointer>"
      # marks where variables begin to live, for escape analysis (driver/cc.c)
      "$<$<COMPILE_LANGUAGE:C>:-Wno-return-stack-address>"
      "$<$<COMPILE_LANGUAGE:C>:-fno-discard-value-names>"
      "$<$<COMPILE_LANGUAGE:C>:SHELL:-Xclang -fsanitize-address-use-after-scope>"
      "$<$<COMPILE_LANGUAGE:C>:SHELL:-Xclang -fexperimental-assignment-tracking=disabled>"
      "$<$<COMPILE_LANGUAGE:C>:SHELL:-Xclang -debug-info-kind=constructor>")
else()
  set(mallow_FOUND FALSE)
  set(mallow_NOT_FOUND_MESSAGE
      "mallow needs clang 19, not ${CMAKE_C_COMPILER_ID} ${CMAKE_C_COMPILER_VERSION}: set CC=clang-19 or use the toolchain file ${CMAKE_CURRENT_LIST_DIR}/mallow-toolchain.cmake")
  return()
endif()

if(NOT TARGET mallow::mallow)
  add_library(mallow::mallow SHARED IMPORTED)
  set_target_properties(mallow::mallow PROPERTIES
    IMPORTED_LOCATION "${_mallow_prefix}/lib/libmallow.so"
    IMPORTED_SONAME "libmallow.so.0"
    INTERFACE_INCLUDE_DIRECTORIES "${_mallow_prefix}/include"
    INTERFACE_COMPILE_OPTIONS "${_mallow_options}")
  add_library(mallow::static STATIC IMPORTED)
  set_target_properties(mallow::static PROPERTIES
    IMPORTED_LOCATION "${_mallow_prefix}/lib/libmallow.a"
    IMPORTED_LINK_INTERFACE_LANGUAGES C
    INTERFACE_INCLUDE_DIRECTORIES "${_mallow_prefix}/include"
    INTERFACE_COMPILE_OPTIONS "${_mallow_options}"
    INTERFACE_LINK_OPTIONS "LINKER:-u,__pthread_create_2_1" # for -static (src/os/thread.c)
    INTERFACE_LINK_LIBRARIES "-pthread;${CMAKE_DL_LIBS};m")
endif()
unset(_mallow_prefix)
unset(_mallow_compiler)
unset(_mallow_options)
