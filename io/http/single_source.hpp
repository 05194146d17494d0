#pragma once
// How sources of http are made.

#include "download.hpp"

#include <memory>

namespace weir::http {

/// A pace, or a range of the caller's own, is kept by one connection.
[[nodiscard]] bool wants_parts(const source_options& options);

/// Reads what `work`, which was started, gives.
[[nodiscard]] std::unique_ptr<http_source> make_single_source(std::shared_ptr<download> work,
                                                              std::shared_ptr<download_counters> counters,
                                                              const boost::asio::any_io_executor& executor,
                                                              const source_options& options);

/// At the end of `work`: compares, and tells of what is doubtful. \throws weir::error  `errc::mismatch`
void judge_end(digest_checker& digests, const download& work, const download_counters& counters, const source_options& options,
               std::string_view subject);

/// As `open`.
[[nodiscard]] boost::asio::awaitable<std::unique_ptr<http_source>> open_source(std::shared_ptr<client::impl> from,
                                                                               url target, source_options options);

} // namespace weir::http
