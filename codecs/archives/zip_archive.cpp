#include "archives/zip_archive.hpp"

#include "archives/content_budget.hpp"
#include "archives/entry_name.hpp"
#include "archives/stream_state.hpp"
#include "archives/zip_content.hpp"
#include "archives/zip_directory.hpp"
#include "archives/zip_extents.hpp"
#include "flow/fair_turns.hpp"
#include "streams/coding_memory.hpp"

#include <weir/as_result.hpp>

#include <algorithm>
#include <utility>

namespace weir::codecs {

namespace asio = boost::asio;

namespace {

using namespace zip;

constexpr std::uint64_t most_link_bytes = 4096;  // as paths have at most
// Of the directory at a time, in memory of its own: between two entries their reader may wait for all of the engine's.
constexpr std::size_t read_window_bytes = std::size_t{128} << 10;
// For targets of links: their sources may read ahead into what the walk holds blocks of, and wait for those for ever.
constexpr own_blocks link_blocks{2, std::size_t{8} << 10};

/// The bytes of an entry that its directory header tells of; none where they do not lie in front of the directory.
struct entry_extent {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
};

std::optional<entry_extent> extent_of(const header& from, const directory_place& directory) noexcept
{
    constexpr std::uint64_t descriptor = 12; // the shortest form
    const std::uint64_t room = directory.offset - directory.prefix;
    const bool described = from.has(descriptor_flag) && from.compressed != 0; // directories may lack theirs
    const std::uint64_t around = local_header_bytes + from.name.size() + (described ? descriptor : 0);
    if (from.fault || from.disk != 0 || from.offset > room || around > room - from.offset
        || from.compressed > room - from.offset - around)
        return std::nullopt;
    const std::uint64_t begin = directory.prefix + from.offset;
    return entry_extent{begin, begin + around + from.compressed};
}

class zip_archive final : public archive {
public:
    zip_archive(engine& owner, std::shared_ptr<random_access_input> input, archive_options options)
        : owner_(owner), input_(std::move(input)), options_(std::move(options)), budget_(options_),
          memory_(std::in_place, own_blocks{2, read_window_bytes})
    {}

    asio::awaitable<void> begin();

    [[nodiscard]] archive_format format() const noexcept override { return archive_format::zip; }
    [[nodiscard]] bool reads_in_any_order() const noexcept override { return true; }
    [[nodiscard]] asio::awaitable<std::optional<archive_entry>> next() override;
    [[nodiscard]] std::unique_ptr<source> open(const archive_entry& which) override;
    [[nodiscard]] asio::awaitable<void> close() override;

private:
    [[nodiscard]] reservation& memory() noexcept { return memory_->blocks(); }
    asio::awaitable<bool> survey(bool in_order);
    asio::awaitable<std::optional<archive_entry>> step();
    void end_walk() noexcept;
    [[nodiscard]] archive_entry describe(const header& from) const;
    [[nodiscard]] std::exception_ptr refusal_of_place(const header& from, const archive_entry& entry) const;
    [[nodiscard]] std::exception_ptr refusal_of_sum(const archive_entry& entry);
    asio::awaitable<void> read_link(archive_entry& link);
    [[nodiscard]] error limit_passed(const char* which) const;

    engine& owner_;
    const std::shared_ptr<random_access_input> input_;
    const archive_options options_;
    content_budget budget_;
    std::optional<coding_memory> memory_;      ///< until the walk has ended
    std::optional<coding_memory> link_memory_; ///< likewise, from the first link on
    directory_place directory_;
    zip_extents extents_;
    std::optional<directory_walk> walk_;
    detail::fair_turns turns_; ///< of the walk
    stream_state state_;
};

error zip_archive::limit_passed(const char* which) const
{
    return error(errc::limit_exceeded, "open", input_->name(), std::nullopt, which);
}

asio::awaitable<void> zip_archive::begin()
{
    if (input_->size() > options_.limits.max_archive_bytes)
        throw limit_passed("the size of the archive");
    directory_ = co_await locate_directory(*input_, memory());
    if (directory_.entries > options_.limits.max_entries)
        throw limit_passed("the number of entries");
    const bool in_order = co_await survey(true);
    if (!in_order)
        static_cast<void>(co_await survey(false));
    extents_.settle(directory_.offset);
    walk_.emplace(*input_, directory_);
}

/// Reads the whole directory for where entries are.
/// \returns  false where they are not in the order that was expected
asio::awaitable<bool> zip_archive::survey(bool in_order)
{
    detail::fair_turns turns;
    directory_walk walk(*input_, directory_);
    extents_.start(in_order, static_cast<std::size_t>(directory_.entries));
    bool as_expected = true;
    while (as_expected) {
        const std::optional<header> found = co_await walk.look(memory());
        if (!found)
            break;
        if (const auto extent = extent_of(*found, directory_))
            as_expected = extents_.add(extent->begin, extent->end);
        walk.pass();
        if (turns.is_over())
            co_await turns.give_way();
    }
    co_await walk.close();
    co_return as_expected;
}

asio::awaitable<std::optional<archive_entry>> zip_archive::next()
{
    state_.require_usable(input_->name());
    try {
        std::optional<archive_entry> found = co_await step();
        co_return found;
    }
    catch (...) {
        state_.note_failure();
        throw;
    }
}

asio::awaitable<std::optional<archive_entry>> zip_archive::step()
{
    std::optional<archive_entry> out;
    if (!walk_)
        co_return out;
    if (turns_.is_over())
        co_await turns_.give_way();
    const std::optional<header> found = co_await walk_->look(memory());
    if (!found) {
        co_await walk_->close();
        end_walk();
        co_return out;
    }
    out = describe(*found);
    if (out->type == archive_entry_type::symbolic_link && !out->refusal && out->size <= most_link_bytes)
        co_await read_link(*out);
    walk_->pass();
    if (!out->refusal) // counted behind all that may be cancelled and come again
        out->refusal = refusal_of_sum(*out);
    co_return out;
}

void zip_archive::end_walk() noexcept
{
    walk_.reset();
    memory_.reset();
    link_memory_.reset();
}

archive_entry zip_archive::describe(const header& from) const
{
    archive_entry out = entry_of(from);
    out.offset = directory_.prefix + std::min(from.offset, unlimited - directory_.prefix);
    out.refusal = refusal_of(from, out, true, options_, input_->name());
    if (!out.refusal)
        out.refusal = refusal_of_place(from, out);
    if (out.refusal)
        return out;
    const auto place = std::make_shared<content_place>();
    place->header_at = out.offset;
    place->limit = extents_.next_after(out.offset);
    place->compressed = from.compressed;
    place->size = from.size;
    place->crc = from.crc;
    place->flags = from.flags;
    place->method = from.method;
    place->name = from.name;
    out.place = place;
    return out;
}

std::exception_ptr zip_archive::refusal_of_place(const header& from, const archive_entry& entry) const
{
    const std::optional<entry_extent> extent = extent_of(from, directory_);
    const char* why = nullptr;
    if (from.disk != 0)
        why = "it is on another disk";
    else if (!extent)
        why = "it does not lie in front of the directory";
    else if (extents_.overlaps(extent->begin, extent->end))
        why = "it shares bytes with another entry";
    if (!why)
        return nullptr;
    const errc code = from.disk != 0 ? errc::unsupported_format : errc::corrupt_data;
    return std::make_exception_ptr(
        error(code, "open", name_of_content(input_->name(), entry.name), std::nullopt, why));
}

std::exception_ptr zip_archive::refusal_of_sum(const archive_entry& entry)
{
    const char* const passed = budget_.add(entry.size.value(), input_->size());
    return passed ? refusal_by_limit(input_->name(), entry.name, passed) : nullptr;
}

/// Where a link leads is its content.
asio::awaitable<void> zip_archive::read_link(archive_entry& link)
{
    if (!link_memory_)
        link_memory_.emplace(link_blocks);
    const std::unique_ptr<source> content = open(link);
    std::string target;
    try {
        for (;;) {
            const bytes piece = co_await content->read(link_memory_->blocks(), most_link_bytes);
            if (piece.empty())
                break;
            for (const slice& each : piece)
                target.append(reinterpret_cast<const char*>(each.data()), each.size());
        }
        link.link_target = std::move(target);
    }
    catch (const error& why) {
        if (why.code() == condition::cancelled) // by the input: nothing is known of the link
            throw;
        link.refusal = std::current_exception();
    }
    co_await content->close();
}

std::unique_ptr<source> zip_archive::open(const archive_entry& which)
{
    std::string name = name_of_content(input_->name(), which.name);
    if (state_.is_shut())
        throw error(errc::closed, "open", name);
    if (which.refusal)
        std::rethrow_exception(which.refusal);
    auto place = std::static_pointer_cast<const content_place>(which.place);
    if (!place)
        throw error(errc::no_such_entry, "open", name, std::nullopt, "the archive did not give it");
    return open_content(owner_, *input_, std::move(place), std::move(name), options_);
}

asio::awaitable<void> zip_archive::close()
{
    state_.shut();
    if (walk_)
        co_await walk_->close();
    end_walk();
}

asio::awaitable<std::unique_ptr<archive>> open_copied(engine& owner, std::shared_ptr<random_access_input> input,
                                                      archive_options options)
{
    auto out = std::make_unique<zip_archive>(owner, std::move(input), std::move(options));
    co_await out->begin();
    co_return std::move(out);
}

} // namespace

asio::awaitable<std::unique_ptr<archive>> open_zip(engine& owner, std::shared_ptr<random_access_input> input,
                                                   const archive_options& options)
{
    return open_copied(owner, std::move(input), options); // the awaitable may outlive the options
}

} // namespace weir::codecs
