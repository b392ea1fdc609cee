# Compiles through ccache where it is installed. The precompiled header needs the relaxed settings.
find_program(OPENP5_CCACHE ccache)
if(OPENP5_CCACHE)
  foreach(language C CXX)
    set(CMAKE_${language}_COMPILER_LAUNCHER
        ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${OPENP5_CCACHE})
  endforeach()
  add_compile_options($<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess>)
endif()
