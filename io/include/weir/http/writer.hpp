#pragma once
// Messages as text: heads, and the framing of chunked bodies. No I/O.

#include <weir/export.hpp>
#include <weir/http/framing.hpp>
#include <weir/http/message.hpp>
#include <weir/http/request.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace weir::http {

/// How a request line names what is asked for. \see RFC 9112, section 3.2
enum class target_form : std::uint8_t {
    origin,    ///< path and query, or `*` of `request_head::about_server`: to the server
    absolute,  ///< the whole URL, without a path where it is about the server: to a proxy that reads the request
    authority, ///< host and port: CONNECT
};

/// Appends the head of a request, with the empty line.
///
/// `Host` is the target's unless the header has one. `Content-Length` and `Transfer-Encoding` come from `body` alone,
/// lines of the header that say otherwise are left out; without a body, methods that would have one (POST, PUT, PATCH)
/// say a length of 0. `Connection: close` is added where `body.reusable` is not set.
/// \throws weir::error  `errc::bad_format`: the method is no token; nothing was appended then
/// \pre `body.end` is none, length or chunked
WEIR_API void write_head(std::string& out, const request_head& head, target_form form, const framing& body);

/// Appends the head of an answer, with the empty line. The version is always HTTP/1.1, which is what this library
/// speaks also to those who asked in HTTP/1.0; the reason is that of the status if it is empty.
///
/// Framing as for a request; with `body_end::none` or `body_end::tunnel` nothing is added and a `Content-Length` of the
/// header stays, as answers to HEAD have it.
/// \throws weir::error  `errc::bad_format`: no status (100 to 999), or a reason with control characters; nothing was
///   appended then
WEIR_API void write_head(std::string& out, const response_head& head, const framing& body);

/// What stands before the data of a chunk: its size and CR LF.
class WEIR_API chunk_start {
public:
    /// \pre `bytes` is not 0, which would end the body
    explicit chunk_start(std::uint64_t bytes) noexcept;
    [[nodiscard]] std::string_view text() const noexcept { return {text_.data(), size_}; }

private:
    std::array<char, 18> text_{};
    std::size_t size_ = 0;
};

/// What stands after the data of a chunk.
inline constexpr std::string_view chunk_end = "\r\n";

/// Appends what ends a chunked body: the last chunk, the trailer, and the empty line. Fields that have no place in a trailer
/// are left out: those of framing and of the connection, of whom a message is for and from, of the content's format.
WEIR_API void write_last_chunk(std::string& out, const fields& trailer = {});

} // namespace weir::http
