#include "archives/zip_directory.hpp"

#include <algorithm>
#include <vector>

namespace weir::codecs::zip {

namespace asio = boost::asio;

namespace {

asio::awaitable<std::vector<std::byte>> read_range(random_access_input& input, reservation& memory, std::uint64_t at,
                                                   std::size_t count)
{
    zip_input from(input.open(at, count));
    const std::span<const std::byte> found = co_await from.peek(memory, count);
    if (found.size() < count)
        throw error(errc::truncated, "read", input.name(), at + found.size());
    std::vector<std::byte> out(found.begin(), found.end());
    co_await from.close();
    co_return out;
}

/// Whoever does not look for bytes in front of an archive would find a directory where this one says that it is.
asio::awaitable<void> refuse_second_directory(random_access_input& input, reservation& memory,
                                              const directory_place& place)
{
    const std::uint64_t written = place.offset - place.prefix;
    if (place.prefix == 0 || place.bytes < signature_bytes)
        co_return;
    const std::vector<std::byte> start = co_await read_range(input, memory, written, signature_bytes);
    if (signature_of(start) == directory_signature)
        throw error(errc::corrupt_data, "read", input.name(), written, "there are two directories");
}

} // namespace

asio::awaitable<directory_place> locate_directory(random_access_input& input, reservation& memory)
{
    const std::uint64_t size = input.size();
    const std::uint64_t tail_at = size - std::min<std::uint64_t>(size, tail_bytes);
    const std::vector<std::byte> tail = co_await read_range(input, memory, tail_at, static_cast<std::size_t>(size - tail_at));
    directory_place place;
    try {
        place = find_directory(tail, tail_at);
    }
    catch (const fault& found) {
        throw found.as_error(input.name());
    }
    co_await refuse_second_directory(input, memory, place);
    co_return place;
}

directory_walk::directory_walk(random_access_input& input, const directory_place& place)
    : place_(place), name_(input.name()), from_(input.open(place.offset, place.bytes))
{}

asio::awaitable<std::optional<header>> directory_walk::look(reservation& memory)
{
    std::optional<header> out;
    if (passed_ == place_.entries) {
        co_await check_end(memory);
        co_return out;
    }
    const std::span<const std::byte> start = co_await peek(memory, directory_header_bytes);
    if (signature_of(start) != directory_signature)
        fail(signature_of(start) == extra_data_signature ? errc::encrypted : errc::corrupt_data,
             "no entry of the directory");
    size_ = size_of_directory_header(start);
    const std::span<const std::byte> record = co_await peek(memory, size_);
    out = parse_directory_header(record);
    co_return out;
}

void directory_walk::pass()
{
    from_.consume(size_);
    ++passed_;
}

asio::awaitable<std::span<const std::byte>> directory_walk::peek(reservation& memory, std::size_t count)
{
    if (count > place_.bytes - from_.position())
        fail(errc::corrupt_data, "its size and its number of entries disagree");
    const std::span<const std::byte> found = co_await from_.peek(memory, count);
    if (found.size() < count)
        fail(errc::truncated, "");
    co_return found;
}

/// A digital signature may follow the headers (section 4.3.13); it is not looked at.
asio::awaitable<void> directory_walk::check_end(reservation& memory)
{
    constexpr std::size_t head = signature_bytes + 2;
    const std::uint64_t rest = place_.bytes - from_.position();
    if (rest == 0)
        co_return;
    const std::span<const std::byte> start = co_await peek(memory, head);
    const std::size_t size = std::to_integer<std::size_t>(start[4]) | std::to_integer<std::size_t>(start[5]) << 8;
    if (signature_of(start) != digital_signature || head + size != rest)
        fail(errc::corrupt_data, "its size and its number of entries disagree");
}

void directory_walk::fail(errc code, const char* why) const
{
    throw error(code, "read", name_, place_.offset + from_.position(), why);
}

} // namespace weir::codecs::zip
