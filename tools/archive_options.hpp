#pragma once
// How commands open archives.

#include "command_line.hpp"
#include "http_options.hpp"

#include <weir/archive.hpp>
#include <weir/engine.hpp>
#include <weir/ingest.hpp>

#include <boost/asio/awaitable.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace tool {

/// Adds --archives, which sets `which`.
void add_archive_choice(command_line& line, std::optional<weir::archive_choice>& which);

/// Adds the limits of archives, which set `limits`.
void add_archive_limits(command_line& line, weir::archive_limits& limits);

/// Whether a file is an archive, compressed or not, by its first bytes; of a URL, by its name.
/// \returns  false for what cannot be read: the one who opens it says why
[[nodiscard]] bool is_archive(const std::string& name, const weir::archive_options& options);

/// A name for messages: a URL without what is secret in it.
[[nodiscard]] std::string shown_name(const std::string& name);

/// Opens what a file, a URL or `-` gives: in any order where it is a zip file, else as a stream.
/// \throws weir::error  as `weir::open_archive`, and what opening reports
[[nodiscard]] asio::awaitable<std::unique_ptr<weir::archive>>
open_archive(weir::engine& owner, http_opener& web, std::string name, weir::archive_options options);

} // namespace tool
