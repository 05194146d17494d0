#pragma once
// What a scripted origin does with each connection and request, written as C++ or as a text file. Every function here
// has a statement of the same name there; docs/scripted-origin.md lists them all.

#include <weir/error.hpp>

#include <chrono>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir::testing {

namespace detail {
struct rule_data;
struct script_data;
class script_reader;
} // namespace detail

/// A script that cannot be played: `errc::bad_format` for text that is none, `errc::bad_configuration` for statements
/// that do not fit each other.
class script_error : public weir::error {
public:
    /// \param line  from 1 on; 0 for a script that was made in C++
    script_error(errc code, std::string_view script, std::uint64_t line, std::string_view why);

    [[nodiscard]] std::uint64_t line() const noexcept { return line_; }

private:
    std::uint64_t line_;
};

/// A place in what one rule sends.
struct position {
    enum class counted : std::uint8_t {
        bytes,  ///< everything that the rule sends, heads and chunk framing among it
        body,   ///< the bytes of bodies, without framing
        object, ///< the bytes of the object that is served: in a ranged answer the first one has its own offset
    };

    counted of = counted::bytes;
    std::uint64_t offset = 0;

    friend bool operator==(const position&, const position&) = default;
};

/// Before the byte of this number of all that the rule sends.
[[nodiscard]] constexpr position at_byte(std::uint64_t offset) noexcept { return {position::counted::bytes, offset}; }
/// Before the byte of this number of the rule's bodies; behind the last one if they are just as long.
[[nodiscard]] constexpr position at_body(std::uint64_t offset) noexcept { return {position::counted::body, offset}; }
/// Before the byte at this offset of the object: only an answer that has this byte meets it.
[[nodiscard]] constexpr position at_object(std::uint64_t offset) noexcept
{
    return {position::counted::object, offset};
}

/// One rule of a script: conditions, and the steps that are taken, in their order, where they hold.
///
/// A rule is a reference into its script, and is copied as one. All functions give the rule back, to go on with.
/// What describes an answer (`header`, `body`, `chunked` ...) belongs to the `answer`, `serve` or `redirect` before it.
/// \throws script_error  `errc::bad_configuration`, from each function: the statement makes no sense where it stands,
///   or one of its values is impossible
/// \par Thread-safety
/// None: a script is made before it is played.
class rule {
public:
    using duration = std::chrono::microseconds;
    static constexpr std::uint64_t no_end = std::numeric_limits<std::uint64_t>::max();

    // Conditions.

    /// Only the n-th, from 1 on, of those that the other conditions of this rule let through.
    rule& request(std::uint64_t number) { return requests(number, number); }
    rule& requests(std::uint64_t first, std::uint64_t last = no_end);
    /// Only on the n-th connection of the origin, from 1 on.
    rule& connection(std::uint64_t number) { return connections(number, number); }
    rule& connections(std::uint64_t first, std::uint64_t last = no_end);
    /// Only with a field of this name, and of just this value if one is given.
    rule& with(std::string_view name, std::optional<std::string_view> value = std::nullopt);
    /// Only without such a field.
    rule& without(std::string_view name);

    // Answers.

    /// Answers with a status. Its body is empty unless `body` follows; its length is told. No reason: the usual one.
    rule& answer(unsigned status, std::string_view reason = {});
    /// Answers with an object, by all the rules of HTTP: `ETag`, `Accept-Ranges`, one range with 206 or 416,
    /// `If-Range`, `If-Match` with 412, `If-None-Match` with 304, HEAD. Several ranges are answered by the whole.
    rule& serve(std::string_view object);
    /// Answers with a status and `Location`.
    rule& redirect(unsigned status, std::string_view location);
    /// Answers CONNECT with 200 and copies bytes both ways until both sides have ended: to the host and port that were
    /// asked for, or to those given here, an IPv6 address in brackets. 502 if nobody is there.
    rule& tunnel(std::optional<std::string_view> authority = std::nullopt);

    // What the answer is like. Whatever is changed here may be a lie: nothing else is fitted to it.

    /// Another status than the one that would be sent.
    rule& status(unsigned status, std::string_view reason = {});
    /// Adds a field line, unchecked. Fields of this name that the origin would have sent are left out.
    rule& header(std::string_view name, std::string_view value);
    /// Leaves out a field that the origin would have sent.
    rule& no_header(std::string_view name);
    /// The body of an `answer`; more of them are put together.
    rule& body(std::string_view content);
    /// Sends the body in chunks of so many bytes.
    rule& chunked(std::uint64_t chunk_bytes = 16 * 1024);
    /// Adds a field line behind a chunked body, unchecked.
    rule& trailer(std::string_view name, std::string_view value);
    /// Tells no length: the body ends with the connection.
    rule& until_close();
    /// Answers any `Range` with the whole.
    rule& no_ranges();
    /// From this offset of the object on the bytes are those of another one, although the head is that of the first.
    rule& becomes(std::string_view object, std::uint64_t offset);

    // Other steps.

    /// Sends these bytes as they are.
    rule& send(std::string_view bytes);
    /// Sends these bytes so many times. \param times  0: until the peer has had enough
    rule& repeat(std::uint64_t times, std::string_view bytes);
    /// Sends generated bytes, see generated.hpp.
    rule& data(std::uint64_t size, std::uint64_t seed = 1, std::uint64_t from = 0);
    /// Does nothing for a time; without one, until the peer leaves.
    rule& stall(std::optional<duration> time = std::nullopt);
    /// Does nothing until `origin::release(name)`, or until the peer leaves.
    rule& hold(std::string_view name);
    /// Takes the steps that follow, or come before the next `receive`, without waiting for the body of the request.
    rule& early();
    /// Reads so many more bytes of the request's body, or all of it. Only in an `early` rule; elsewhere all is read.
    rule& receive(std::optional<std::uint64_t> size = std::nullopt);
    /// Ends the connection: the peer reads an end. What it still sends is read and dropped for two seconds.
    rule& close();
    /// The same without the farewell of TLS (`close_notify`): to the peer, what came may have been cut short by
    /// anybody.
    rule& cut_off();
    /// Ends the connection by RST (a Unix socket just by closing it). The peer is first given the time to take what was
    /// sent before, a second at most.
    rule& reset();
    /// Sends an end, and goes on reading. What is sent later is dropped.
    rule& half_close();

    // The same in the middle of what the rule sends. One that lies behind the end is not met.

    rule& stall(position where, std::optional<duration> time = std::nullopt);
    rule& hold(position where, std::string_view name);
    rule& close(position where);
    rule& cut_off(position where);
    rule& reset(position where);
    rule& half_close(position where);

    // The way in which all of it is sent.

    /// Cuts what is sent into writes of so many bytes, with a pause between them.
    rule& split_every(std::uint64_t bytes, duration pause = {});
    /// Ends a write at each of these offsets of all that the rule sends.
    rule& split_at(std::vector<std::uint64_t> offsets, duration pause = {});
    /// At most so many bytes in each such time. In `accept`: for the whole connection, which is what a small window on
    /// a long path does.
    rule& pace(std::uint64_t bytes, duration per);
    /// Only in `accept`: every answer of the connection begins that much after its request has come.
    rule& round_trip(duration time);

private:
    friend class script;
    rule(detail::script_data& script, detail::rule_data& data) noexcept : script_(&script), data_(&data) {}

    detail::script_data* script_;
    detail::rule_data* data_;
};

/// What a scripted origin does. The first rule whose conditions hold decides; a request without one is answered by 404.
///
/// \par Thread-safety
/// None: a script is made before it is played.
class script {
public:
    script();
    script(script&&) noexcept;
    script& operator=(script&&) noexcept;
    ~script();

    /// Reads a script.
    /// \param name  what errors call it: the path of its file
    /// \throws script_error, with the line
    ///   `errc::bad_format`: no such statement, or not with these words.
    ///   `errc::bad_configuration`: what a function of `rule` refuses.
    [[nodiscard]] static script parse(std::string_view text, std::string_view name = "script");

    /// Where to listen: `127.0.0.1:0`, which is the default, `[::1]:8080`, `unix:/run/origin`. Port 0 is any free one.
    script& listen(std::string_view address);

    /// Speaks TLS, from 1.2 on, on every connection. The handshake is made when something is first read or sent: an
    /// `accept` that resets or stalls does so before it.
    /// \param certificate_file  PEM: a certificate, and those that vouch for it
    /// \param key_file          PEM, without a password
    script& tls(std::string_view certificate_file, std::string_view key_file);

    /// A body of generated bytes, see generated.hpp. Its strong ETag follows from size and seed.
    /// \throws script_error  `errc::bad_configuration`: there is one of this name; it ends above 2^63-1
    script& object(std::string_view name, std::uint64_t size, std::uint64_t seed = 1);
    /// A body of its own. Its strong ETag follows from the content.
    script& object(std::string_view name, std::string_view content);

    /// For requests of any method whose target matches.
    ///
    /// `*` stands for any characters. A pattern that begins with a slash is compared with path and query, without the
    /// query if it has no question mark, and without scheme and host of a request to a proxy; any other with the whole
    /// target: `http://other.test/*`, `other.test:443`.
    rule on(std::string_view pattern);
    /// For requests of one method.
    rule on(std::string_view method, std::string_view pattern);
    /// For connections, before their first request. `pace` and `round_trip` then hold for all of the connection.
    rule accept();

private:
    friend class origin;
    friend class detail::script_reader;
    std::unique_ptr<detail::script_data> data_;
};

} // namespace weir::testing
