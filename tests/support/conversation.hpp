#pragma once
// One side of a connection without the connection: bytes go in, cut in some way, and messages come out.

#include <weir/error.hpp>
#include <weir/http/body_reader.hpp>
#include <weir/http/head_reader.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

namespace test {

/// How long the pieces are in which bytes come.
enum class cuts { none, bytes, random };

template <class Head> struct message {
    Head head;
    std::string body;
    weir::http::fields trailer;
    bool is_complete = false;          ///< the body is over
    bool needed_end_of_stream = false; ///< and only the end of the connection said so

    friend bool operator==(const message&, const message&) = default;
};

/// What came out of a connection.
template <class Head> struct outcome {
    std::vector<message<Head>> messages;
    std::error_code refused; ///< why it ended, if not well
    std::string reason;

    /// Reasons may name other places when pieces are other ones; nothing else may differ.
    friend bool operator==(const outcome& a, const outcome& b)
    {
        return a.messages == b.messages && a.refused == b.refused;
    }
};

/// Reads answers (`response_reader`) or requests (`request_reader`), one after the other, until the connection cannot
/// serve another one.
template <class Reader> class conversation {
public:
    using head_type = decltype(std::declval<Reader&>().take());

    explicit conversation(std::string method = "GET") : method_(std::move(method)) {}

    /// All that `bytes` and then the end of the connection give.
    [[nodiscard]] outcome<head_type> read(std::string_view bytes, cuts how, std::mt19937_64& random)
    {
        try {
            while (!bytes.empty() && !is_over_) {
                const std::size_t size = how == cuts::none ? bytes.size() : how == cuts::bytes ? 1 : random() % 40 + 1;
                feed(bytes.substr(0, size), how == cuts::random && random() % 2 == 0);
                bytes.remove_prefix(std::min(size, bytes.size()));
            }
            if (!is_over_)
                end();
        }
        catch (const weir::error& refused) {
            out_.refused = refused.code();
            out_.reason = refused.what();
        }
        return std::move(out_);
    }

private:
    void feed(std::string_view piece, bool in_place)
    {
        std::span<const std::byte> rest = std::as_bytes(std::span(piece));
        while (!rest.empty() && !is_over_) {
            const std::size_t taken = !body_ ? feed_head(rest) : in_place ? decode(rest) : feed_body(rest);
            rest = rest.subspan(taken);
        }
    }

    std::size_t feed_head(std::span<const std::byte> bytes)
    {
        const std::size_t taken = reader_.feed(bytes);
        if (!reader_.done())
            return taken;
        head_type head = reader_.take();
        framing_ = frame(head);
        out_.messages.push_back({std::move(head), {}, {}, false, false});
        body_.emplace(framing_);
        after_body();
        return taken;
    }

    weir::http::framing frame(const head_type& head) const
    {
        if constexpr (std::is_same_v<head_type, weir::http::response_head>)
            return weir::http::framing_of_response(method_, head.status, head.spoken, head.header);
        else
            return weir::http::framing_of_request(head.spoken, head.header);
    }

    /// As a reader of a socket does that knows where the data shall lie.
    std::size_t feed_body(std::span<const std::byte> bytes)
    {
        std::size_t taken = 0;
        if (body_->data() > 0) {
            taken = static_cast<std::size_t>(std::min<std::uint64_t>(body_->data(), bytes.size()));
            append(bytes.first(taken));
            body_->received(taken);
        }
        else
            taken = body_->feed(bytes);
        after_body();
        return taken;
    }

    /// As one that has whole blocks.
    std::size_t decode(std::span<const std::byte> bytes)
    {
        std::vector<std::byte> block(bytes.begin(), bytes.end());
        const auto [consumed, produced] = body_->decode(block, block);
        append(std::span(block).first(produced));
        after_body();
        return consumed;
    }

    void append(std::span<const std::byte> data)
    {
        out_.messages.back().body.append(reinterpret_cast<const char*>(data.data()), data.size());
    }

    void after_body()
    {
        if (!body_->done())
            return;
        out_.messages.back().is_complete = true;
        out_.messages.back().trailer = body_->trailer();
        is_over_ = !framing_.reusable;
        body_.reset();
    }

    void end()
    {
        if (body_) {
            body_->end_of_stream();
            out_.messages.back().needed_end_of_stream = true;
            after_body();
        }
        else if (reader_.started())
            reader_.end_of_stream();
    }

    std::string method_;
    Reader reader_;
    weir::http::framing framing_;
    std::optional<weir::http::body_reader> body_;
    bool is_over_ = false;
    outcome<head_type> out_;
};

/// What comes out, which must be the same whole, byte by byte and at random cuts.
/// \param differs  is called with the kind of cuts that gave something else
template <class Reader, class Differs>
auto read_with_all_cuts(std::string_view bytes, const std::string& method, std::mt19937_64& random, Differs differs)
{
    const auto whole = conversation<Reader>(method).read(bytes, cuts::none, random);
    if (conversation<Reader>(method).read(bytes, cuts::bytes, random) != whole)
        differs(cuts::bytes);
    for (int i = 0; i < 8; ++i)
        if (conversation<Reader>(method).read(bytes, cuts::random, random) != whole)
            differs(cuts::random);
    return whole;
}

} // namespace test
