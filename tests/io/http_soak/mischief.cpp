#include "mischief.hpp"

#include <weir/testing/origin.hpp>

#include <array>
#include <chrono>

namespace test {

namespace {

using namespace std::chrono_literals;
using weir::testing::at_body;
using weir::testing::rule;
using weir::testing::script;

std::uint64_t below(std::mt19937_64& random, std::uint64_t end) { return random() % end; }

/// Sizes of all magnitudes, up to two megabytes.
std::uint64_t some_size(std::mt19937_64& random) { return below(random, std::uint64_t{2} << below(random, 21)); }

/// What happens to an object, by the rules that `play` adds; whether its body can come whole then.
struct fate {
    void (*play)(script& to, const place& what, const std::string& object, std::mt19937_64& random);
    bool must_fail = false;
};

std::uint64_t somewhere(const place& in, std::mt19937_64& random) { return below(random, in.size + 1); }

// Not among them: an answer that nobody asked for. One that comes after its connection was found quiet and lent again
// is an answer to the next request by all that HTTP/1.1 can tell.
const std::array<fate, 17> fates{{
    {[](script& to, const place& what, const std::string& object, auto&) { to.on(what.path).serve(object); }},
    {[](script& to, const place& what, const std::string& object, auto& random) {
        to.on(what.path).serve(object).chunked(1 + below(random, 70'000));
    }},
    {[](script& to, const place& what, const std::string& object, auto& random) {
        to.on(what.path).serve(object).split_every(1000 + below(random, 100'000));
    }},
    {[](script& to, const place& what, const std::string& object, auto&) { to.on(what.path).serve(object).until_close(); }},
    {[](script& to, const place& what, const std::string& object, auto&) { to.on(what.path).serve(object).no_ranges(); }},
    {[](script& to, const place& what, const std::string& object, auto& random) {
        to.on(what.path).serve(object).stall(at_body(somewhere(what, random)), 3ms);
    }},
    {[](script& to, const place& what, const std::string& object, auto&) {
        to.on(what.path).redirect(307, what.path + "/there");
        to.on(what.path + "/there").serve(object);
    }},
    {[](script& to, const place& what, const std::string& object, auto&) {
        to.on(what.path).send("HTTP/1.1 103 Early Hints\r\n\r\n").serve(object);
    }},
    // What goes well the second time, and so on.
    {[](script& to, const place& what, const std::string& object, auto& random) {
        to.on(what.path).requests(1 + below(random, 9), 10).serve(object).reset(at_body(somewhere(what, random)));
        to.on(what.path).serve(object);
    }},
    {[](script& to, const place& what, const std::string& object, auto& random) {
        to.on(what.path).requests(1 + below(random, 9), 10).serve(object).close(at_body(somewhere(what, random)));
        to.on(what.path).serve(object);
    }},
    {[](script& to, const place& what, const std::string& object, auto&) {
        to.on(what.path).requests(1, 5).answer(503).header("Retry-After", "0");
        to.on(what.path).serve(object);
    }},
    // What never goes well.
    {[](script& to, const place& what, const std::string&, auto&) { to.on(what.path).answer(404).body("no"); }, true},
    {[](script& to, const place& what, const std::string& object, auto&) {
        to.on(what.path).serve(object).header("Content-Length", std::to_string(what.size + 10)).close();
    }, true},
    {[](script& to, const place& what, const std::string& object, auto&) {
        to.on(what.path).serve(object).header("Repr-Digest", "sha-256=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:");
    }, true},
    {[](script& to, const place& what, const std::string&, auto&) {
        to.on(what.path).repeat(1'000, "HTTP/1.1 102 Processing\r\n\r\n");
    }, true},
    {[](script& to, const place& what, const std::string&, auto&) { to.on(what.path).send("SSH-2.0-what\r\n").close(); }, true},
    {[](script& to, const place& what, const std::string& object, auto&) {
        to.on(what.path).serve(object).chunked(1000).trailer("X-Long", std::string(100'000, 'x'));
    }}, // parts that say where they end are whole without it
}};

} // namespace

mischief make_mischief(std::mt19937_64& random, const identity* identity)
{
    mischief made;
    script& played = made.played;
    if (identity)
        played.tls(identity->certificate_file, identity->key_file);
    for (int i = 0; i != 8; ++i) { // connections that are closed when they are made
        const rule closed = played.accept();
        rule(closed).connection(2 + below(random, 500)).reset();
    }
    for (std::size_t i = 0; i != 3 * fates.size(); ++i) {
        const fate& how = fates[i % fates.size()];
        const std::string object = "object-" + std::to_string(i);
        const place next{"/place-" + std::to_string(i), some_size(random), i, how.must_fail};
        played.object(object, next.size, next.seed);
        how.play(played, next, object, random);
        made.places.push_back(next);
    }
    played.on("PUT", "/taken").answer(201);
    played.on("PUT", "/refused").early().receive(1'000).answer(413).close();
    played.on("PUT", "/broken").early().receive(50'000).reset();
    made.uploads = {"/taken", "/refused", "/broken"};
    return made;
}

} // namespace test
