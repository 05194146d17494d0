// Any values of the digest fields give digests of the right sizes, which are read back from what is written, or are
// ignored with a reason.

#include "input.hpp"

#include <weir/http/digest_fields.hpp>

#include <algorithm>
#include <string>

namespace {

using weir::http::stated_digest;
using weir::http::stated_digests;

void require_sound(const stated_digest& each)
{
    fuzz::require(each.value.size() == weir::http::checksum_size(each.algorithm) && !each.field.empty());
    const std::string written = weir::http::digest_field_value(each.algorithm, each.value);
    if (written.empty())
        return;
    const stated_digests again = weir::http::digests_of({{"Repr-Digest", written}}, false);
    fuzz::require(again.checkable.size() == 1 && again.checkable[0].value == each.value);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size)
{
    fuzz::input input(bytes, size);
    const bool is_whole = input.byte() % 2 == 0;
    std::string value(input.text());
    std::ranges::replace_if(
        value, [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '\t'); // as a field may have it
    for (const char* name : {"Content-Digest", "Repr-Digest", "Content-MD5", "x-amz-checksum-crc32", "x-amz-checksum-crc64nvme"}) {
        const stated_digests found = weir::http::digests_of({{name, value}}, is_whole);
        std::ranges::for_each(found.checkable, require_sound);
    }
    (void)weir::http::announced_digests({{"Trailer", value}});
    return 0;
}
