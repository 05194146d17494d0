#pragma once
// Bodies of any size that need no memory: every byte follows from a seed and its offset, so that whoever knows the seed
// can check any part of what arrived.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace weir::testing {

/// Fills `into` with the bytes that stand from `offset` on in the endless body of `seed`.
///
/// The body consists of 64-bit words, least significant byte first. Word i is what SplitMix64 that begins at `seed`
/// gives as its number i, counted from 0: z = seed + (i+1) * 0x9e3779b97f4a7c15; z = (z ^ z>>30) * 0xbf58476d1ce4e5b9;
/// z = (z ^ z>>27) * 0x94d049bb133111eb; z ^ z>>31.
/// \see Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, OOPSLA 2014
/// \par Cost
/// No allocation; some gigabytes a second.
void generate(std::uint64_t seed, std::uint64_t offset, std::span<std::byte> into) noexcept;

/// The same as text. For bodies that are small enough to be held.
[[nodiscard]] std::string generated(std::uint64_t seed, std::uint64_t offset, std::size_t size);

/// Whether `bytes` are those that stand from `offset` on in the body of `seed`. No allocation.
[[nodiscard]] bool is_generated(std::uint64_t seed, std::uint64_t offset, std::span<const std::byte> bytes) noexcept;

} // namespace weir::testing
