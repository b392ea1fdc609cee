# openp5::torch: LibTorch as an imported target of ours. LibTorch's own package file demands a CUDA
# toolkit at configure time when it is a CUDA build; openp5 has no kernels and needs only the libraries.
#
# Looked for in: CMAKE_PREFIX_PATH (the variable, then the environment's), .deps/libtorch
# (scripts/setup.sh), the active Python's torch. The distribution's LibTorch 1.13 lies in the system
# folders: those are never searched.
file(TO_CMAKE_PATH "$ENV{CMAKE_PREFIX_PATH}" openp5_environment_prefixes)
set(openp5_torch_hints ${CMAKE_PREFIX_PATH} ${openp5_environment_prefixes} "${CMAKE_SOURCE_DIR}/.deps/libtorch")
find_program(OPENP5_PYTHON python3)
if(OPENP5_PYTHON)
  execute_process(
    COMMAND ${OPENP5_PYTHON} -c "import importlib.util as u; s = u.find_spec('torch'); print(s.submodule_search_locations[0] if s else '')"
    OUTPUT_VARIABLE openp5_python_torch OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  if(openp5_python_torch)
    list(APPEND openp5_torch_hints "${openp5_python_torch}")
  endif()
endif()

# The first hint that holds either place of the version header wins (the second: before LibTorch 2.8).
# A hint may be LibTorch's folder or its share/cmake, which Python's torch.utils.cmake_prefix_path names.
foreach(hint ${openp5_torch_hints})
  find_path(OPENP5_TORCH_INCLUDE NO_DEFAULT_PATH PATHS "${hint}" PATH_SUFFIXES include ../../include
    NAMES torch/headeronly/version.h torch/csrc/api/include/torch/version.h)
endforeach()
if(NOT OPENP5_TORCH_INCLUDE)
  message(FATAL_ERROR "LibTorch: not found; run scripts/setup.sh, or set CMAKE_PREFIX_PATH to a LibTorch 2.6 or newer")
endif()
get_filename_component(OPENP5_TORCH_ROOT "${OPENP5_TORCH_INCLUDE}/.." ABSOLUTE)

set(openp5_torch_version_header "${OPENP5_TORCH_INCLUDE}/torch/headeronly/version.h")
if(NOT EXISTS "${openp5_torch_version_header}")
  set(openp5_torch_version_header "${OPENP5_TORCH_INCLUDE}/torch/csrc/api/include/torch/version.h")
endif()
file(STRINGS "${openp5_torch_version_header}" openp5_torch_version_lines REGEX "define TORCH_VERSION_(MAJOR|MINOR) ")
string(REGEX REPLACE ".*MAJOR ([0-9]+).*MINOR ([0-9]+).*" "\\1.\\2" OPENP5_TORCH_VERSION "${openp5_torch_version_lines}")
if(OPENP5_TORCH_VERSION VERSION_LESS 2.6)
  message(FATAL_ERROR "LibTorch: ${OPENP5_TORCH_ROOT}: expected 2.6 or newer, got ${OPENP5_TORCH_VERSION}; run scripts/setup.sh")
endif()
set(openp5_torch_config "${OPENP5_TORCH_ROOT}/share/cmake/Torch/TorchConfig.cmake")
if(EXISTS "${openp5_torch_config}")
  file(STRINGS "${openp5_torch_config}" openp5_torch_old_abi REGEX "_GLIBCXX_USE_CXX11_ABI=0")
  if(openp5_torch_old_abi)
    message(FATAL_ERROR "LibTorch: ${OPENP5_TORCH_ROOT}: expected a build with the C++11 ABI, got one without "
      "(std::string of before GCC 5); run scripts/setup.sh")
  endif()
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
