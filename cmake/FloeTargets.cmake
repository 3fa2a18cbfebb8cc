# floe_library(<folder> SOURCES ... [LINK floe::x ...] [PRIVATE_LINK third::party ...])
# makes the target floe::<folder>. What stands under LINK is the only thing its sources may include;
# tests/source_tree checks that against every #include.
include_guard(GLOBAL)
include(GNUInstallDirs)

function(floe_compile_options target)
  target_compile_features(${target} PUBLIC cxx_std_20)
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF POSITION_INDEPENDENT_CODE ON
    C_STANDARD 11 C_STANDARD_REQUIRED ON C_EXTENSIONS OFF)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic $<$<BOOL:${FLOE_WERROR}>:-Werror>)
  # Two warnings of GCC 12 are wrong at -O2: the value of a std::optional is "uninitialized" on the path where it was
  # just found absent, and assigning a literal to a std::string "overlaps" itself (GCC bug 105651).
  target_compile_options(${target} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized -Wno-restrict>)
  if(FLOE_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=${FLOE_SANITIZE} -fno-omit-frame-pointer
      -fno-sanitize-recover=all)
    target_link_options(${target} PUBLIC -fsanitize=${FLOE_SANITIZE})
  endif()
  if(FLOE_FUZZ)
    target_compile_options(${target} PRIVATE -fsanitize=fuzzer-no-link)
  endif()
endfunction()

function(floe_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK;PRIVATE_LINK" ${ARGN})
  add_library(floe_${name} ${ARG_SOURCES})
  add_library(floe::${name} ALIAS floe_${name})
  set_target_properties(floe_${name} PROPERTIES EXPORT_NAME ${name} OUTPUT_NAME floe_${name}
    VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
  target_include_directories(floe_${name} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_link_libraries(floe_${name} PUBLIC ${ARG_LINK} PRIVATE ${ARG_PRIVATE_LINK})
  floe_compile_options(floe_${name})
  set_property(GLOBAL APPEND PROPERTY FLOE_LIBRARIES floe_${name})
endfunction()

# floe_program(<name> [INSTALL] SOURCES ... LINK ...)
# INSTALL: a program for users of floe, which goes to bin.
function(floe_program name)
  cmake_parse_arguments(ARG "INSTALL" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_LINK})
  floe_compile_options(${name})
  if(ARG_INSTALL)
    set_property(GLOBAL APPEND PROPERTY FLOE_PROGRAMS ${name})
  endif()
endfunction()

# floe_test(<name> LABEL unit|sim|uv|netns|interop SOURCES ... LINK ... [PROPERTIES ctest properties])
# makes one GoogleTest executable whose every TEST is a ctest test with that label.
function(floe_test name)
  cmake_parse_arguments(ARG "" "LABEL" "SOURCES;LINK;PROPERTIES" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_LINK} GTest::gtest GTest::gmock GTest::gtest_main)
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_compile_definitions(${name} PRIVATE FLOE_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  floe_compile_options(${name})
  # Half of a test's compilation is optimization and debug information, which hardly a test is worth. Failures name
  # their lines without, and the preset debug has both.
  if(FLOE_SANITIZE)
    target_compile_options(${name} PRIVATE $<$<CONFIG:RelWithDebInfo>:-O0>)
  else()
    target_compile_options(${name} PRIVATE $<$<AND:$<CONFIG:RelWithDebInfo>,$<CXX_COMPILER_ID:GNU>>:-O1 -g0>)
  endif()
  gtest_discover_tests(${name} DISCOVERY_TIMEOUT 60
    PROPERTIES LABELS ${ARG_LABEL} TIMEOUT 120 ${ARG_PROPERTIES})
  set_property(GLOBAL APPEND PROPERTY FLOE_TESTS_${ARG_LABEL} ${name})
endfunction()

# floe_fuzz(<name> SOURCES ... LINK ... CORPUS folder)
# makes one fuzz executable and a ctest test with the label fuzz. Where FLOE_FUZZ is on (clang) it is a libFuzzer
# program that grows its corpus for a few seconds; elsewhere tests/fuzz/replay.cc stands in for libFuzzer and runs
# the corpus and a fixed number of seeded mutations of it, so every build keeps every input ever found.
function(floe_fuzz name)
  cmake_parse_arguments(ARG "" "CORPUS" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_LINK})
  floe_compile_options(${name})
  string(REGEX REPLACE "_fuzz$" "" test Fuzz.${name})
  if(FLOE_FUZZ)
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    set(found ${CMAKE_CURRENT_BINARY_DIR}/${name}-found)
    file(MAKE_DIRECTORY ${found})
    add_test(NAME ${test}
      COMMAND ${name} -max_total_time=${FLOE_FUZZ_SECONDS} -timeout=5 -rss_limit_mb=2048 -print_final_stats=1
        -artifact_prefix=${found}/ ${found} ${ARG_CORPUS})
    math(EXPR timeout "${FLOE_FUZZ_SECONDS} + 120")
  else()
    target_sources(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests/fuzz/replay.cc)
    target_link_libraries(${name} PRIVATE floe::core)
    add_test(NAME ${test} COMMAND ${name} ${ARG_CORPUS})
    set(timeout 120)
  endif()
  set_tests_properties(${test} PROPERTIES LABELS fuzz TIMEOUT ${timeout})
  set_property(GLOBAL APPEND PROPERTY FLOE_FUZZ_TARGETS ${name})
endfunction()
