# SPDX-License-Identifier: MIT
#
# cmake/MallowFlags.cmake -- compiler options, each with its reason
#
# Gives two interface targets: `mallow-warnings` for all C of the repository,
# `mallow-runtime-flags` for what ends up inside libmallow and its unit tests.

mallow_check_clang()

# DWARF 4: the valgrind of Debian 12 ends at a library with clang 19's DWARF 5
set(CMAKE_C_FLAGS_RELWITHDEBINFO "-O2 -g -gdwarf-4 -DNDEBUG")
set(CMAKE_ASM_FLAGS_RELWITHDEBINFO "-g -gdwarf-4")
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g -gdwarf-4 -DNDEBUG")
foreach(language IN ITEMS C ASM CXX)
  set(CMAKE_${language}_FLAGS_DEBUG "-g -gdwarf-4")
endforeach()

add_library(mallow-warnings INTERFACE)
target_compile_options(mallow-warnings INTERFACE
  $<$<COMPILE_LANGUAGE:C>:-std=gnu17>
  -Wall -Wextra -Wpedantic
  $<$<BOOL:${MW_WERROR}>:-Werror>)

add_library(mallow-runtime-flags INTERFACE)
target_link_libraries(mallow-runtime-flags INTERFACE mallow-warnings)
target_compile_definitions(mallow-runtime-flags INTERFACE MW_INTERNAL _GNU_SOURCE)
target_include_directories(mallow-runtime-flags INTERFACE
  "${PROJECT_SOURCE_DIR}/src" "${PROJECT_SOURCE_DIR}/include")
target_compile_options(mallow-runtime-flags INTERFACE
  $<$<COMPILE_LANGUAGE:C>:
    # tracebacks and profiles walk frame pointers, through leaves too
    -fno-omit-frame-pointer -mno-omit-leaf-frame-pointer
    # exported, but bound to our own definition: calls and data inside the
    # library are direct; src/libmallow.map then hides what is internal
    -fvisibility=protected -fno-semantic-interposition
    # a general-dynamic access may call malloc; the runtime must not
    -ftls-model=initial-exec
    # a canary lives in the thread, and goroutines change threads
    -fno-stack-protector
  >
  # a file may say _GNU_SOURCE again, with or without a value
  -Wno-macro-redefined
  -pthread)
target_link_options(mallow-runtime-flags INTERFACE -pthread)

# Sanitizers.  Fake stacks are off: the runtime compares stack addresses.
set(MALLOW_SANITIZE_address
    -fsanitize=address,undefined -fno-sanitize-recover=all -fsanitize-address-use-after-return=never)
set(MALLOW_SANITIZE_thread -fsanitize=thread)
