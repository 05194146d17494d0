#pragma once
// Whole streams through encoders and decoders, cut as a test wants it.

#include <weir/decoder.hpp>
#include <weir/encoder.hpp>
#include <weir/error.hpp>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <functional>
#include <memory_resource>
#include <new>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace test {

using byte_vector = std::vector<std::byte>;
using byte_span = std::span<const std::byte>;

inline byte_vector bytes_of(std::string_view text)
{
    const byte_span all = std::as_bytes(std::span(text));
    return {all.begin(), all.end()};
}

inline byte_vector joined(std::initializer_list<byte_vector> parts)
{
    byte_vector out;
    for (const byte_vector& each : parts)
        out.insert(out.end(), each.begin(), each.end());
    return out;
}

/// Text of words: compresses about four to one.
inline byte_vector words(std::size_t size, std::uint64_t seed)
{
    constexpr std::string_view vocabulary[] = {"block ", "slice ", "pool ", "reservation ", "source ", "sink\n",
                                               "chunk ", "digest ", "stream ", "0x7f3a ", "GET /index.html ", "42 "};
    std::mt19937_64 random(seed);
    byte_vector out;
    while (out.size() < size) {
        const byte_vector next = bytes_of(vocabulary[random() % std::size(vocabulary)]);
        out.insert(out.end(), next.begin(), next.end());
        if (random() % 8 == 0)
            out.push_back(static_cast<std::byte>(random()));
    }
    out.resize(size);
    return out;
}

/// Memory that ends when a test says so, and comes back.
class exhaustible_resource final : public std::pmr::memory_resource {
public:
    bool exhausted = false;

private:
    void* do_allocate(std::size_t bytes, std::size_t alignment) override
    {
        if (exhausted)
            throw std::bad_alloc();
        return std::pmr::new_delete_resource()->allocate(bytes, alignment);
    }
    void do_deallocate(void* memory, std::size_t bytes, std::size_t alignment) override
    {
        std::pmr::new_delete_resource()->deallocate(memory, bytes, alignment);
    }
    bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }
};

/// The code of the error that `call` throws; none if it throws none.
template <class Call> std::error_code code_of(Call call)
{
    try {
        static_cast<void>(call());
        return {};
    }
    catch (const weir::error& failure) {
        return failure.code();
    }
}

/// How much is pushed at a time, and how large the room for output is.
struct cuts {
    std::function<std::size_t()> push = [] { return std::string::npos; };
    std::function<std::size_t()> pull = [] { return std::size_t{64} << 10; };
};

inline cuts whole() { return {}; }
inline cuts byte_by_byte()
{
    return {[] { return std::size_t{1}; }, [] { return std::size_t{1}; }};
}
inline cuts at_random(std::mt19937_64& random, std::size_t most)
{
    const auto size = [&random, most] { return 1 + random() % most; };
    return {size, size};
}

/// Pushes all of `input` and collects what comes.
template <class Coder> byte_vector run(Coder& coder, byte_span input, const cuts& how = {})
{
    byte_vector out;
    const auto collect = [&] {
        for (;;) {
            const std::size_t size = out.size();
            out.resize(size + how.pull());
            const std::size_t count = coder.pull(std::span(out).subspan(size));
            out.resize(size + count);
            if (count == 0)
                return;
        }
    };
    bool all = false;
    while (!all && !coder.ended()) {
        const byte_span piece = input.first(std::min(input.size(), how.push()));
        coder.push(piece);
        input = input.subspan(piece.size());
        all = input.empty();
        if (all)
            coder.finish();
        collect();
    }
    return out;
}

inline byte_vector encoded(weir::codec which, byte_span input, const weir::encoder_settings& settings = {},
                           const cuts& how = {})
{
    weir::encoder coder(which, settings);
    return run(coder, input, how);
}

/// Decodes all of it; throws unless the stream is whole.
inline byte_vector decoded(weir::codec which, byte_span input, const weir::decoder_settings& settings = {},
                           const cuts& how = {})
{
    weir::decoder coder(which, settings);
    byte_vector out = run(coder, input, how);
    if (!coder.ended())
        throw std::logic_error("the decoder gives nothing and has not ended");
    return out;
}

/// The code with which it fails; none if it does not.
inline std::error_code failure_of(weir::codec which, byte_span input, const weir::decoder_settings& settings = {},
                                  const cuts& how = {})
{
    try {
        static_cast<void>(decoded(which, input, settings, how));
        return {};
    }
    catch (const weir::error& failure) {
        return failure.code();
    }
}

inline std::vector<weir::codec> built_in_codecs()
{
    std::vector<weir::codec> out;
    std::copy_if(weir::all_codecs().begin(), weir::all_codecs().end(), std::back_inserter(out), weir::is_built_in);
    return out;
}

} // namespace test
