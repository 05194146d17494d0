#pragma once
// WEIR_API marks what the shared library exports; everything else is hidden.

#if defined(_WIN32)
#    if defined(WEIR_BUILDING)
#        define WEIR_API __declspec(dllexport)
#    else
#        define WEIR_API __declspec(dllimport)
#    endif
#else
#    define WEIR_API __attribute__((visibility("default")))
#endif
