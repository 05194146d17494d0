#include "check_batch.hpp"

#include "block_io.hpp"

#include <weir/error.hpp>
#include <weir/hasher.hpp>
#include <weir/size.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <poll.h>
#include <span>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace tool {
namespace {

using namespace weir::literals;

// Enough chunks for the lanes of every kernel, also where they are large; memory follows the number of workers.
constexpr std::size_t most_bytes = 8_MiB;
constexpr std::size_t most_lines = 1024;
constexpr std::size_t whole_step = 1_MiB;

std::string reason(std::string_view operation, std::error_code code) { return weir::error(code, operation).what(); }

std::string read_failure() { return reason("read", std::error_code(errno, std::system_category())); }

/// Fills `memory` by calls of `read(where)`; why that failed, or nothing.
/// \param filled  is set to what was read all the same
template <class Read>
std::string fill(std::span<std::byte> memory, std::uint64_t offset, std::size_t& filled, Read read)
{
    for (filled = 0; filled < memory.size();) {
        const ssize_t got = read(memory.subspan(filled), offset + filled);
        if (got < 0)
            return read_failure();
        if (got == 0)
            return fmt::format("ends at offset {}", offset + filled);
        filled += static_cast<std::size_t>(got);
    }
    return {};
}

ssize_t read_at(const weir::file_handle& file, std::span<std::byte> to, std::uint64_t offset)
{
    ssize_t got = 0;
    do
        got = ::pread(file.descriptor(), to.data(), to.size(), static_cast<off_t>(offset));
    while (got < 0 && errno == EINTR);
    return got;
}

ssize_t read_input(std::span<std::byte> to)
{
    ssize_t got = 0;
    do
        got = ::read(STDIN_FILENO, to.data(), to.size());
    while (got < 0 && is_worth_another(STDIN_FILENO, POLLIN));
    return got;
}

// What has none, as a FIFO, would be waited for.
bool has_positions(const weir::file_handle& file)
{
    std::error_code ignored;
    const weir::file_type type = file.info(ignored).type;
    return type == weir::file_type::regular || type == weir::file_type::block_device;
}

} // namespace

bool check_batch::takes(const listed_chunk& line) const noexcept
{
    if (pieces_.empty())
        return true;
    return bytes_ + line.length <= most_bytes && chunk_of(pieces_.front()).digest.hash == line.digest.hash;
}

bool check_batch::full() const noexcept { return bytes_ >= most_bytes || lines_.size() >= most_lines; }

void check_batch::clear() noexcept
{
    lines_.clear();
    pieces_.clear();
    bytes_ = 0;
    bytes_read_ = 0;
}

void check_batch::add(checked_line chunk, std::uint64_t& stream_position)
{
    const auto& line = std::get<listed_chunk>(chunk.line);
    const bool stream = line.path == "-";
    const piece next{lines_.size(), bytes_, {}};
    const std::size_t length = line.length;
    const bool wanted = chunk.failure.empty();
    lines_.push_back(std::move(chunk));
    if (!wanted)
        return;
    bytes_ += length;
    if (memory_->size() < bytes_)
        memory_->resize(bytes_);
    pieces_.push_back(next);
    if (stream)
        lines_.back().failure = read_stream(next, stream_position);
}

void check_batch::add(checked_line file)
{
    lines_.push_back(std::move(file));
    if (const auto& end = std::get<listed_file>(lines_.back().line); end.path == "-" && lines_.back().failure.empty())
        lines_.back().failure = compare_end(end);
}

void check_batch::run()
{
    for (const piece& each : pieces_)
        if (chunk_of(each).path != "-")
            lines_[each.line].failure = read_all(each);
    digest_pieces();
    for (const piece& each : pieces_) {
        const listed_chunk& line = chunk_of(each);
        std::string& failure = lines_[each.line].failure;
        if (failure.empty() && each.digest != line.digest.value)
            failure = fmt::format("differs in the {} at offset {}", weir::format_size(line.length), line.offset);
    }
    for (checked_line& each : lines_)
        if (const auto* end = std::get_if<listed_file>(&each.line); end && end->path != "-" && each.failure.empty())
            each.failure = compare_end(*end);
    file_.close();
    open_path_.clear();
}

void check_batch::digest_pieces()
{
    if (pieces_.empty())
        return;
    const weir::hash_algorithm hash = chunk_of(pieces_.front()).digest.hash;
    if (!hasher_ || hasher_->algorithm() != hash)
        hasher_.emplace(hash);
    const weir::slice all = weir::slice::adopt(*memory_, memory_);
    slices_.clear();
    for (const piece& each : pieces_)
        slices_.push_back(all.subslice(each.start, chunk_of(each).length));
    std::vector<weir::multi_hasher::message> messages;
    for (std::size_t i = 0; i != pieces_.size(); ++i)
        messages.push_back({std::span(&slices_[i], 1), slices_[i].size(), &pieces_[i].digest});
    hasher_->start(messages);
    while (!hasher_->run(most_bytes)) {
    }
    slices_.clear();
}

std::string check_batch::open(const std::string& path)
{
    if (file_ && path == open_path_)
        return {};
    std::error_code failure;
    file_ = path == "-" ? weir::file_handle(::dup(STDIN_FILENO))
                        : weir::file_handle::open(path.c_str(), weir::open_flags::non_blocking, failure);
    open_path_ = path;
    if (failure)
        return reason("open", failure);
    if (path == "-" || has_positions(file_))
        return {};
    file_.close();
    return "is no regular file";
}

std::string check_batch::read_all(const piece& from)
{
    const listed_chunk& line = chunk_of(from);
    if (std::string failure = open(line.path); !failure.empty())
        return failure;
    std::size_t filled = 0;
    std::string failure = fill(std::span(*memory_).subspan(from.start, line.length), line.offset, filled,
                               [&](std::span<std::byte> to, std::uint64_t at) { return read_at(file_, to, at); });
    bytes_read_ += filled;
    return failure;
}

std::string check_batch::read_stream(const piece& from, std::uint64_t& stream_position)
{
    const listed_chunk& line = chunk_of(from);
    if (line.offset != stream_position)
        return fmt::format("standard input is past offset {}", line.offset);
    std::size_t filled = 0;
    std::string failure = fill(
        std::span(*memory_).subspan(from.start, line.length), line.offset, filled,
        [](std::span<std::byte> to, std::uint64_t) { return read_input(to); });
    stream_position += filled;
    bytes_read_ += filled;
    return failure;
}

std::string check_batch::compare_end(const listed_file& line)
{
    if (std::string failure = open(line.path); !failure.empty())
        return failure;
    // One byte more than listed tells a file that has grown; its size need not (pipes, /proc).
    std::byte more{};
    const std::span<std::byte> room(&more, 1);
    const ssize_t got = line.path == "-" ? read_input(room) : read_at(file_, room, line.size);
    if (got != 0)
        return got > 0 ? fmt::format("is longer than {}", weir::format_size_exactly(line.size)) : read_failure();
    return line.whole && line.path != "-" ? compare_whole(line) : std::string();
}

std::string check_batch::compare_whole(const listed_file& line)
{
    weir::hasher whole(line.whole->hash);
    std::vector<std::byte> memory(whole_step);
    for (std::uint64_t offset = 0; offset < line.size;) {
        const auto part = std::span(memory).first(std::min<std::uint64_t>(memory.size(), line.size - offset));
        std::size_t filled = 0; // again: not counted
        std::string failure = fill(part, offset, filled, [&](std::span<std::byte> to, std::uint64_t at) {
            return read_at(file_, to, at);
        });
        if (!failure.empty())
            return failure;
        whole.update(part);
        offset += part.size();
    }
    return whole.finish() == line.whole->value ? "" : "differs as a whole";
}

} // namespace tool
