#include <weir/mapped_file.hpp>

#include "files/mapping_guard.hpp"

#include <algorithm>
#include <cerrno>
#include <limits>
#include <utility>

#include <sys/mman.h>
#include <unistd.h>

namespace weir {
namespace {

int native(map_advice advice) noexcept
{
    switch (advice) {
    case map_advice::normal: return POSIX_MADV_NORMAL;
    case map_advice::sequential: return POSIX_MADV_SEQUENTIAL;
    case map_advice::random: return POSIX_MADV_RANDOM;
    case map_advice::will_need: return POSIX_MADV_WILLNEED;
    }
    return POSIX_MADV_NORMAL;
}

} // namespace

mapped_file mapped_file::open(const std::filesystem::path& path, const map_options& options)
{
    return mapped_file(file_handle::open(path), path.native(), options);
}

mapped_file::mapped_file(file_handle file, std::string name, const map_options& options)
    : mapped_file(std::make_shared<const file_handle>(std::move(file)), std::move(name), options)
{
}

mapped_file::mapped_file(std::shared_ptr<const file_handle> file, std::string name, const map_options& options)
    : file_(std::move(file)), name_(std::move(name)), offset_(options.offset)
{
    if (options.direct_access && !mapping_guard_installed())
        throw error(errc::backend_unavailable, "map", name_, std::nullopt, "direct access needs the mapping guard");
    const file_info info = file_->info(name_);
    if (options.offset > info.size)
        throw error(errc::invalid_size, "map", name_, options.offset);
    const std::uint64_t most = std::numeric_limits<std::ptrdiff_t>::max();
    const std::uint64_t rest = std::min(info.size - options.offset, most);
    size_ = options.length ? std::min<std::size_t>(*options.length, rest) : rest;
    if (options.resources)
        entry_ = options.resources->add({.kind = resource_kind::mapping, .name = name_, .bytes = size_});
    if (size_ > 0)
        map(options);
}

void mapped_file::map(const map_options& options)
{
    const auto page_bytes = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    skipped_ = static_cast<std::size_t>(offset_ % page_bytes);
    memory_bytes_ = skipped_ + size_;
    int flags = MAP_SHARED;
#if defined(MAP_POPULATE)
    if (options.populate)
        flags |= MAP_POPULATE;
#endif
    void* memory =
        ::mmap(nullptr, memory_bytes_, PROT_READ, flags, file_->descriptor(), static_cast<off_t>(offset_ - skipped_));
    if (memory == MAP_FAILED)
        throw_system_error(errno, "map", name_, offset_);
    memory_ = static_cast<std::byte*>(memory);
    if (options.advice != map_advice::normal)
        ::posix_madvise(memory, memory_bytes_, native(options.advice)); // advice: nothing is lost if it is refused
    if (options.direct_access) {
        broken_ = detail::guard_window(memory_, memory_bytes_);
        if (!broken_) {
            unmap();
            throw error(errc::exhausted, "map", name_, offset_, "too many windows");
        }
    }
}

void mapped_file::unmap() noexcept
{
    if (broken_)
        detail::unguard_window(std::exchange(broken_, nullptr));
    if (memory_)
        ::munmap(std::exchange(memory_, nullptr), memory_bytes_);
    size_ = 0;
}

mapped_file::mapped_file(mapped_file&& other) noexcept
    : entry_(std::move(other.entry_)), file_(std::move(other.file_)), name_(std::move(other.name_)), offset_(other.offset_),
      size_(std::exchange(other.size_, 0)), memory_(std::exchange(other.memory_, nullptr)),
      memory_bytes_(other.memory_bytes_), skipped_(other.skipped_), broken_(std::exchange(other.broken_, nullptr))
{
}

mapped_file& mapped_file::operator=(mapped_file&& other) noexcept
{
    if (this != &other) {
        unmap();
        entry_ = std::move(other.entry_);
        file_ = std::move(other.file_);
        name_ = std::move(other.name_);
        offset_ = other.offset_;
        size_ = std::exchange(other.size_, 0);
        memory_ = std::exchange(other.memory_, nullptr);
        memory_bytes_ = other.memory_bytes_;
        skipped_ = other.skipped_;
        broken_ = std::exchange(other.broken_, nullptr);
    }
    return *this;
}

mapped_file::~mapped_file() { unmap(); }

void mapped_file::check_range(std::size_t at, std::size_t count) const
{
    if (at > size_ || count > size_ - at)
        throw error(errc::invalid_size, "read", name_, offset_ + at, "outside of the mapped window");
}

// Through the file and not through the memory: the same pages, and the kernel says what is gone instead of raising
// SIGBUS. (process_vm_readv on the memory would say it too, but pins every page, and some sandboxes forbid it.)
void mapped_file::copy(std::size_t at, std::span<std::byte> out) const
{
    check_range(at, out.size());
    while (!out.empty()) {
        const auto got = ::pread(file_->descriptor(), out.data(), out.size(), static_cast<off_t>(offset_ + at));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            throw_system_error(errno, "read", name_, offset_ + at);
        if (got == 0)
            throw error(errc::mapping_broken, "read", name_, offset_ + at);
        out = out.subspan(static_cast<std::size_t>(got));
        at += static_cast<std::size_t>(got);
    }
}

std::span<const std::byte> mapped_file::view(std::size_t at, std::size_t count) const
{
    check_range(at, count);
    if (count == 0)
        return {};
    if (!broken_)
        throw error(errc::backend_unavailable, "read", name_, offset_ + at, "mapped without direct access");
    return {memory_ + skipped_ + at, count};
}

bool mapped_file::valid() const noexcept
{
    if (broken_ && broken_->load())
        return false;
    std::error_code failure;
    const file_info info = file_->info(failure);
    return !failure && info.size >= offset_ + size_;
}

void mapped_file::verify() const
{
    if (!valid())
        throw error(errc::mapping_broken, "read", name_, offset_);
}

} // namespace weir
