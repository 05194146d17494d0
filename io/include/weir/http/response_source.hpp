#pragma once
// The body of one answer as a source: for whoever needs the head first, a proxy for instance.
//
//   weir::http::response answer = co_await web.send(ask);
//   ... answer.head() ...
//   co_await weir::run_flow(engine, std::make_unique<weir::http::response_source>(std::move(answer)), sink);

#include <weir/export.hpp>
#include <weir/http/response.hpp>
#include <weir/stream_source.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace weir::http {

/// Gives what is left of a body, as it comes, from the connection into blocks. Nothing is tried again and no digest is
/// checked: `open` does that.
///
/// The connection is read on its own executor, ahead of the consumer while there is room in a block; a consumer that is
/// slow slows the server. Errors are those of `response::read_some`. The connection goes back to the client when the body
/// has been read to its end, and is closed when the source ends before.
class WEIR_API response_source final : public stream_source_base {
public:
    explicit response_source(response answer);

    /// What the head says; nothing if only the end will tell.
    [[nodiscard]] std::optional<std::uint64_t> size() const noexcept override;

    /// Field lines behind the body; read them when the source has given its end. They outlive it.
    [[nodiscard]] std::shared_ptr<const fields> trailer() const noexcept { return trailer_; }

private:
    response_source(std::string name, std::optional<std::uint64_t> size, response& answer,
                    const std::shared_ptr<fields>& trailer);

    std::optional<std::uint64_t> size_;
    std::shared_ptr<const fields> trailer_;
};

} // namespace weir::http
