#pragma once
// Reads whole zip archives, by their directory and as streams.

#include "../streaming.hpp"
#include "zip_writer.hpp"

#include "archives/zip_archive.hpp"
#include "archives/zip_stream.hpp"

#include <weir/archive.hpp>
#include <weir/memory_input.hpp>

#include <boost/asio/awaitable.hpp>

#include <memory>
#include <string>
#include <vector>

namespace test {

struct zip_found {
    weir::archive_entry entry;
    byte_vector content;
    std::error_code failure; ///< of the content
};

inline boost::asio::awaitable<byte_vector> zip_content(weir::archive& from, const weir::archive_entry& which,
                                                       weir::reservation& memory, std::size_t most = 1 << 20)
{
    const std::unique_ptr<weir::source> content = from.open(which);
    byte_vector out;
    co_await read_into(out, *content, memory, most);
    co_await content->close();
    co_return out;
}

/// All entries with their contents, or why they have none.
inline boost::asio::awaitable<std::vector<zip_found>> zip_read_all(weir::archive& from, weir::reservation& memory,
                                                                   std::size_t most = 1 << 20)
{
    std::vector<zip_found> out;
    for (;;) {
        std::optional<weir::archive_entry> entry = co_await from.next();
        if (!entry)
            break;
        zip_found& found = out.emplace_back();
        found.entry = std::move(*entry);
        try {
            byte_vector content = co_await zip_content(from, found.entry, memory, most);
            found.content = std::move(content);
        }
        catch (const weir::error& refused) {
            found.failure = refused.code();
        }
    }
    co_return out;
}

inline std::shared_ptr<weir::memory_input> zip_input(const byte_vector& archive)
{
    const auto kept = std::make_shared<const byte_vector>(archive);
    return std::make_shared<weir::memory_input>(*kept, kept, "a.zip");
}

inline std::unique_ptr<weir::archive> open_zip(bench& on, std::shared_ptr<weir::random_access_input> input,
                                               const weir::archive_options& options = {})
{
    return await(on.context, weir::codecs::open_zip(on.engine, std::move(input), options));
}

/// Opens, reads everything, closes.
inline std::vector<zip_found> read_zip(bench& on, std::shared_ptr<weir::random_access_input> input,
                                       const weir::archive_options& options = {}, std::size_t most = 1 << 20)
{
    const std::unique_ptr<weir::archive> from = open_zip(on, std::move(input), options);
    weir::reservation memory = on.engine.pool().try_reserve(1, on.engine.block_bytes()).value();
    std::vector<zip_found> out = await(on.context, zip_read_all(*from, memory, most));
    run(on.context, from->close());
    return out;
}
inline std::vector<zip_found> read_zip(bench& on, const byte_vector& archive, const weir::archive_options& options = {},
                                       std::size_t most = 1 << 20)
{
    return read_zip(on, zip_input(archive), options, most);
}

/// The same as a stream, whose reads are as `how` says.
inline std::vector<zip_found> stream_zip(bench& on, const byte_vector& archive, const weir::archive_options& options = {},
                                         script how = {}, std::size_t most = 1 << 20)
{
    auto input = std::make_unique<scripted_source>(archive, std::move(how));
    const std::unique_ptr<weir::archive> from = weir::codecs::make_zip_stream(on.engine, std::move(input), options);
    weir::reservation memory = on.engine.pool().try_reserve(1, on.engine.block_bytes()).value();
    std::vector<zip_found> out = await(on.context, zip_read_all(*from, memory, most));
    run(on.context, from->close());
    return out;
}

/// Methods that are built in.
inline std::vector<std::uint16_t> zip_methods()
{
    std::vector<std::uint16_t> out{0};
    const std::pair<std::uint16_t, weir::codec> coded[] = {
        {8, weir::codec::deflate}, {14, weir::codec::lzma}, {93, weir::codec::zstd}, {95, weir::codec::xz}};
    for (const auto& [method, codec] : coded)
        if (weir::is_built_in(codec))
            out.push_back(method);
    return out;
}

} // namespace test
