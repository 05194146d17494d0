#pragma once
// One object through several connections, given in order.

#include "download.hpp"

#include <weir/http/source.hpp>

#include <memory>

namespace weir::http {

/// Asks by HEAD what servers say of the whole and not of a part: its digests.
/// \returns  the head of that answer; where there is none, as signed URLs allow GET alone, or it is of another version: that
///   of `first`
/// \pre `can_be_parallel(*first)`, and its body was read
[[nodiscard]] boost::asio::awaitable<response_head> describe_whole(std::shared_ptr<download> first, download_target target,
                                                                   std::shared_ptr<download_counters> counters);

/// \param first      what told of the object; \pre `can_be_parallel(*first)`
/// \param described  what states digests of the whole: the head of `first`, or `describe_whole`
[[nodiscard]] std::unique_ptr<http_source> make_parallel_source(download_target target, std::shared_ptr<download> first,
                                                                response_head described,
                                                                std::shared_ptr<download_counters> counters,
                                                                const source_options& options);

/// Whether the server gives ranges, and tells the length and a strong validator.
[[nodiscard]] bool can_be_parallel(const download& first) noexcept;

} // namespace weir::http
