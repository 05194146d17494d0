#pragma once
// Everything that is in an archive, or why not.

#include "codecs/streaming.hpp"

#include <weir/archive.hpp>
#include <weir/open_archive.hpp>

#include <memory>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace test {

struct read_entry {
    weir::archive_entry entry;
    std::string content;
    std::error_code refused; ///< why there is no content, as `open` or `read` said

    friend bool operator==(const read_entry& a, const read_entry& b)
    {
        return a.entry.name == b.entry.name && a.entry.type == b.entry.type && a.entry.size == b.entry.size
            && a.entry.mode == b.entry.mode && a.entry.modified == b.entry.modified
            && a.entry.link_target == b.entry.link_target && a.entry.offset == b.entry.offset && a.content == b.content
            && a.refused == b.refused;
    }
};

/// How an archive was read: what came, and the error that ended it.
struct reading {
    std::vector<read_entry> entries;
    std::error_code ended;
    std::string message;

    friend bool operator==(const reading& a, const reading& b) { return a.entries == b.entries && a.ended == b.ended; }
};

/// How contents are read: pieces of at most so many bytes, and all of them or only every n-th entry's.
struct reading_options {
    std::size_t max_bytes = std::size_t{1} << 20;
    std::size_t every = 1;
};

inline boost::asio::awaitable<void> read_content(weir::archive& from, read_entry& into, weir::reservation& memory,
                                                 std::size_t max_bytes)
{
    const std::unique_ptr<weir::source> content = from.open(into.entry);
    for (;;) {
        const weir::bytes next = co_await content->read(memory, max_bytes);
        if (next.empty())
            break;
        CHECK(next.size() <= max_bytes);
        for (const weir::slice& each : next)
            into.content.append(reinterpret_cast<const char*>(each.data()), each.size());
    }
    co_await content->close();
}

/// Reads on; what came is in `out` whatever happens. An entry whose content fails stays there with its error.
inline boost::asio::awaitable<void> read_entries(weir::archive& from, weir::reservation& memory, reading& out,
                                                 reading_options how)
{
    for (;;) {
        std::optional<weir::archive_entry> next = co_await from.next();
        if (!next)
            co_return;
        read_entry& now = out.entries.emplace_back();
        now.entry = std::move(*next);
        if (out.entries.size() % how.every != 0)
            continue;
        weir::result<void> done = co_await weir::as_result(read_content(from, now, memory, how.max_bytes));
        now.refused = done.code();
    }
}

inline reading read_all(bench& on, weir::archive& from, reading_options how = {})
{
    reading out;
    {
        weir::reservation memory = on.engine.pool().try_reserve(1, on.engine.block_bytes()).value();
        weir::result<void> done = run(on.context, weir::as_result(read_entries(from, memory, out, how)));
        out.ended = done.code();
        out.message = done.message();
    }
    run(on.context, from.close());
    return out;
}

inline std::unique_ptr<weir::archive> open_text(bench& on, std::string_view text, script how = {},
                                                const weir::archive_options& options = {})
{
    auto input = std::make_unique<scripted_source>(std::as_bytes(std::span(text)), std::move(how));
    return run(on.context, weir::open_archive(on.engine, std::move(input), options));
}

inline reading read_text(bench& on, std::string_view text, script how = {}, const weir::archive_options& options = {},
                         reading_options reads = {})
{
    try {
        const std::unique_ptr<weir::archive> opened = open_text(on, text, std::move(how), options);
        return read_all(on, *opened, reads);
    }
    catch (const weir::error& failure) {
        return {{}, failure.code(), failure.what()};
    }
}

} // namespace test
