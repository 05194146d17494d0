#pragma once
// What a connection sends, shaped by its rule: in pieces, at a pace, and with events at places in it.

#include "script_data.hpp"
#include "wire.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir::testing::detail {

/// At most so many bytes in each time, the first ones at once.
class pacer {
public:
    pacer() = default;
    explicit pacer(rate allowed) : allowed_(allowed) {}

    /// How many bytes may be sent now. If none: `next` says when.
    [[nodiscard]] std::uint64_t allowance(clock::time_point now) noexcept;
    [[nodiscard]] clock::time_point next() const noexcept { return began_ + allowed_->per; }
    void spend(std::uint64_t bytes) noexcept { spent_ += bytes; }

private:
    std::optional<rate> allowed_;
    clock::time_point began_{};
    std::uint64_t spent_ = 0;
};

/// Offsets count from the last `begin`.
class outgoing {
public:
    /// \param wait_at  waits at the `hold` of a name
    outgoing(wire& peer, std::function<void(const std::string&)> wait_at);

    /// The pace of the connection, for rules that have none of their own.
    void set_pace(rate allowed) { connection_pace_ = pacer(allowed); }

    void begin(const rule_data& rule);
    /// Everything below but `finish` may end the connection by an event of the rule.
    void send(std::string_view bytes);
    /// Bytes of a body. \param object_offset  of the first one, if they are of an object
    void send_body(std::string_view bytes, std::optional<std::uint64_t> object_offset = std::nullopt);
    /// The body is whole: meets the events that lie just behind it.
    void end_body();
    /// Gives the socket what is gathered.
    void flush();
    /// The rule has sent all: meets the events that lie just behind it, and flushes.
    void finish();

    void act(const event& what);

    /// Since `begin`.
    [[nodiscard]] std::uint64_t sent() const noexcept { return sent_; }

private:
    [[nodiscard]] std::uint64_t until_event(position::counted counted, std::uint64_t offset) const;
    void meet(position::counted counted, std::uint64_t offset);
    [[nodiscard]] bool is_cut() const;
    [[nodiscard]] std::uint64_t until_cut() const;
    [[nodiscard]] std::uint64_t next_piece(std::uint64_t available);
    void gather(std::string_view piece);
    [[nodiscard]] pacer& pace() { return rule_pace_ ? *rule_pace_ : connection_pace_; }

    wire& peer_;
    std::function<void(const std::string&)> wait_at_;
    pacer connection_pace_;
    std::optional<pacer> rule_pace_;

    const rule_data* rule_ = nullptr;
    std::vector<bool> met_; // of the rule's events
    std::uint64_t sent_ = 0;
    std::uint64_t body_sent_ = 0;
    std::string gathered_; // so that a head and a small body go as one
};

} // namespace weir::testing::detail
