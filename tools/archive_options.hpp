#pragma once
// How commands open archives.

#include "command_line.hpp"
#include "http_options.hpp"

#include <weir/archive.hpp>
#include <weir/engine.hpp>
#include <weir/ingest.hpp>

#include <boost/asio/awaitable.hpp>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace tool {

/// Adds --archives, which sets `which`.
void add_archive_choice(command_line& line, std::optional<weir::archive_choice>& which);

/// Adds the limits of archives, which set `limits`.
void add_archive_limits(command_line& line, weir::archive_limits& limits);

/// Whether what stands in front of other names is to be opened as an archive: by its name; and a file also by its first
/// bytes, where they are of an archive, or compressed and cannot be decoded, or by its last, as zip behind a program.
/// \returns  false for what cannot be read: the one who opens it says why
[[nodiscard]] bool stands_for_archive(const std::string& name, const weir::archive_options& options);

/// A name for messages: a URL without what is secret in it.
[[nodiscard]] std::string shown_name(const std::string& name);

/// How the end of an archive's input is known.
class input_end {
public:
    /// Whether the archive may go on where its input ended: it is tar, which tells no number of entries, nothing was
    /// compressed, so that no codec misses its own end, and only the connection's end said that this is all.
    [[nodiscard]] bool is_doubtful(const weir::archive& read) const;

private:
    class watch;
    friend asio::awaitable<std::unique_ptr<weir::archive>> open_archive(weir::engine&, http_opener&, std::string,
                                                                        weir::archive_options, input_end&);
    // An archive that is dropped may be read on for a moment.
    std::shared_ptr<std::atomic<bool>> only_connection_ended_ = std::make_shared<std::atomic<bool>>(false);
};

/// Opens what a file, a URL or `-` gives: in any order where it is a zip file, else as a stream.
/// \param end  complete when the archive is read to its end
/// \throws weir::error  as `weir::open_archive`, and what opening reports
[[nodiscard]] asio::awaitable<std::unique_ptr<weir::archive>>
open_archive(weir::engine& owner, http_opener& web, std::string name, weir::archive_options options, input_end& end);

} // namespace tool
