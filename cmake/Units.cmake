# openp5_unit(NAME unit [TORCH] [LINK libraries…]): one static library of every .cc in the folder and below it, which uses
# the units that the layering table names, and other projects' libraries.
# openp5_unit_test(NAME unit [TORCH] [LABEL label] [LINK libraries…]): one binary of every *_test.cc in the folder and below it.
add_library(openp5_options INTERFACE)
target_include_directories(openp5_options INTERFACE "${CMAKE_SOURCE_DIR}")
target_compile_options(openp5_options INTERFACE -Wall -Wextra -Werror=unused-result -Werror=return-type
  # False alarms of GCC 12 at "text" + std::string() (its bug 105651).
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict> $<$<CXX_COMPILER_ID:GNU>:-Wno-array-bounds>
  $<$<CXX_COMPILER_ID:GNU>:-Wno-stringop-overflow>)
if(OPENP5_SANITIZE)
  target_compile_options(openp5_options INTERFACE -fsanitize=${OPENP5_SANITIZE} -fno-omit-frame-pointer)
  target_link_options(openp5_options INTERFACE -fsanitize=${OPENP5_SANITIZE})
endif()
if(OPENP5_BUILD_FUZZERS)
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL Clang)
    message(FATAL_ERROR "OPENP5_BUILD_FUZZERS: expected Clang, got ${CMAKE_CXX_COMPILER_ID}; "
      "install clang-16 and libclang-rt-16-dev and use the preset 'fuzz'")
  endif()
  target_compile_options(openp5_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

# Torch's headers cost 10 to 35 s a file: compiled once, shared by every unit marked TORCH.
file(WRITE "${CMAKE_BINARY_DIR}/torch_pch.cc.in" "")
configure_file("${CMAKE_BINARY_DIR}/torch_pch.cc.in" "${CMAKE_BINARY_DIR}/torch_pch.cc" COPYONLY)
add_library(openp5_torch_pch STATIC "${CMAKE_BINARY_DIR}/torch_pch.cc")
target_link_libraries(openp5_torch_pch PUBLIC openp5_options openp5::torch)
target_precompile_headers(openp5_torch_pch PRIVATE
  <string> <vector> <memory> <torch/types.h> <torch/csrc/autograd/custom_function.h>)

function(openp5_use_torch target)
  target_link_libraries(${target} PUBLIC openp5::torch)
  target_precompile_headers(${target} REUSE_FROM openp5_torch_pch)
  get_target_property(type ${target} TYPE)
  if(type STREQUAL EXECUTABLE)
    # -fPIC as in the libraries, not -fPIE: the compiler ignores a precompiled header made with other settings.
    set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
    target_compile_options(${target} PRIVATE -fPIC)
  endif()
endfunction()

# Which unit may include which: the one table that the libraries' links, the READMEs and
# scripts/check_layering.py follow. The lowest unit comes first.
file(READ "${CMAKE_SOURCE_DIR}/cmake/layering.json" OPENP5_LAYERING)
set_property(DIRECTORY "${CMAKE_SOURCE_DIR}" APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
  "${CMAKE_SOURCE_DIR}/cmake/layering.json")

# openp5_layered_libraries(variable unit): the libraries that the table lets a unit use.
function(openp5_layered_libraries variable unit)
  set(libraries "")
  string(JSON count LENGTH "${OPENP5_LAYERING}" "${unit}")
  if(count GREATER 0)
    math(EXPR last "${count} - 1")
    foreach(i RANGE ${last})
      string(JSON other GET "${OPENP5_LAYERING}" "${unit}" ${i})
      if(NOT other MATCHES "\\.h$")
        get_filename_component(name "${other}" NAME)
        list(APPEND libraries openp5_${name})
      endif()
    endforeach()
  endif()
  set(${variable} "${libraries}" PARENT_SCOPE)
endfunction()

function(openp5_unit)
  cmake_parse_arguments(ARG "TORCH" "NAME" "LINK" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*.cc")
  file(RELATIVE_PATH unit "${CMAKE_SOURCE_DIR}" "${CMAKE_CURRENT_SOURCE_DIR}")
  openp5_layered_libraries(units "${unit}")
  set(target openp5_${ARG_NAME})
  if(sources)
    add_library(${target} STATIC ${sources})
    target_link_libraries(${target} PUBLIC openp5_options ${units} ${ARG_LINK})
    if(ARG_TORCH)
      openp5_use_torch(${target})
    endif()
  else()
    add_library(${target} INTERFACE)
    target_link_libraries(${target} INTERFACE openp5_options ${units} ${ARG_LINK})
  endif()
endfunction()

function(openp5_unit_test)
  cmake_parse_arguments(ARG "TORCH" "NAME;LABEL" "LINK" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*_test.cc")
  if(NOT sources)
    return()
  endif()
  if(NOT ARG_LABEL)
    set(ARG_LABEL unit)
  endif()
  set(target openp5_${ARG_NAME}_test)
  add_executable(${target} ${sources})
  target_link_libraries(${target} PRIVATE openp5_options ${ARG_LINK} openp5_test_main)
  target_compile_definitions(${target} PRIVATE
    OPENP5_SHARED_DIR="${OPENP5_SHARED_DIR}" OPENP5_SOURCE_DIR="${CMAKE_SOURCE_DIR}"
    OPENP5_BINARY="$<TARGET_FILE:openp5>")
  if(ARG_TORCH)
    openp5_use_torch(${target})
  endif()
  gtest_discover_tests(${target} PROPERTIES LABELS ${ARG_LABEL} TIMEOUT 1200 DISCOVERY_TIMEOUT 60)
endfunction()
