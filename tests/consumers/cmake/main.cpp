// Digests the first example of FIPS 180-2 with the installed library. Exits 0 if the digest is right.

#include <weir/hasher.hpp>

#include <cstdio>
#include <span>
#include <string>
#include <string_view>

int main()
{
    constexpr std::string_view message = "abc";
    weir::hasher hasher(weir::hash_algorithm::sha256);
    hasher.update(std::as_bytes(std::span(message)));
    const std::string hex = hasher.finish().to_hex();
    std::puts(hex.c_str());
    return hex == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" ? 0 : 1;
}
