# Install rules: the libraries, their headers under include/floe/<folder>, the servers' programs into bin, a CMake
# package (`find_package(floe)`) and a pkg-config file. Everything installed can be moved to another prefix.
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/floe)
get_property(libraries GLOBAL PROPERTY FLOE_LIBRARIES)
# Not made with floe_library: it stands in for libc's clock, so it is never part of floe::floe.
if(TARGET floe_sim_clock AND NOT floe_sim_clock IN_LIST libraries)
  list(APPEND libraries floe_sim_clock)
  set_target_properties(floe_sim_clock PROPERTIES EXPORT_NAME sim_clock)
endif()
set_target_properties(floe_floe PROPERTIES EXPORT_NAME floe)
file(RELATIVE_PATH lib_from_bin ${CMAKE_INSTALL_FULL_BINDIR} ${CMAKE_INSTALL_FULL_LIBDIR})
foreach(library IN LISTS libraries)
  get_target_property(type ${library} TYPE)
  if(NOT type MATCHES "INTERFACE|OBJECT")
    set_target_properties(${library} PROPERTIES INSTALL_RPATH "$ORIGIN")
  endif()
endforeach()

install(TARGETS ${libraries} floe_floe EXPORT floe
  RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR}
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
  OBJECTS DESTINATION ${CMAKE_INSTALL_LIBDIR}/floe)

# A header is public unless it stands in a folder called "internal".
foreach(folder core crypto net stun_client ice dtls sctp sdp peer servers)
  file(GLOB_RECURSE headers CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/${folder}/*.h)
  list(FILTER headers EXCLUDE REGEX "/internal/")
  foreach(header IN LISTS headers)
    cmake_path(GET header PARENT_PATH header_dir)
    install(FILES ${PROJECT_SOURCE_DIR}/${header} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/floe/${header_dir})
  endforeach()
endforeach()

get_property(servers_targets DIRECTORY ${PROJECT_SOURCE_DIR}/servers PROPERTY BUILDSYSTEM_TARGETS)
foreach(target IN LISTS servers_targets)
  get_target_property(type ${target} TYPE)
  if(type STREQUAL "EXECUTABLE")
    set_target_properties(${target} PROPERTIES INSTALL_RPATH "$ORIGIN/${lib_from_bin}")
    install(TARGETS ${target} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  endif()
endforeach()

# What a consumer has to find: every target from outside that a library's link line names. A static library needs
# its private ones at link time too, and CMake lists them in the export of a shared one.
set(FLOE_FIND_DEPENDENCIES "")
set(pc_requires "")
foreach(library IN LISTS libraries)
  get_target_property(links ${library} LINK_LIBRARIES)
  foreach(link IN LISTS links)
    set(find "")
    if(link MATCHES "^OpenSSL::(.*)$")
      set(find "find_dependency(OpenSSL 3.0)")
      string(TOLOWER "lib${CMAKE_MATCH_1}" module)
      list(APPEND pc_requires ${module})
    elseif(link STREQUAL "tl::expected")
      set(find "find_dependency(tl-expected)")
    elseif(link STREQUAL "Threads::Threads")
      set(find "find_dependency(Threads)")
    elseif(link MATCHES "^PkgConfig::(.*)$")
      set(module ${CMAKE_MATCH_1})
      set(find "find_dependency(PkgConfig)\npkg_check_modules(${module} REQUIRED QUIET IMPORTED_TARGET ${module})")
      list(APPEND pc_requires ${module})
    elseif(link MATCHES "^(nlohmann_json|spdlog|fmt|CLI11)::")
      set(find "find_dependency(${CMAKE_MATCH_1})")
    elseif(NOT link MATCHES "^floe(::|_)|NOTFOUND|^\\$<|^-|^(dl|rt|pthread)$")
      message(FATAL_ERROR "${library} links ${link}: say in cmake/FloeInstall.cmake how an installed floe finds it")
    endif()
    if(find)
      list(APPEND FLOE_FIND_DEPENDENCIES "${find}")
    endif()
  endforeach()
endforeach()
list(REMOVE_DUPLICATES FLOE_FIND_DEPENDENCIES)
list(JOIN FLOE_FIND_DEPENDENCIES "\n" FLOE_FIND_DEPENDENCIES)

install(EXPORT floe NAMESPACE floe:: FILE floeTargets.cmake DESTINATION ${package_dir})
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/floeConfig.cmake.in
  ${PROJECT_BINARY_DIR}/package/floeConfig.cmake INSTALL_DESTINATION ${package_dir}
  NO_SET_AND_CHECK_MACRO NO_CHECK_REQUIRED_COMPONENTS_MACRO)
# Before 1.0 a new minor version may change the API.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/package/floeConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/package/floeConfig.cmake ${PROJECT_BINARY_DIR}/package/floeConfigVersion.cmake
  DESTINATION ${package_dir})

# pkg-config: the libraries of floe::floe, users before what they use, as a static link needs them.
get_target_property(parts floe_floe INTERFACE_LINK_LIBRARIES)
set(pc_libs "")
foreach(part IN LISTS parts)
  string(REPLACE "floe::" "-lfloe_" flag ${part})
  list(PREPEND pc_libs ${flag})
endforeach()
list(JOIN pc_libs " " FLOE_PC_LIBS)
list(REMOVE_DUPLICATES pc_requires)
list(JOIN pc_requires " " FLOE_PC_REQUIRES)
if(BUILD_SHARED_LIBS)
  set(FLOE_PC_REQUIRES_FIELD "Requires.private")
else()
  set(FLOE_PC_REQUIRES_FIELD "Requires")
endif()
file(RELATIVE_PATH FLOE_PC_PREFIX ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
configure_file(${PROJECT_SOURCE_DIR}/cmake/floe.pc.in ${PROJECT_BINARY_DIR}/package/floe.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/package/floe.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
