#pragma once
// All that a zip archive tells, as one text, for the fuzzers of both of its readers.

#include "archive_reading.hpp"

#include <weir/archive.hpp>
#include <weir/engine.hpp>
#include <weir/error.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <functional>
#include <string>

namespace fuzz {

namespace asio = boost::asio;

class pieces_input final : public weir::random_access_input {
public:
    pieces_input(std::span<const std::byte> content, std::size_t piece) : content_(content), piece_(piece) {}

    std::uint64_t size() const noexcept override { return content_.size(); }
    std::string_view name() const noexcept override { return "input"; }
    std::unique_ptr<weir::source> open(std::uint64_t offset, std::uint64_t length) override
    {
        require(offset <= content_.size() && length <= content_.size() - offset);
        return std::make_unique<pieces_source>(content_.subspan(offset, length), piece_);
    }

private:
    std::span<const std::byte> content_;
    const std::size_t piece_;
};

inline asio::awaitable<void> read_entries(weir::archive& from, weir::reservation& memory, std::size_t piece,
                                          std::string& out)
{
    while (const std::optional<weir::archive_entry> next = co_await from.next()) {
        require(next->name.find('\0') == next->name.npos);
        out += "\n" + next->name + "\n" + next->link_target + "\n";
        const std::size_t before = out.size();
        try {
            co_await read_content(from, *next, memory, piece, out);
        }
        catch (const weir::error& refused) {
            require(refused.code() != weir::errc::internal);
            out.resize(before); // what came before the error depends on the cuts, and which of two it is
            out += next->refusal ? refused.code().message() : "damaged";
        }
        // liblzma's outcome depends on the cuts where a stream has a marker at its end and a size too.
        if (next->method == "lzma" && next->size)
            out.resize(before);
    }
}

using zip_opener = std::function<asio::awaitable<std::unique_ptr<weir::archive>>(weir::engine&, const weir::archive_options&)>;

inline asio::awaitable<void> open_and_read(weir::engine& owner, const zip_opener& open, std::size_t piece, std::string& out)
{
    weir::archive_options options;
    options.limits = {.max_entry_bytes = most_bytes, .max_entries = 1000};
    options.decoder.max_memory_bytes = 16 << 20;
    weir::reservation memory = owner.pool().try_reserve(2, owner.block_bytes()).value();
    const std::unique_ptr<weir::archive> archive = co_await open(owner, options);
    co_await read_entries(*archive, memory, piece, out);
}

/// Reads all of it, in pieces of that size.
inline outcome read_zip(const zip_opener& open, std::size_t piece)
{
    static asio::io_context context;
    static weir::engine owner(context.get_executor(),
                              {.memory_bytes = 4 << 20, .block_bytes = 64 << 10, .workers = {.threads = 1}});
    outcome out;
    std::exception_ptr failure;
    asio::co_spawn(context, open_and_read(owner, open, piece, out.told),
                   [&](std::exception_ptr thrown) { failure = std::move(thrown); });
    context.restart();
    context.run();
    if (failure)
        out.ended = weir::code_of(failure);
    require(out.ended != weir::errc::internal && owner.pool().check());
    return out;
}

} // namespace fuzz
