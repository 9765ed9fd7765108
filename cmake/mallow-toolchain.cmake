# SPDX-License-Identifier: MIT
#
# mallow-toolchain.cmake -- build an unchanged CMake project with mallow
#
#   cmake -DCMAKE_TOOLCHAIN_FILE=<prefix>/lib/cmake/mallow/mallow-toolchain.cmake ...
#
# The same as CC="mallow cc" in the environment, with find_package(mallow)
# knowing where to look.

get_filename_component(_mallow_prefix "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
set(CMAKE_C_COMPILER "${_mallow_prefix}/bin/mallow" cc)
list(APPEND CMAKE_PREFIX_PATH "${_mallow_prefix}")
unset(_mallow_prefix)
