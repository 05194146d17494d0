#include <weir/random_access.hpp>

#include "files/file_part.hpp"
#include "files/mapped_source.hpp"
#include "files/regular_source.hpp"

#include <weir/error.hpp>

#include <cassert>
#include <cerrno>
#include <utility>

namespace weir {
namespace {

/// Open and registered until the last of its sources, and of their reads, has gone.
struct shared_file {
    file_handle handle;
    registration entry;
};

class file_input final : public random_access_input {
public:
    file_input(engine& owner, file_handle file, std::string name, const file_source_options& options,
               const file_info& info)
        : owner_(owner), file_(std::make_shared<shared_file>()), name_(std::move(name)), options_(options),
          size_(info.size), has_holes_(info.allocated_bytes < info.size)
    {
        file_->handle = std::move(file);
        file_->entry = owner.resources().add({.kind = resource_kind::file, .name = name_, .bytes = size_});
    }

    [[nodiscard]] std::uint64_t size() const noexcept override { return size_; }
    [[nodiscard]] std::string_view name() const noexcept override { return name_; }

    [[nodiscard]] std::unique_ptr<source> open(std::uint64_t offset, std::uint64_t length) override
    {
        assert(offset <= size_ && length <= size_ - offset);
        detail::file_part part{std::shared_ptr<const file_handle>(file_, &file_->handle), offset, offset + length,
                               has_holes_};
        if (options_.backend == backend::mmap)
            return std::make_unique<detail::mapped_source>(owner_, std::move(part), name_, options_);
        return std::make_unique<detail::regular_source>(owner_, std::move(part), name_, options_);
    }

private:
    engine& owner_;
    const std::shared_ptr<shared_file> file_;
    const std::string name_;
    const file_source_options options_;
    const std::uint64_t size_;
    const bool has_holes_;
};

} // namespace

std::shared_ptr<random_access_input> open_random_access(engine& owner, const std::filesystem::path& path,
                                                        const file_source_options& options)
{
    // A FIFO opens at once, to be refused.
    return open_random_access(owner, file_handle::open(path, open_flags::non_blocking), path.native(), options);
}

std::shared_ptr<random_access_input> open_random_access(engine& owner, file_handle file, std::string name,
                                                        const file_source_options& options)
{
    owner.ensure_accepting("open", name);
    const file_info info = file.info(name);
    if (info.type == file_type::directory)
        throw_system_error(EISDIR, "read", name);
    if (info.type != file_type::regular)
        throw error(errc::not_seekable, "open", name);
    auto out = std::make_shared<file_input>(owner, std::move(file), std::move(name), options, info);
    static_cast<void>(out->open(0, 0)); // says now that a back end cannot be used
    return out;
}

} // namespace weir
