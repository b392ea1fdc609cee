# openp5::torch: LibTorch as an imported target of ours. LibTorch's own package file demands a CUDA
# toolkit at configure time when it is a CUDA build; openp5 has no kernels and needs only the libraries.
#
# Looked for in: CMAKE_PREFIX_PATH, .deps/libtorch (scripts/setup.sh), the active Python's torch.
set(openp5_torch_hints "${CMAKE_SOURCE_DIR}/.deps/libtorch")
find_program(OPENP5_PYTHON python3)
if(OPENP5_PYTHON)
  execute_process(
    COMMAND ${OPENP5_PYTHON} -c "import importlib.util as u; s = u.find_spec('torch'); print(s.submodule_search_locations[0] if s else '')"
    OUTPUT_VARIABLE openp5_python_torch OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  if(openp5_python_torch)
    list(APPEND openp5_torch_hints "${openp5_python_torch}")
  endif()
endif()

# The distribution's LibTorch 1.13 lies in the system folders: those are never searched.
find_file(OPENP5_TORCH_VERSION_HEADER torch/headeronly/version.h NO_DEFAULT_PATH
  PATHS ${CMAKE_PREFIX_PATH} ${openp5_torch_hints} PATH_SUFFIXES include)
if(NOT OPENP5_TORCH_VERSION_HEADER)
  find_file(OPENP5_TORCH_VERSION_HEADER torch/csrc/api/include/torch/version.h NO_DEFAULT_PATH
    PATHS ${CMAKE_PREFIX_PATH} ${openp5_torch_hints} PATH_SUFFIXES include)
endif()
if(NOT OPENP5_TORCH_VERSION_HEADER)
  message(FATAL_ERROR "LibTorch: not found; run scripts/setup.sh, or set CMAKE_PREFIX_PATH to a LibTorch 2.6 or newer")
endif()
string(REGEX REPLACE "/include/torch/.*" "" OPENP5_TORCH_ROOT "${OPENP5_TORCH_VERSION_HEADER}")
file(STRINGS "${OPENP5_TORCH_VERSION_HEADER}" openp5_torch_version_lines REGEX "define TORCH_VERSION_(MAJOR|MINOR) ")
string(REGEX REPLACE ".*MAJOR ([0-9]+).*MINOR ([0-9]+).*" "\\1.\\2" OPENP5_TORCH_VERSION "${openp5_torch_version_lines}")
if(OPENP5_TORCH_VERSION VERSION_LESS 2.6)
  message(FATAL_ERROR "LibTorch: ${OPENP5_TORCH_ROOT}: expected 2.6 or newer, got ${OPENP5_TORCH_VERSION}; run scripts/setup.sh")
endif()
message(STATUS "LibTorch ${OPENP5_TORCH_VERSION} at ${OPENP5_TORCH_ROOT}")

add_library(openp5_torch INTERFACE)
target_include_directories(openp5_torch SYSTEM INTERFACE
  ${OPENP5_TORCH_ROOT}/include ${OPENP5_TORCH_ROOT}/include/torch/csrc/api/include)
target_link_libraries(openp5_torch INTERFACE
  ${OPENP5_TORCH_ROOT}/lib/libtorch.so ${OPENP5_TORCH_ROOT}/lib/libtorch_cpu.so ${OPENP5_TORCH_ROOT}/lib/libc10.so)
foreach(library torch_cuda c10_cuda)
  if(EXISTS ${OPENP5_TORCH_ROOT}/lib/lib${library}.so)
    # Nothing of ours calls into it: without --no-as-needed its kernels would not be registered.
    target_link_libraries(openp5_torch INTERFACE
      "-Wl,--push-state,--no-as-needed,${OPENP5_TORCH_ROOT}/lib/lib${library}.so,--pop-state")
  endif()
endforeach()
target_link_options(openp5_torch INTERFACE "-Wl,-rpath,${OPENP5_TORCH_ROOT}/lib" "-Wl,--disable-new-dtags")
add_library(openp5::torch ALIAS openp5_torch)
