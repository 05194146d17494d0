// Any bytes are requests or are refused, whatever the cuts; one that was read names whom it is for.

#include "conversation.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size)
{
    fuzz::input input(bytes, size);
    const auto seen = fuzz::converse<weir::http::request_reader>(input, "");
    for (const auto& message : seen.messages) {
        const weir::http::received_request& head = message.head;
        fuzz::require(weir::http::is_token(head.method));
        const bool is_tunnel = head.method == "CONNECT";
        fuzz::require(is_tunnel == head.path().empty());
        fuzz::require(is_tunnel || head.path().starts_with('/') || head.path() == "*");
        if (head.spoken == weir::http::version::http_1_1)
            fuzz::require(head.header.count("Host") == 1);
        fuzz::require(weir::http::is_authority(head.authority()));
    }
    return 0;
}
