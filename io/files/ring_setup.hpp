#pragma once
// Making a ring, with what this kernel and these limits allow.

#include <liburing.h>

namespace weir::detail {

/// Makes a ring of `entries`, or fewer where locked memory is short. Of `wanted` flags those that the kernel does not
/// know are dropped, newest first. The ring has worked once when this returns 0; else a negative error number.
int make_ring(io_uring& ring, unsigned entries, unsigned wanted) noexcept;

} // namespace weir::detail
