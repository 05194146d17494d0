#include <weir/journal.hpp>

#include "codec.hpp"
#include "files/durable_file.hpp"

#include <weir/error.hpp>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <utility>

#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

namespace weir {
namespace {

constexpr mode_t for_its_user_alone = S_IRUSR | S_IWUSR;
constexpr std::size_t window_bytes = 4 * journal::most_content_bytes;
constexpr std::size_t longest_record = detail::journal_record_head_bytes + journal::most_content_bytes;

detail::journal_id random_id()
{
    detail::journal_id id;
    if (::getrandom(id.data(), id.size(), 0) != static_cast<ssize_t>(id.size())) // so few come at once
        throw_system_error(errno, "get random bytes");
    return id;
}

/// \returns  how many bytes there were
std::size_t read_some_at(const file_handle& file, std::uint64_t offset, std::span<std::byte> into,
                         std::string_view subject)
{
    std::error_code failure;
    const std::size_t filled = detail::read_at(file, offset, into, failure);
    if (failure)
        throw_system_error(failure.value(), "read", subject, offset + filled);
    return filled;
}

void check_type(const file_handle& file, const std::filesystem::path& path)
{
    if (file.info(path.native()).type != file_type::regular)
        throw error(errc::damaged, "open", path.native(), std::nullopt, "not a regular file");
}

} // namespace

journal::journal(std::filesystem::path path)
    : path_(std::move(path)), file_(detail::open_locked(path_, for_its_user_alone, check_type))
{
    check_owner();
    read_head();
}

journal::~journal() = default;

/// What others wrote would be trusted.
void journal::check_owner() const
{
    struct stat status {};
    if (::fstat(file_.descriptor(), &status) != 0)
        fail("open", errno);
    if (status.st_uid != ::geteuid() || (status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        fail("open", EPERM);
}

void journal::read_head()
{
    file_bytes_ = file_.info(path_.native()).size;
    std::array<std::byte, detail::journal_head_bytes> head;
    const std::size_t got = read_some_at(file_, 0, head, path_.native());
    if (const auto id = detail::read_journal_head(std::span(head).first(got), path_.native())) {
        codec_ = std::make_unique<detail::journal_codec>(*id);
        position_ = head.size();
    }
    else {
        (void)::fchmod(file_.descriptor(), for_its_user_alone); // an empty file that was there
        clear();
    }
}

std::optional<journal_record> journal::next()
{
    assert(pending_.empty());
    look_at(position_);
    const std::span<const std::byte> there = std::span(window_).subspan(position_ - window_start_);
    const std::optional<journal_record> found = codec_->read(position_, there);
    if (found)
        position_ += detail::journal_record_bytes(*found);
    return found;
}

/// Has a whole record at `position` in the window, if the file has one there.
void journal::look_at(std::uint64_t position)
{
    const std::uint64_t wanted = std::min(position + longest_record, std::max(file_bytes_, position));
    if (position >= window_start_ && wanted <= window_start_ + window_.size())
        return;
    window_.resize(window_bytes);
    window_start_ = position;
    window_.resize(read_some_at(file_, position, window_, path_.native()));
}

void journal::drop_rest()
{
    assert(pending_.empty());
    pending_start_ = position_;
    window_.clear();
    cut();
}

void journal::append(std::uint32_t kind, std::span<const std::byte> content)
{
    if (pending_.empty())
        pending_start_ = position_;
    codec_->write(position_, {kind, content}, pending_);
    position_ = pending_start_ + pending_.size();
}

void journal::flush()
{
    if (pending_.empty())
        return;
    // Before the new ones: old records that stood further behind must never follow them. (Their checksums fit their
    // places.)
    cut();
    const std::vector<std::byte> records = std::exchange(pending_, {});
    position_ = pending_start_; // until they are written
    window_.clear();
    write_at(pending_start_, records);
    position_ = file_bytes_ = pending_start_ + records.size();
}

/// The file ends where the next record begins.
void journal::cut()
{
    if (file_bytes_ == pending_start_)
        return;
    if (::ftruncate(file_.descriptor(), static_cast<off_t>(pending_start_)) != 0)
        fail("truncate", errno);
    file_bytes_ = pending_start_;
}

void journal::sync()
{
    flush();
    if (::fdatasync(file_.descriptor()) != 0)
        fail("sync", errno);
}

void journal::clear()
{
    pending_.clear();
    window_.clear();
    position_ = pending_start_ = 0;
    cut();
    const detail::journal_id id = random_id();
    const auto head = detail::make_journal_head(id);
    write_at(0, head);
    codec_ = std::make_unique<detail::journal_codec>(id);
    position_ = file_bytes_ = head.size();
    sync();
    detail::sync_directory_of(path_);
}

void journal::write_at(std::uint64_t offset, std::span<const std::byte> content)
{
    file_bytes_ = offset + content.size(); // at most, whatever happens
    std::error_code failure;
    detail::write_at(file_, offset, content, failure);
    if (failure)
        fail("write", failure.value());
}

void journal::remove()
{
    if (::unlink(path_.c_str()) != 0 && errno != ENOENT)
        fail("remove", errno);
}

digest journal::seal(std::string_view label, std::string_view text) const
{
    hasher sum(hash_algorithm::sha256);
    sum.update(codec_->id());
    sum.update(std::as_bytes(std::span(label)));
    sum.update(std::as_bytes(std::span("", 1))); // labels end, so that none is the start of another
    sum.update(std::as_bytes(std::span(text)));
    return sum.finish();
}

void journal::fail(std::string_view operation, int number) const
{
    throw_system_error(number, operation, path_.native());
}

} // namespace weir
