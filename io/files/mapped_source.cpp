#include "files/mapped_source.hpp"

#include "memory/zeros.hpp"

#include <weir/error.hpp>

#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <optional>

namespace weir::detail {

namespace asio = boost::asio;

namespace {

constexpr std::size_t most_window_bytes = std::size_t{8} << 20;

} // namespace

// Lives as long as a slice of it. Then the use is over, and it can be said whether what was seen was the file.
struct mapped_source::window {
    window(mapped_file map, std::vector<buffer> tokens, std::shared_ptr<std::atomic<bool>> broken)
        : file(std::move(map)), memory(std::move(tokens)), broken_flag(std::move(broken))
    {
    }
    ~window()
    {
        if (!file.valid())
            broken_flag->store(true);
    }

    mapped_file file;
    std::vector<buffer> memory; // not used: what is mapped counts as if it were
    std::shared_ptr<std::atomic<bool>> broken_flag;
};

mapped_source::mapped_source(engine& owner, std::shared_ptr<const file_handle> file, std::string name,
                             const file_source_options& options, std::uint64_t start)
    : resources_(owner.resources()), file_(std::move(file)), name_(std::move(name)),
      read_ahead_blocks_(options.read_ahead_blocks), start_(start), position_(start),
      broken_(std::make_shared<std::atomic<bool>>(false)), counters_(&find_threads(owner.executor()).counters())
{
    if (!mapping_guard_installed())
        throw error(errc::backend_unavailable, "open", name_, std::nullopt, "mmap needs the mapping guard");
}

mapped_source::mapped_source(engine& owner, file_handle file, std::string name, const file_source_options& options,
                             std::uint64_t start)
    : mapped_source(owner, std::make_shared<const file_handle>(std::move(file)), std::move(name), options, start)
{
    const file_info info = file_->info(name_);
    entry_ = resources_.add({.kind = resource_kind::file, .name = name_, .bytes = info.size});
    end_ = std::max(info.size, start);
    if (info.allocated_bytes < info.size)
        holes_.start(file_->descriptor());
}

mapped_source::mapped_source(engine& owner, file_part part, std::string name, const file_source_options& options)
    : mapped_source(owner, std::move(part.file), std::move(name), options, part.start)
{
    end_ = part.end;
    end_seen_ = true;
    if (part.has_holes)
        holes_.start(file_->descriptor());
}

void mapped_source::check_windows() const
{
    const bool in_use_broken = std::ranges::any_of(windows_, [](const std::weak_ptr<window>& each) {
        const auto alive = each.lock();
        return alive && !alive->file.valid();
    });
    if (in_use_broken || broken_->load())
        throw error(errc::mapping_broken, "read", name_, position_);
}

// Once: what has grown until now is read too.
void mapped_source::look_at_end()
{
    const std::uint64_t now = file_->info(name_).size;
    if (now < position_)
        throw error(errc::mapping_broken, "read", name_, now);
    if (!std::exchange(end_seen_, true))
        end_ = now;
}

asio::awaitable<bytes> mapped_source::read(reservation& memory, std::size_t max_bytes)
{
    check_windows();
    bytes out;
    if (position_ >= end_)
        look_at_end();
    if (position_ >= end_)
        co_return out;
    if (const std::uint64_t hole = holes_.hole_at(position_, end_)) {
        append_zeros(static_cast<std::size_t>(std::min<std::uint64_t>(hole, max_bytes)), out);
        position_ += out.size();
        co_return out;
    }
    const std::size_t wanted = static_cast<std::size_t>(
        std::min<std::uint64_t>({holes_.data_end(end_) - position_, max_bytes, most_window_bytes}));
    std::vector<buffer> tokens;
    std::size_t room = 0;
    while (room < wanted) {
        std::optional<buffer> token = memory.try_take();
        if (!token && !tokens.empty())
            break;
        if (!token)
            token = co_await memory.async_take(asio::use_awaitable);
        room += token->capacity();
        tokens.push_back(std::move(*token));
    }
    out.append(map_window(std::move(tokens), std::min(room, wanted)));
    co_return out;
}

slice mapped_source::map_window(std::vector<buffer> tokens, std::size_t count)
{
    map_options options;
    options.offset = position_;
    options.length = count;
    options.advice = map_advice::sequential;
    options.direct_access = true;
    options.resources = &resources_;
    std::optional<mapped_file> map;
    try {
        map.emplace(file_, name_, options);
    }
    catch (const error& failure) {
        if (failure.code() == errc::invalid_size) // it ends before the window by now
            throw error(errc::mapping_broken, "read", name_, position_);
        if (failure.code() != errc::exhausted) // so many windows are there that one more cannot be guarded
            throw;
        return copy_window(std::move(tokens.front()), count);
    }
    if (map->size() < count)
        throw error(errc::mapping_broken, "read", name_, position_ + map->size());
    auto owner = std::make_shared<window>(std::move(*map), std::move(tokens), broken_);
    std::erase_if(windows_, [](const std::weak_ptr<window>& each) { return each.expired(); });
    windows_.push_back(owner);
    const std::span<const std::byte> seen = owner->file.view();
    position_ += seen.size();
    counters_->read_directly(seen.size());
    return slice::adopt(seen, std::move(owner));
}

slice mapped_source::copy_window(buffer block, std::size_t most)
{
    map_options options;
    options.offset = position_;
    options.length = std::min(most, block.spare().size());
    const mapped_file map(file_, name_, options);
    map.copy(0, block.spare().first(map.size()));
    block.commit(map.size());
    position_ += map.size();
    counters_->read_directly(map.size());
    return std::move(block).freeze();
}

asio::awaitable<void> mapped_source::close()
{
    check_windows();
    co_return;
}

} // namespace weir::detail
