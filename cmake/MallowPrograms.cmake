# SPDX-License-Identifier: MIT
#
# cmake/MallowPrograms.cmake -- programs compiled by the mallow just built
#
#   mallow_program(NAME SOURCES a.c b.c
#                  [CFLAGS ...]        after the defaults -O2 -g -Wall -Wextra
#                  [LDFLAGS ...]       at the end of the link
#                  [PLAIN_SOURCES ...] compiled by clang without the plugin
#                  [OUTPUT path]       default: bin/NAME in the binary folder
#                  [SHARED])           a shared library lib<NAME>.so
#
# makes a target NAME, which is part of the target `programs`, not of `all`;
# its property MALLOW_OUTPUT is the path of the file.  (Not simply NAME in the
# binary folder: that would be the target's own name for Ninja.)
# Every source is compiled alone, with dependency files, so that a changed
# header rebuilds what includes it, and a changed plugin rebuilds everything.
#
#   mallow_add_part(folder)     add_subdirectory when it has a CMakeLists.txt
#   mallow_add_parts(folder...) the same for the folder and those inside it

add_custom_target(programs)

function(mallow_add_part folder)
  file(GLOB lists CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/${folder}/CMakeLists.txt")
  if(lists)
    add_subdirectory("${CMAKE_CURRENT_SOURCE_DIR}/${folder}")
  endif()
endfunction()

function(mallow_add_parts)
  foreach(folder IN LISTS ARGN)
    file(GLOB lists CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/${folder}/CMakeLists.txt")
    if(lists)
      add_subdirectory("${CMAKE_CURRENT_SOURCE_DIR}/${folder}")
      continue()
    endif()
    file(GLOB lists CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/${folder}/*/CMakeLists.txt")
    foreach(list IN LISTS lists)
      cmake_path(GET list PARENT_PATH inner)
      add_subdirectory("${inner}")
    endforeach()
  endforeach()
endfunction()

function(mallow_program name)
  cmake_parse_arguments(PARSE_ARGV 1 P "SHARED" "OUTPUT" "SOURCES;PLAIN_SOURCES;CFLAGS;LDFLAGS")
  if(P_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "mallow_program(${name}): what is ${P_UNPARSED_ARGUMENTS}?")
  endif()
  if(NOT TARGET mallow OR NOT TARGET mallow-cc OR NOT TARGET mallow-shared)
    message(STATUS "mallow_program(${name}): no compiler yet, left out")
    return()
  endif()
  set(output "${CMAKE_CURRENT_BINARY_DIR}/bin/${name}")
  set(pic)
  set(link)
  if(P_SHARED)
    set(output "${CMAKE_CURRENT_BINARY_DIR}/bin/lib${name}.so")
    set(pic -fPIC)
    set(link -shared)
  endif()
  if(P_OUTPUT)
    set(output "${P_OUTPUT}")
  endif()
  set(objects)
  foreach(source IN LISTS P_SOURCES P_PLAIN_SOURCES)
    cmake_path(ABSOLUTE_PATH source)
    cmake_path(GET source FILENAME base)
    set(object "${CMAKE_CURRENT_BINARY_DIR}/${name}.dir/${base}.o")
    set(compiler "$<TARGET_FILE:mallow>" cc)
    set(needs mallow mallow-cc)
    set(flags ${P_CFLAGS})
    if(source IN_LIST P_PLAIN_SOURCES OR base IN_LIST P_PLAIN_SOURCES)
      set(compiler "${CMAKE_C_COMPILER}")
      set(needs)
      list(FILTER flags EXCLUDE REGEX "^-Wno-mallow") # not clang's
    endif()
    add_custom_command(
      OUTPUT "${object}"
      COMMAND ${compiler} -std=gnu17 -O2 -g -Wall -Wextra ${pic} ${flags}
              -MD -MF "${object}.d" -MT "${object}" -c "${source}" -o "${object}"
      DEPENDS "${source}" ${needs}
      DEPFILE "${object}.d"
      COMMENT "mallow cc ${base} (${name})" VERBATIM COMMAND_EXPAND_LISTS)
    list(APPEND objects "${object}")
  endforeach()
  cmake_path(GET output PARENT_PATH output_folder)
  file(MAKE_DIRECTORY "${output_folder}" "${CMAKE_CURRENT_BINARY_DIR}/${name}.dir")
  add_custom_command(
    OUTPUT "${output}"
    COMMAND "$<TARGET_FILE:mallow>" cc ${link} ${objects} -o "${output}" ${P_LDFLAGS}
    DEPENDS ${objects} mallow mallow-shared
    COMMENT "mallow cc -o ${name}" VERBATIM COMMAND_EXPAND_LISTS)
  add_custom_target(${name} DEPENDS "${output}")
  add_dependencies(${name} mallow-shared)
  if(TARGET mallow-static)
    add_dependencies(${name} mallow-static)
  endif()
  set_target_properties(${name} PROPERTIES MALLOW_OUTPUT "${output}")
  add_dependencies(programs ${name})
endfunction()
