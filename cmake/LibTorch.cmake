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

# openp5_check_torch(FOLDER OUT_VERSION OUT_REASON): the version of the LibTorch in FOLDER, empty if there is
# none; and why it cannot be used, empty if it can. scripts/setup.sh asks the same questions.
function(openp5_check_torch folder out_version out_reason)
  set(version "")
  set(reason "")
  # The second place is the one of before LibTorch 2.8.
  foreach(header torch/headeronly/version.h torch/csrc/api/include/torch/version.h)
    if(NOT version AND EXISTS "${folder}/include/${header}" AND EXISTS "${folder}/lib/libtorch_cpu.so")
      file(STRINGS "${folder}/include/${header}" lines REGEX "define TORCH_VERSION_(MAJOR|MINOR) ")
      string(REGEX REPLACE ".*MAJOR ([0-9]+).*MINOR ([0-9]+).*" "\\1.\\2" version "${lines}")
    endif()
  endforeach()
  set(config "${folder}/share/cmake/Torch/TorchConfig.cmake")
  set(old_abi "")
  if(EXISTS "${config}")
    file(STRINGS "${config}" old_abi REGEX "_GLIBCXX_USE_CXX11_ABI=0")
  endif()
  if(version AND version VERSION_LESS 2.6)
    set(reason "expected 2.6 or newer, got ${version}")
  elseif(version AND old_abi)
    set(reason "expected a build with the C++11 ABI, got one without")
  endif()
  set(${out_version} "${version}" PARENT_SCOPE)
  set(${out_reason} "${reason}" PARENT_SCOPE)
endfunction()

# The first that can be used is kept for later runs, for as long as it is there.
set(OPENP5_TORCH_ROOT "" CACHE PATH "LibTorch's folder; empty: look for it")
set(openp5_torch_refused "")
set(openp5_torch_found "")
foreach(hint ${OPENP5_TORCH_ROOT} ${openp5_torch_hints})
  # Python's torch.utils.cmake_prefix_path names share/cmake in LibTorch's folder.
  foreach(folder "${hint}" "${hint}/../..")
    if(NOT openp5_torch_found)
      get_filename_component(folder "${folder}" ABSOLUTE)
      openp5_check_torch("${folder}" OPENP5_TORCH_VERSION reason)
      if(reason)
        message(STATUS "LibTorch: ${folder}: ${reason}: not used")
        string(APPEND openp5_torch_refused "; ${folder}: ${reason}")
      elseif(OPENP5_TORCH_VERSION)
        set(openp5_torch_found "${folder}")
      endif()
    endif()
  endforeach()
endforeach()
if(NOT openp5_torch_found)
  message(FATAL_ERROR "LibTorch: not found; run scripts/setup.sh, or set CMAKE_PREFIX_PATH to a LibTorch 2.6 or newer"
    "${openp5_torch_refused}")
endif()
set(OPENP5_TORCH_ROOT "${openp5_torch_found}" CACHE PATH "LibTorch's folder; empty: look for it" FORCE)
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
