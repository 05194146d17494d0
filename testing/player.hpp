#pragma once
// One connection of an origin, from its first byte to its last.

#include "answer.hpp"
#include "incoming.hpp"
#include "outgoing.hpp"
#include "stage.hpp"
#include "wire.hpp"

namespace weir::testing::detail {

class player {
public:
    player(stage& shared, wire& peer, std::uint64_t connection);

    /// Plays until the connection is over.
    /// \returns  the way in which it ended
    [[nodiscard]] connection_end run();

private:
    void play_all();
    void answer(received_request request);
    void follow(const rule_data& rule, clock::time_point arrival);
    void play(const rule_data& rule);
    void hold(const std::string& name);
    /// Reads so much more of the request's body, or what there is.
    void receive(std::uint64_t at_most);

    void take(const send_step& step);
    void take(const data_step& step);
    void take(const receive_step& step);
    void take(const tunnel_step& step);
    void take(const answer_step& step);
    void take(const stall_step& step) { out_.act(step); }
    void take(const hold_step& step) { out_.act(step); }
    void take(const end_step& step) { out_.act(step); }
    void send_content(const answer_step& step, std::uint64_t from, std::uint64_t size);

    stage& shared_;
    wire& peer_;
    std::uint64_t connection_;
    incoming in_;
    outgoing out_;
    duration round_trip_{};

    received_request request_; // that is being answered
    std::uint64_t requests_ = 0;
    bool last_ = false; // the connection ends behind this answer
};

} // namespace weir::testing::detail
