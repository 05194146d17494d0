#include "partial_file.hpp"

#include "files/durable_file.hpp"

#include <weir/error.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include <sys/stat.h>
#include <unistd.h>

namespace weir::http {
namespace {

// A process that is killed loses less than one. Its digest is XXH3, which finds what disks and crashes do; against
// people there is the file's owner, and the digest of the whole.
constexpr std::uint64_t chunk_size = std::uint64_t{1} << 20;
constexpr hash_algorithm chunk_hash = hash_algorithm::xxh3_128;
constexpr std::string_view settings = "file, chunks by xxh3-128";
constexpr std::size_t checked_at_once = std::size_t{16} << 20;

constexpr mode_t for_all = S_IRUSR | S_IWUSR | S_IRGRP | S_IWGRP | S_IROTH | S_IWOTH; // but for the umask

std::filesystem::path with_suffix(std::filesystem::path path, std::string_view suffix) { return path += suffix; }

/// What a link names is replaced, and not the link.
std::filesystem::path behind_links(std::filesystem::path path)
{
    std::error_code none;
    if (!std::filesystem::is_symlink(path, none))
        return path;
    std::filesystem::path real = std::filesystem::weakly_canonical(path, none);
    return none ? path : real;
}

/// The mode of the file that this one is to replace, so that it does not become readable for more.
/// \throws weir::error  it cannot be replaced
mode_t mode_for(const std::filesystem::path& to)
{
    struct stat status {};
    if (!to.has_filename())
        throw_system_error(EISDIR, "open", to.native());
    if (::stat(to.c_str(), &status) != 0)
        return for_all;
    if (!S_ISREG(status.st_mode))
        throw_system_error(S_ISDIR(status.st_mode) ? EISDIR : EINVAL, "open", to.native());
    return status.st_mode & for_all;
}

/// Who made it could say of any bytes that they are ours, or have us cut off another file of ours.
void check_owner(const file_handle& file, const std::filesystem::path& path)
{
    struct stat status {};
    if (::fstat(file.descriptor(), &status) != 0)
        throw_system_error(errno, "open", path.native());
    if (!S_ISREG(status.st_mode) || status.st_uid != ::geteuid() || status.st_nlink > 1)
        throw_system_error(EPERM, "open", path.native());
}

} // namespace

partial_file::partial_file(std::filesystem::path to, const url& what, bool resume, std::chrono::milliseconds sync_interval)
    : to_(behind_links(std::move(to))), part_(with_suffix(to_, ".part")), resume_(resume), sync_interval_(sync_interval),
      file_(weir::detail::open_locked(part_, mode_for(to_), check_owner)), was_empty_(file_.info(part_.native()).size == 0),
      chunk_(chunk_hash), synced_(std::chrono::steady_clock::now())
{
    try {
        open_journal(what);
    }
    catch (const error&) {
        if (was_empty_)
            ::unlink(part_.c_str()); // it was made just now
        throw;
    }
}

/// The journal is made before the first byte is written. So bytes without one are somebody else's.
void partial_file::open_journal(const url& what)
{
    journal_.emplace(with_suffix(part_, ".journal"), what, settings, !resume_);
    if (journal_->is_new() && !was_empty_) {
        journal_->remove();
        throw error(make_error_code(std::errc::file_exists), "open", part_.native(), std::nullopt,
                    "no journal beside it says that it may be replaced");
    }
    journal_->rewind();
}

partial_file::~partial_file()
{
    if (ended_)
        return;
    if (begun_ ? !keeps_ : was_empty_) {
        discard();
        return;
    }
    try {
        note_chunk();
    }
    catch (const std::exception&) {
        // It is fetched again, then.
    }
}

bool partial_file::check_some(digest_checker& whole)
{
    for (const std::uint64_t before = size_; size_ - before < checked_at_once;) {
        const std::optional<chunk_record> chunk = journal_->next();
        if (!chunk || !is_there(*chunk)) {
            if (chunk)
                journal_->drop_last();
            cut();
            return false;
        }
        whole.update(checked_);
        size_ += chunk->length;
    }
    return true;
}

/// Reads it, too.
bool partial_file::is_there(const chunk_record& chunk)
{
    if (chunk.length > chunk_size)
        return false; // not of ours
    checked_.resize(static_cast<std::size_t>(chunk.length));
    std::error_code failure;
    const std::size_t got = weir::detail::read_at(file_, chunk.offset, checked_, failure);
    if (failure)
        throw_system_error(failure.value(), "read", part_.native());
    if (got < checked_.size())
        return false;
    chunk_.update(checked_);
    return chunk_.finish() == chunk.digest;
}

/// The file ends behind what is right.
void partial_file::cut()
{
    if (::ftruncate(file_.descriptor(), static_cast<off_t>(size_)) != 0)
        fail("truncate");
}

void partial_file::forget()
{
    begun_ = true;
    keeps_ = false;
    size_ = chunk_bytes_ = 0;
    chunk_.reset();
    cut(); // before the journal: bytes without one would be somebody else's
    journal_->clear();
}

void partial_file::begin(const known_version& version, std::span<const stated_digest> stated)
{
    if (size_ == 0) {
        cut(); // before the journal: bytes without one would be somebody else's
        if (resume_ && can_be_kept(version))
            journal_->begin(version, stated);
        else if (!journal_->is_new())
            journal_->clear();
    }
    begun_ = true;
    keeps_ = resume_ && journal_->version();
}

void partial_file::write(const bytes& content)
{
    std::uint64_t place = size_;
    for (const slice& part : content) {
        std::error_code failure;
        weir::detail::write_at(file_, place, part.span(), failure);
        if (failure)
            throw_system_error(failure.value(), "write", part_.native());
        place += part.size();
    }
    if (!keeps_) {
        size_ = place;
        return;
    }
    for (const slice& part : content)
        take(part.span());
    journal_->flush();
    sync_if_due();
}

/// Notes what was written.
void partial_file::take(std::span<const std::byte> piece)
{
    while (!piece.empty()) {
        const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(piece.size(), chunk_size - chunk_bytes_));
        chunk_.update(piece.first(count));
        piece = piece.subspan(count);
        chunk_bytes_ += count;
        size_ += count;
        if (chunk_bytes_ == chunk_size) {
            journal_->add(chunk_bytes_, chunk_.finish());
            chunk_bytes_ = 0;
        }
    }
}

/// A short one, because nothing follows now.
void partial_file::note_chunk()
{
    if (chunk_bytes_ == 0)
        return;
    journal_->add(chunk_bytes_, chunk_.finish());
    chunk_bytes_ = 0;
    journal_->flush();
}

void partial_file::give_up(std::uint64_t offset)
{
    if (!keeps_ || offset == 0)
        return discard();
    offset = std::min(offset, size_);
    journal_->drop_behind(offset);
    size_ = journal_->kept_bytes();
    chunk_.reset();
    chunk_bytes_ = 0;
    checked_.resize(static_cast<std::size_t>(offset - size_)); // of the chunk that was dropped, what is before
    std::error_code failure;
    const std::size_t there = weir::detail::read_at(file_, size_, checked_, failure);
    if (failure)
        throw_system_error(failure.value(), "read", part_.native());
    take(std::span(checked_).first(there));
    note_chunk();
    cut();
    journal_->sync(); // else a loss of power could bring back what was dropped, with digests that fit it
}

/// The bytes before the records that tell of them. The other order would do no harm, as they are compared: it would be
/// worth less.
void partial_file::sync_if_due()
{
    const auto now = std::chrono::steady_clock::now();
    if (now - synced_ < sync_interval_)
        return;
    if (::fdatasync(file_.descriptor()) != 0)
        fail("sync");
    journal_->sync();
    synced_ = std::chrono::steady_clock::now();
}

void partial_file::commit()
{
    // What stands under the name is never an empty file, whenever the power goes.
    if (::fdatasync(file_.descriptor()) != 0)
        fail("sync");
    if (std::rename(part_.c_str(), to_.c_str()) != 0)
        fail("rename");
    ended_ = true;
    journal_->remove();
    weir::detail::sync_directory_of(to_);
}

void partial_file::discard() noexcept
{
    ended_ = true;
    ::unlink(part_.c_str());
    try {
        journal_->remove();
    }
    catch (const std::exception&) {
        // Without the bytes that it tells of it is worth nothing, and does no harm.
    }
}

void partial_file::fail(std::string_view operation) const
{
    throw_system_error(errno, operation, part_.native());
}

} // namespace weir::http
