#include "archive_options.hpp"

#include "coded_names.hpp"
#include "options.hpp"

#include <weir/codec.hpp>
#include <weir/content_coding.hpp>
#include <weir/file_handle.hpp>
#include <weir/file_source.hpp>
#include <weir/http/url.hpp>
#include <weir/ingest.hpp>
#include <weir/open_archive.hpp>
#include <weir/random_access.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <sys/stat.h>
#include <unistd.h>

namespace tool {

namespace {

/// What can be read of a part of a file.
std::vector<std::byte> read_part(const weir::file_handle& file, std::uint64_t offset, std::size_t most)
{
    std::vector<std::byte> part(most);
    const ssize_t got = ::pread(file.descriptor(), part.data(), part.size(), static_cast<off_t>(offset));
    part.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return part;
}

/// A name only tells of what is compressed and shows nothing of what is inside: here all of that is to say what is wrong.
bool begins_as_archive(const weir::file_handle& file, const weir::archive_options& options)
{
    auto found = weir::archive_verdict::undecided;
    for (std::size_t wanted = weir::archive_magic_bytes; found == weir::archive_verdict::undecided;
         wanted = weir::next_archive_look(wanted)) {
        const std::vector<std::byte> start = read_part(file, 0, wanted);
        const auto found_codec = weir::detect_codec(start);
        const bool is_coded = found_codec && found_codec != weir::codec::zlib; // texts begin so, too
        found = weir::judge_archive(start, start.size() < wanted, is_coded ? "any.tar.gz" : "any", options);
    }
    return found == weir::archive_verdict::archive;
}

} // namespace

void add_archive_choice(command_line& line, std::optional<weir::archive_choice>& which)
{
    line.begin_group("Archives");
    line.add({"archives", "WHICH", "read by their entries: named (default: arguments), all (in trees, and -, too) or none",
              [&](std::string_view text) {
                  which = static_cast<weir::archive_choice>(choose("archives", text, {"none", "named", "all"}));
              }});
}

void add_archive_limits(command_line& line, weir::archive_limits& limits)
{
    line.begin_group("Limits of archives (`none` switches one off)");
    line.add({"archive-limit", "SIZE", "for a zip archive (default 4G)",
              [&](std::string_view text) { limits.max_archive_bytes = read_limit("archive-limit", text); }});
    line.add({"entry-limit", "SIZE", "for the content of an entry (default 1G)",
              [&](std::string_view text) { limits.max_entry_bytes = read_limit("entry-limit", text); }});
    line.add({"content-limit", "SIZE", "for all contents together, beyond the archive's own size (default 16G)",
              [&](std::string_view text) { limits.max_content_bytes = read_limit("content-limit", text); }});
    line.add({"entries-limit", "N", "for the entries of an archive (default 1000000)", [&](std::string_view text) {
                  constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
                  limits.max_entries =
                      text == "none" ? weir::unlimited : read_number("entries-limit", text, 1, most);
              }});
    line.add({"nesting-limit", "N", "compressions around an archive, to 16; more make it a file (default 1)",
              [&](std::string_view text) {
                  limits.max_nesting = text == "none" ? weir::unlimited : read_number("nesting-limit", text, 0, 16);
              }});
}

bool stands_for_archive(const std::string& name, const weir::archive_options& options)
{
    const std::uint64_t nesting = options.limits.max_nesting;
    if (weir::is_url(name))
        return names_archive(std::string_view(name).substr(0, name.find_first_of("?#")), nesting);
    struct stat status {}; // first: a FIFO that is opened and closed has lost its writer
    if (name == "-" || ::stat(name.c_str(), &status) != 0 || !S_ISREG(status.st_mode))
        return false;
    std::error_code failure;
    const weir::file_handle file = weir::file_handle::open(name.c_str(), weir::open_flags::non_blocking, failure);
    if (!file)
        return false;
    if (names_archive(name, nesting) || begins_as_archive(file, options))
        return true;
    const weir::file_info found = file.info(failure);
    if (failure || found.type != weir::file_type::regular)
        return false;
    const std::uint64_t end = found.size - std::min<std::uint64_t>(found.size, weir::archive_end_bytes);
    const std::vector<std::byte> tail = read_part(file, end, weir::archive_end_bytes);
    return weir::is_zip_end(tail, end + tail.size());
}

std::string shown_name(const std::string& name) { return weir::is_url(name) ? weir::http::redacted(name) : name; }

/// A body, whose end is noted.
class input_end::watch final : public weir::source {
public:
    watch(std::unique_ptr<weir::http::http_source> body, const input_end& end) noexcept
        : body_(std::move(body)), only_connection_ended_(end.only_connection_ended_)
    {}

    asio::awaitable<weir::bytes> read(weir::reservation& memory, std::size_t max_bytes) override
    {
        weir::bytes piece = co_await body_->read(memory, max_bytes);
        if (start_.size() < weir::codec_magic_bytes) {
            const std::vector<std::byte> more = piece.copy_out();
            start_.insert(start_.end(), more.begin(), more.end());
        }
        if (piece.empty()) {
            const weir::http::source_report found = body_->report();
            const auto magic = std::span(start_).first(std::min(start_.size(), weir::codec_magic_bytes));
            *only_connection_ended_ = found.is_doubtful() && found.content_codings.empty() && !weir::detect_codec(magic);
        }
        co_return piece;
    }
    std::optional<std::uint64_t> size() const noexcept override { return body_->size(); }
    std::size_t read_ahead_blocks() const noexcept override { return body_->read_ahead_blocks(); }
    std::string_view name() const noexcept override { return body_->name(); }
    asio::awaitable<void> close() override { return body_->close(); }

private:
    const std::unique_ptr<weir::http::http_source> body_;
    const std::shared_ptr<std::atomic<bool>> only_connection_ended_;
    std::vector<std::byte> start_; // with the piece in which that ends
};

bool input_end::is_doubtful(const weir::archive& read) const
{
    return *only_connection_ended_ && read.format() == weir::archive_format::tar;
}

asio::awaitable<std::unique_ptr<weir::archive>> open_archive(weir::engine& owner, http_opener& web, std::string name,
                                                             weir::archive_options options, input_end& end)
{
    std::unique_ptr<weir::source> stream;
    if (weir::is_url(name)) {
        std::unique_ptr<weir::http::http_source> body = co_await web.open(name, false);
        const std::vector<std::string> codings = body->report().content_codings;
        weir::decoding_options how;
        how.settings = options.decoder;
        auto watched = std::make_unique<input_end::watch>(std::move(body), end);
        stream = weir::decode_content(owner, std::move(watched), codings, how);
    }
    else if (name == "-") {
        stream = weir::open_descriptor(owner, STDIN_FILENO, name);
    }
    else {
        weir::file_handle file = weir::file_handle::open(name, weir::open_flags::non_blocking); // a FIFO's writer is waited for later
        if (file.info(name).type == weir::file_type::regular) {
            auto input = weir::open_random_access(owner, std::move(file), std::move(name));
            std::unique_ptr<weir::archive> opened = co_await weir::open_archive(owner, std::move(input), options);
            co_return opened;
        }
        stream = weir::open_file(owner, std::move(file), name);
    }
    std::unique_ptr<weir::archive> opened = co_await weir::open_archive(owner, std::move(stream), options);
    co_return opened;
}

} // namespace tool
