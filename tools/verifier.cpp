#include "verifier.hpp"

#include <weir/error.hpp>
#include <weir/size.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <span>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace tool {
namespace {

using namespace weir::literals;

constexpr std::size_t longest_chunk = 16_MiB; // no chunker cuts longer ones
constexpr std::size_t whole_step = 1_MiB;

std::string reason(int number) { return std::error_code(number, std::system_category()).message(); }

} // namespace

void verifier::chunk(const listed_chunk& line)
{
    state& seen = files_[line.path];
    if (!seen.tree)
        seen.tree.emplace(line.digest.hash);
    seen.tree->add(line.digest.value, line.length);
    ++seen.chunks;
    const bool follows = line.offset == std::exchange(seen.end, line.offset + line.length);
    if (!seen.failure.empty())
        return;
    if (!follows || line.length == 0 || line.length > longest_chunk)
        seen.failure = fmt::format("the list is wrong at offset {}", line.offset);
    else if (seen.failure = read(line); seen.failure.empty())
        if (digest_of_buffer(line.digest.hash) != line.digest.value)
            seen.failure = fmt::format("differs in the {} at offset {}", weir::format_size(line.length), line.offset);
}

weir::digest verifier::digest_of_buffer(weir::hash_algorithm hash)
{
    if (!hasher_ || hasher_->algorithm() != hash)
        hasher_.emplace(hash);
    hasher_->update(buffer_);
    return hasher_->finish();
}

std::string verifier::open(const std::string& path)
{
    if (file_ && path == open_path_)
        return {};
    std::error_code failure;
    file_ = path == "-" ? weir::file_handle(::dup(STDIN_FILENO))
                        : weir::file_handle::open(path.c_str(), weir::open_flags::none, failure);
    open_path_ = path;
    return failure ? failure.message() : std::string();
}

std::string verifier::read(const listed_chunk& line)
{
    if (std::string failure = open(line.path); !failure.empty())
        return failure;
    const bool stream = line.path == "-";
    if (stream && line.offset != stream_position_)
        return fmt::format("standard input is past offset {}", line.offset);
    buffer_.resize(line.length);
    for (std::size_t filled = 0; filled < buffer_.size();) {
        std::byte* const to = buffer_.data() + filled;
        const std::size_t count = buffer_.size() - filled;
        const ssize_t got = stream ? ::read(file_.descriptor(), to, count)
                                   : ::pread(file_.descriptor(), to, count, static_cast<off_t>(line.offset + filled));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return reason(errno);
        if (got == 0)
            return fmt::format("ends at offset {}", line.offset + filled);
        filled += static_cast<std::size_t>(got);
        stream_position_ += stream ? static_cast<std::uint64_t>(got) : 0;
    }
    return {};
}

verdict verifier::file(const listed_file& line)
{
    const auto found = files_.find(line.path);
    state seen = found != files_.end() ? std::move(found->second) : state();
    if (found != files_.end())
        files_.erase(found);
    return {line.path, compare_file(seen, line)};
}

std::string verifier::compare_file(state& seen, const listed_file& line)
{
    if (!seen.failure.empty())
        return seen.failure;
    if (seen.chunks != line.chunks || seen.end != line.size)
        return fmt::format("the list has {} of {} chunks", seen.chunks, line.chunks);
    if (std::string failure = compare_root(seen, line); !failure.empty())
        return failure;
    if (std::string failure = open(line.path); !failure.empty())
        return failure;
    // One byte more than listed tells a file that has grown; its size need not (pipes, /proc).
    std::byte more{};
    const ssize_t got = line.path == "-" ? ::read(file_.descriptor(), &more, 1)
                                         : ::pread(file_.descriptor(), &more, 1, static_cast<off_t>(line.size));
    if (got != 0)
        return got > 0 ? fmt::format("is longer than {}", weir::format_size_exactly(line.size)) : reason(errno);
    return line.whole && line.path != "-" ? compare_whole(line) : std::string();
}

std::string verifier::compare_root(state& seen, const listed_file& line) const
{
    bool equal = false;
    if (seen.tree)
        equal = seen.tree->root() == line.root;
    else // the list does not say which hash an empty file was given
        for (const auto hash :
             {weir::hash_algorithm::sha256, weir::hash_algorithm::sha512_256, weir::hash_algorithm::xxh3_128})
            equal = equal || weir::merkle_tree(hash).root() == line.root;
    return equal ? "" : "the list is wrong: its root is not that of its chunks";
}

std::string verifier::compare_whole(const listed_file& line)
{
    weir::hasher whole(line.whole->hash);
    buffer_.resize(whole_step);
    for (std::uint64_t offset = 0; offset < line.size;) {
        const ssize_t got = ::pread(file_.descriptor(), buffer_.data(), buffer_.size(), static_cast<off_t>(offset));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got < 0 ? reason(errno) : fmt::format("ends at offset {}", offset);
        whole.update(std::span(buffer_).first(static_cast<std::size_t>(got)));
        offset += static_cast<std::uint64_t>(got);
    }
    return whole.finish() == line.whole->value ? "" : "differs as a whole";
}

std::vector<verdict> verifier::rest()
{
    std::vector<verdict> verdicts;
    for (auto& [path, seen] : files_)
        verdicts.push_back({path, seen.failure.empty() ? "the list ends before the file does" : seen.failure});
    files_.clear();
    return verdicts;
}

} // namespace tool
