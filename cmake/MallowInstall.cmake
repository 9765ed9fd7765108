# SPDX-License-Identifier: MIT
#
# cmake/MallowInstall.cmake -- what `make install` leaves, and where
#
#   bin/mallow                       the command
#   bin/mallow-cc                    a link to it: mallow cc in one word
#   lib/libmallow.so.0.1.0, links    the runtime
#   lib/libmallow.a
#   lib/libmallow-gcmalloc.a         the malloc family, for mallow cc -fgc-malloc
#   lib/libmallow-cc.so              the clang plugin
#   lib/pkgconfig/mallow.pc          pkg-config mallow
#   lib/cmake/mallow/                find_package(mallow), mallow-toolchain.cmake
#   include/mallow.h
#   share/doc/mallow/                README, guide, design, and the examples' sources
#   share/man/                       mallow(1), mallow(7), mallow.h(3)
#
# Promise  [BT3] The tree can be moved as a whole: every file in it finds the
#          others relative to itself.

include(CMakePackageConfigHelpers)

foreach(target IN ITEMS mallow mallow-cc mallow-shared mallow-static mallow-gcmalloc)
  if(TARGET ${target})
    install(TARGETS ${target}
            RUNTIME DESTINATION bin
            LIBRARY DESTINATION lib
            ARCHIVE DESTINATION lib)
  endif()
endforeach()

install(FILES "$<TARGET_FILE_DIR:mallow>/mallow-cc" DESTINATION bin)
install(FILES include/mallow.h DESTINATION include)

configure_file(cmake/mallow.pc.in "${PROJECT_BINARY_DIR}/package/mallow.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/package/mallow.pc" DESTINATION lib/pkgconfig)

write_basic_package_version_file("${PROJECT_BINARY_DIR}/package/mallowConfigVersion.cmake"
                                 COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/package/mallowConfigVersion.cmake"
              cmake/mallowConfig.cmake cmake/mallow-toolchain.cmake
        DESTINATION lib/cmake/mallow)

install(FILES README.md CHANGELOG.md LICENSE DESTINATION share/doc/mallow)
install(DIRECTORY docs DESTINATION share/doc/mallow PATTERN man EXCLUDE)
install(DIRECTORY examples DESTINATION share/doc/mallow USE_SOURCE_PERMISSIONS
        PATTERN CMakeLists.txt EXCLUDE
        PATTERN "check*" EXCLUDE
        PATTERN test.sh EXCLUDE)
foreach(page IN ITEMS mallow.1 mallow.h.3 mallow.7)
  string(REGEX MATCH "[0-9]$" section ${page})
  install(FILES docs/man/${page} DESTINATION share/man/man${section})
endforeach()
