#pragma once
// One object through several connections, given in order.

#include "download.hpp"

#include <weir/http/source.hpp>

#include <memory>

namespace weir::http {

/// \param first  what told of the object; \pre `can_be_parallel(*first)`
[[nodiscard]] std::unique_ptr<http_source> make_parallel_source(download_target target, std::shared_ptr<download> first,
                                                                std::shared_ptr<download_counters> counters,
                                                                const source_options& options);

/// Whether the server gives ranges, and tells the length and a strong validator.
[[nodiscard]] bool can_be_parallel(const download& first) noexcept;

} // namespace weir::http
