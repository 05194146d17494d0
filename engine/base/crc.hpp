#pragma once
// CRCs of the reflected kind, of 32 and 64 bits, eight bytes a step through as many tables.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace weir {

/// All ones before the first byte, and inverted after the last: as CRC-32, CRC-32C and CRC-64/NVME are.
/// \tparam Polynomial  with its bits reversed
/// \see Kounavis and Berry, "A Systematic Approach to Building High Performance Software-Based CRC Generators", 2005
template <class Word, Word Polynomial> class crc {
public:
    void update(std::span<const std::byte> piece) noexcept
    {
        constexpr std::size_t step = 8;
        for (; piece.size() >= step; piece = piece.subspan(step)) {
            const std::uint64_t next = eight_bytes(piece.data()) ^ state_;
            Word sum = 0;
            for (std::size_t i = 0; i < step; ++i)
                sum ^= tables[step - 1 - i][(next >> (8 * i)) & 0xff];
            state_ = sum;
        }
        for (const std::byte each : piece)
            state_ = static_cast<Word>(state_ >> 8) ^ tables[0][(state_ ^ static_cast<Word>(each)) & 0xff];
    }

    [[nodiscard]] Word value() const noexcept { return static_cast<Word>(~state_); }
    void reset() noexcept { state_ = all_ones; }

private:
    using table = std::array<Word, 256>;
    static constexpr Word all_ones = static_cast<Word>(~Word{0});

    /// The first is of a byte at the end, each other of one that so many zeros follow.
    static constexpr std::array<table, 8> make_tables() noexcept
    {
        std::array<table, 8> out{};
        for (std::size_t byte = 0; byte < 256; ++byte) {
            Word sum = static_cast<Word>(byte);
            for (int bit = 0; bit < 8; ++bit)
                sum = static_cast<Word>(sum >> 1) ^ ((sum & 1) != 0 ? Polynomial : Word{0});
            out[0][byte] = sum;
        }
        for (std::size_t i = 1; i < out.size(); ++i)
            for (std::size_t byte = 0; byte < 256; ++byte)
                out[i][byte] = static_cast<Word>(out[i - 1][byte] >> 8) ^ out[0][out[i - 1][byte] & 0xff];
        return out;
    }

    /// The lowest first, on any machine; one load where that is how it is.
    static std::uint64_t eight_bytes(const std::byte* from) noexcept
    {
        std::uint64_t out = 0;
        for (int i = 0; i < 8; ++i)
            out |= static_cast<std::uint64_t>(from[i]) << (8 * i);
        return out;
    }

    static constexpr std::array<table, 8> tables = make_tables();
    Word state_ = all_ones;
};

} // namespace weir
