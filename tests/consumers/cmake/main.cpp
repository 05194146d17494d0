// Digests the first example of FIPS 180-2 with the installed library, and sends it through each codec that is built in:
// a library that the link leaves out shows. Exits 0 if the digest is right and the example comes back.

#include <weir/compress.hpp>
#include <weir/hasher.hpp>

#include <algorithm>
#include <cstdio>
#include <span>
#include <string>
#include <string_view>

namespace {

bool comes_back(weir::codec which, std::span<const std::byte> message)
{
    return std::ranges::equal(weir::decompress(weir::compress(message, which), which, message.size()), message);
}

} // namespace

int main()
{
    constexpr std::string_view message = "abc";
    for (const weir::codec each : weir::all_codecs())
        if (weir::is_built_in(each) && !comes_back(each, std::as_bytes(std::span(message))))
            return 1;
    weir::hasher hasher(weir::hash_algorithm::sha256);
    hasher.update(std::as_bytes(std::span(message)));
    const std::string hex = hasher.finish().to_hex();
    std::puts(hex.c_str());
    return hex == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" ? 0 : 1;
}
