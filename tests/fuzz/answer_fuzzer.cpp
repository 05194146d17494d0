// Any bytes are answers or are refused, whatever the cuts; a head that was read is written and read again.

#include "conversation.hpp"

#include <weir/http/writer.hpp>

#include <array>
#include <span>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size)
{
    constexpr std::array methods = {"GET", "HEAD", "CONNECT", "PUT"};
    fuzz::input input(bytes, size);
    const auto seen = fuzz::converse<weir::http::response_reader>(input, methods[input.byte() % methods.size()]);
    for (auto message : seen.messages) {
        weir::http::response_head& head = message.head;
        head.spoken = weir::http::version::http_1_1;
        head.header.erase("Transfer-Encoding");
        if (head.reason.empty())
            head.reason = "x";
        std::string text;
        write_head(text, head, weir::http::framing{weir::http::body_end::none, 0, true});
        weir::http::response_reader again(weir::http::line_limits{2 * text.size(), 1000});
        fuzz::require(again.feed(std::as_bytes(std::span(text))) == text.size());
        fuzz::require(again.done() && again.take() == head);
    }
    return 0;
}
