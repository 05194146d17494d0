// Zip archives as they come, entry by entry.
#include "zip_reading.hpp"

#include "support/sanitized.hpp"
#include "support/seed.hpp"

#include <weir/open_archive.hpp>

#include <doctest/doctest.h>

namespace zip_stream_test {
using test::bench;
using test::zip_descriptor;
using test::zip_header;
using test::zip_writer;
using weir::errc;

namespace {

constexpr zip_descriptor descriptors[] = {zip_descriptor::none, zip_descriptor::plain, zip_descriptor::with_signature,
                                          zip_descriptor::wide, zip_descriptor::wide_with_signature};

const test::byte_vector text = test::words(3000, 60);

/// Each method with each form of descriptor that it may have.
test::byte_vector sample(std::vector<test::byte_vector>& contents)
{
    zip_writer writer;
    for (const std::uint16_t method : test::zip_methods())
        for (const zip_descriptor descriptor : descriptors)
            for (const std::size_t size : {0, 1, 4'000, 70'000}) {
                if (method == 0 && descriptor != zip_descriptor::none && size != 0)
                    continue; // nobody knows where it ends
                contents.push_back(test::words(size, size + method));
                const bool wide = descriptor == zip_descriptor::wide || descriptor == zip_descriptor::wide_with_signature;
                writer.add({.name = std::to_string(contents.size()), .content = contents.back(), .method = method,
                            .descriptor = descriptor, .change = [wide](zip_header& of) { of.zip64 = wide; }});
            }
    return writer.finish();
}

std::error_code failure_of(bench& b, const test::byte_vector& archive, const weir::archive_options& options = {})
{
    return test::code_of([&] { return test::stream_zip(b, archive, options); });
}

std::unique_ptr<weir::archive> open_stream(bench& b, const test::byte_vector& archive)
{
    return weir::codecs::make_zip_stream(b.engine, std::make_unique<test::scripted_source>(archive), {});
}

} // namespace

TEST_CASE("zip stream: every method with every descriptor is read, whatever the sizes of reads")
{
    bench b;
    std::vector<test::byte_vector> contents;
    const test::byte_vector archive = sample(contents);
    std::mt19937_64 random = test::generator(61);
    const auto check = [&](const test::script& how, std::size_t most) {
        const std::vector<test::zip_found> found = test::stream_zip(b, archive, {}, how, most);
        REQUIRE(found.size() == contents.size());
        for (std::size_t i = 0; i < found.size(); ++i) {
            CAPTURE(i);
            CHECK(!found[i].failure);
            CHECK(found[i].content == contents[i]);
        }
    };
    check({}, 1 << 20);
    for (const std::size_t most : {50u, 5'000u, 100'000u}) {
        test::script how;
        how.read_size = [&random, most] { return 1 + random() % most; };
        how.suspends = [&random] { return random() % 4 == 0; };
        check(how, most + 1000);
        how.wasteful = most > 1000; // a block for each read
        check(how, most + 1000);
    }
    CHECK(b.engine.pool().check());
    CHECK(b.engine.pool().statistics().in_use_bytes == 0);
}

TEST_CASE("zip stream: contents that are not read, or in part, are passed over")
{
    bench b;
    std::vector<test::byte_vector> contents;
    const test::byte_vector archive = sample(contents);
    const std::unique_ptr<weir::archive> from = open_stream(b, archive);
    CHECK(!from->reads_in_any_order());
    weir::reservation memory = b.engine.pool().try_reserve(2, b.engine.block_bytes()).value();
    std::size_t count = 0;
    std::unique_ptr<weir::source> before;
    while (const std::optional<weir::archive_entry> entry = test::await(b.context, from->next())) {
        if (before)
            CHECK(test::code_of([&] { return test::await(b.context, before->read(memory, 1)); }) == errc::closed);
        before.reset();
        const test::byte_vector& content = contents.at(count++);
        if (count % 3 == 0)
            continue;
        before = from->open(*entry);
        CHECK(test::code_of([&] { return from->open(*entry); }) == errc::closed); // once
        if (!content.empty()) {
            const test::byte_vector start = test::await(b.context, before->read(memory, 100)).copy_out();
            CHECK(std::ranges::equal(start, std::span(content).first(start.size())));
        }
        if (count % 3 == 1)
            test::run(b.context, before->close());
    }
    CHECK(count == contents.size());
    test::run(b.context, from->close());
    CHECK(test::code_of([&] { return test::await(b.context, from->next()); }) == errc::closed);
}

TEST_CASE("zip stream: sizes that follow a content are not told before it")
{
    bench b;
    zip_writer writer;
    writer.add({.name = "dir/"});
    writer.add({.name = "sized", .content = text, .method = 8});
    writer.add({.name = "later", .content = text, .method = 8, .descriptor = zip_descriptor::plain});
    const std::vector<test::zip_found> found = test::stream_zip(b, writer.finish());
    REQUIRE(found.size() == 3);
    CHECK(found[0].entry.type == weir::archive_entry_type::directory);
    CHECK(found[1].entry.size == text.size());
    CHECK(found[1].entry.stored_bytes > 0);
    CHECK(!found[2].entry.size);
    CHECK(found[2].entry.stored_bytes == 0);
    CHECK(found[2].content == text);
}

TEST_CASE("zip stream: zip64, comments, marks of several parts and signatures are passed over")
{
    bench b;
    zip_writer writer;
    CHECK(test::stream_zip(b, writer.finish()).empty());
    for (const std::string_view mark : {"PK\7\10", "PK00"}) {
        zip_writer marked;
        marked.add_raw(mark);
        marked.add({.content = text, .method = 8});
        marked.zip64_end = true;
        marked.comment = "a comment";
        const std::vector<test::zip_found> found = test::stream_zip(b, marked.finish());
        REQUIRE(found.size() == 1);
        CHECK(found[0].entry.offset == 4);
        CHECK(found[0].content == text);
    }
}

TEST_CASE("zip stream: the end of zip64 may have data of others, up to 64 KiB, and may be all there is")
{
    bench b;
    for (const std::size_t size : {0u, 1u, 100u, 65'535u, 65'536u}) {
        CAPTURE(size);
        zip_writer writer;
        writer.add({.content = text, .method = 8});
        writer.zip64_end = true;
        writer.zip64_data = std::string(size, 'x');
        const test::byte_vector archive = writer.finish();
        if (size > 65'535) {
            CHECK(failure_of(b, archive) == errc::corrupt_data);
            continue;
        }
        const std::vector<test::zip_found> found = test::stream_zip(b, archive);
        REQUIRE(found.size() == 1);
        CHECK(found[0].content == text);
        CHECK(test::read_zip(b, archive).size() == 1);
        for (const std::ptrdiff_t cut : {30, 60, 90})
            CHECK(failure_of(b, {archive.begin(), archive.end() - cut}) == errc::truncated);
    }
    zip_writer nothing;
    nothing.zip64_end = true;
    const test::byte_vector archive = nothing.finish();
    CHECK(weir::detect_archive(archive) == weir::archive_format::zip);
    CHECK(test::stream_zip(b, archive).empty());
}

TEST_CASE("zip stream: a few zeros may follow the end, and nothing else")
{
    bench b;
    zip_writer writer;
    writer.add({.content = text, .method = 8});
    const test::byte_vector archive = writer.finish();
    for (const std::size_t zeros : {1, 10'240, 32'768})
        CHECK(failure_of(b, test::joined({archive, test::byte_vector(zeros)})) == std::error_code());
    CHECK(failure_of(b, test::joined({archive, test::byte_vector(32'769)})) == errc::trailing_data);
    for (const std::size_t zeros : {0, 1, 10'000})
        CHECK(failure_of(b, test::joined({archive, test::byte_vector(zeros), test::bytes_of("x")})) == errc::trailing_data);
}

TEST_CASE("zip stream: a directory that tells something else of the entries is found at the end")
{
    bench b;
    const test::zip_change lies[] = {
        [](zip_header& of) { of.name = "tile"; },       [](zip_header& of) { of.method = 0; },
        [](zip_header& of) { ++of.size; },              [](zip_header& of) { --of.compressed; },
        [](zip_header& of) { of.crc ^= 1; },            [](zip_header& of) { ++of.offset; },
        [](zip_header& of) { of.flags |= 1; },
    };
    for (const zip_descriptor descriptor : {zip_descriptor::none, zip_descriptor::plain})
        for (const test::zip_change& lie : lies) {
            zip_writer writer;
            writer.add({.name = "other", .content = text});
            writer.add({.content = text, .method = 8, .descriptor = descriptor, .change_directory = lie});
            CHECK(failure_of(b, writer.finish()) == errc::corrupt_data);
        }
    zip_writer twice, without, good;
    for (zip_writer* each : {&twice, &without, &good}) {
        each->add({.name = "a", .content = text});
        each->add({.name = "b", .content = text});
    }
    twice.directory()[1] = twice.directory()[0];
    CHECK(failure_of(b, twice.finish()) == errc::corrupt_data);
    without.directory().pop_back();
    CHECK(failure_of(b, without.finish()) == errc::corrupt_data);
    std::swap(good.directory()[0], good.directory()[1]); // in another order
    CHECK(failure_of(b, good.finish()) == std::error_code());
    CHECK(failure_of(b, test::joined({good.finish(), test::bytes_of("x")})) != std::error_code());
}

TEST_CASE("zip stream: a name that the field of one header alone gives is found at the end")
{
    bench b;
    const auto named = [](const char* name) {
        return [name](zip_header& of) { of.extra = test::zip_unicode_path("file", name); };
    };
    const auto failure = [&](const test::zip_change& local, const test::zip_change& directory) {
        zip_writer writer;
        writer.add({.content = text, .method = 8, .change_local = local, .change_directory = directory});
        return failure_of(b, writer.finish());
    };
    CHECK(failure(named("told"), nullptr) == errc::corrupt_data);
    CHECK(failure(nullptr, named("told")) == errc::corrupt_data);
    CHECK(failure(named("told"), named("other")) == errc::corrupt_data);
    CHECK(failure(named("told"), named("told")) == std::error_code());
    CHECK(failure(named("file"), nullptr) == std::error_code());
}

TEST_CASE("zip stream: what is refused is told; where nobody knows how long it is, the archive ends")
{
    bench b;
    const auto flagged = [](zip_header& of) { of.flags |= 1; };
    zip_writer writer;
    writer.add({.name = "encrypted", .content = text, .change = flagged});
    writer.add({.name = "unknown", .content = text, .method = 1234});
    writer.add({.name = "../unsafe", .content = text, .method = 8, .descriptor = zip_descriptor::wide});
    writer.add({.name = "good", .content = text});
    const std::vector<test::zip_found> found = test::stream_zip(b, writer.finish());
    REQUIRE(found.size() == 4);
    CHECK(found[0].failure == errc::encrypted);
    CHECK(found[1].failure == errc::unsupported_format);
    CHECK(found[2].failure == errc::unsafe_name);
    CHECK(found[3].content == text);

    const std::pair<test::zip_item, errc> endless[] = {
        {{.content = text, .method = 8, .descriptor = zip_descriptor::plain, .change = flagged}, errc::encrypted},
        {{.content = text, .method = 1234, .descriptor = zip_descriptor::plain}, errc::unsupported_format},
        {{.content = text, .descriptor = zip_descriptor::with_signature}, errc::unsupported_format},
        {{.name = "../up", .content = text, .descriptor = zip_descriptor::plain}, errc::unsupported_format},
    };
    for (const auto& [item, code] : endless) {
        zip_writer one;
        one.add(item);
        const test::byte_vector bytes = one.finish();
        const std::unique_ptr<weir::archive> from = open_stream(b, bytes);
        const auto entry = test::await(b.context, from->next());
        REQUIRE(entry);
        CHECK(test::code_of([&] { return from->open(*entry); }) == code);
        for (int i = 0; i < 2; ++i)
            CHECK(test::code_of([&] { return test::await(b.context, from->next()); }) == code);
    }
}

TEST_CASE("zip stream: a content that is not as declared is refused, and the next is read if its place is known")
{
    bench b;
    for (const bool sized : {true, false}) {
        zip_writer writer;
        writer.add({.content = text, .method = 8, .descriptor = sized ? zip_descriptor::none : zip_descriptor::wide,
                    .change = [](zip_header& of) { of.crc ^= 1; }});
        writer.add({.name = "next", .content = text});
        const test::byte_vector archive = writer.finish();
        if (!sized) {
            CHECK(failure_of(b, archive) == errc::checksum_mismatch);
            continue;
        }
        const std::vector<test::zip_found> found = test::stream_zip(b, archive);
        REQUIRE(found.size() == 2);
        CHECK(found[0].failure == errc::checksum_mismatch);
        CHECK(found[1].content == text);
    }
}

TEST_CASE("zip stream: limits hold for entries, sizes and ratio, also where no size is declared")
{
    bench b;
    zip_writer writer;
    for (int i = 0; i < 3; ++i)
        writer.add({.content = test::byte_vector(100'000), .method = 8, .descriptor = zip_descriptor::plain});
    const test::byte_vector archive = writer.finish();
    weir::archive_options options;
    options.limits.max_entries = 2;
    CHECK(failure_of(b, archive, options) == errc::limit_exceeded);
    options = {};
    options.limits.max_entry_bytes = 99'999;
    CHECK(failure_of(b, archive, options) == errc::limit_exceeded);
    options.limits.max_entry_bytes = 100'000;
    CHECK(failure_of(b, archive, options) == std::error_code());
    options.limits.max_content_bytes = 299'999;
    CHECK(failure_of(b, archive, options) == errc::limit_exceeded);
    options.limits.max_content_bytes = 300'000;
    CHECK(failure_of(b, archive, options) == std::error_code());
    options.decoder.ratio_free_bytes = 200'000; // for all together, once
    options.decoder.max_ratio = 10;
    CHECK(failure_of(b, archive, options) == errc::limit_exceeded);
    options.decoder.ratio_free_bytes = 1000;
    CHECK(failure_of(b, archive, options) == errc::limit_exceeded);
    options = {};
    options.limits.max_archive_bytes = archive.size();
    CHECK(failure_of(b, archive, options) == std::error_code());
    for (const std::size_t most : {std::size_t{0}, archive.size() / 4, archive.size() / 2}) {
        CAPTURE(most);
        options.limits.max_archive_bytes = most;
        CHECK(failure_of(b, archive, options) == errc::limit_exceeded);
    }
}

TEST_CASE("zip stream: whatever byte is wrong, the archive is refused or its contents are the same; cut, it is refused")
{
    bench b;
    zip_writer writer;
    const test::byte_vector small = test::words(40, 4);
    for (const std::uint16_t method : test::zip_methods())
        writer.add({.content = small, .method = method,
                    .descriptor = method == 0 ? zip_descriptor::none : zip_descriptor::with_signature});
    writer.zip64_end = true;
    const test::byte_vector archive = writer.finish();
    for (std::size_t i = 0; i < archive.size(); ++i) {
        CAPTURE(i);
        CHECK(failure_of(b, {archive.begin(), archive.begin() + static_cast<std::ptrdiff_t>(i)}) != std::error_code());
        for (const unsigned flip : {0x01u, 0xffu}) {
            if (test::is_sanitized && (flip == 0xff) != (i % 2 == 0))
                continue;
            test::byte_vector corrupt = archive;
            corrupt[i] ^= static_cast<std::byte>(flip);
            try {
                for (const test::zip_found& each : test::stream_zip(b, corrupt))
                    if (!each.failure)
                        CHECK(each.content == small);
            }
            catch (const weir::error& refused) {
                CHECK(refused.subject().starts_with("scripted"));
            }
        }
    }
    CHECK(b.engine.pool().statistics().in_use_bytes == 0);
}

TEST_CASE("zip stream: cancelled at any step, it loses nothing")
{
    bench b;
    std::vector<test::byte_vector> contents;
    zip_writer writer;
    for (const std::uint16_t method : test::zip_methods())
        writer.add({.content = text, .method = method,
                    .descriptor = method == 0 ? zip_descriptor::none : zip_descriptor::plain});
    const test::byte_vector archive = writer.finish();
    test::script how;
    how.read_size = [] { return std::size_t{97}; };
    how.suspends = [] { return true; };
    for (int steps = 0; steps < 80; steps += 3)
        for (const bool reads : {true, false}) {
            CAPTURE(steps);
            const std::unique_ptr<weir::archive> from = weir::codecs::make_zip_stream(
                b.engine, std::make_unique<test::scripted_source>(archive, how), {});
            weir::reservation memory = b.engine.pool().try_reserve(1, b.engine.block_bytes()).value();
            const auto stopped = [&](auto& task) {
                b.context.restart();
                for (int i = 0; i < steps && !task.done() && b.context.run_one() != 0; ++i)
                    ;
                task.cancel();
                b.context.restart();
                b.context.run();
                CHECK(task.done());
                return !task.outcome().has_value();
            };
            std::size_t count = 0;
            for (;;) {
                std::optional<weir::archive_entry> entry;
                test::task<std::optional<weir::archive_entry>> looking(b.context.get_executor(), from->next());
                if (stopped(looking))
                    entry = test::await(b.context, from->next());
                else
                    entry = std::move(looking.outcome()).value();
                if (!entry)
                    break;
                ++count;
                if (!reads)
                    continue;
                const std::unique_ptr<weir::source> source = from->open(*entry);
                test::byte_vector out;
                test::task<void> reading(b.context.get_executor(), test::read_into(out, *source, memory, 1000));
                if (stopped(reading))
                    test::run(b.context, test::read_into(out, *source, memory, 1000));
                CHECK(out == text);
                test::run(b.context, source->close());
            }
            CHECK(count == test::zip_methods().size());
            test::run(b.context, from->close());
            CHECK(memory.free_blocks() == 1);
        }
    CHECK(b.engine.pool().check());
}

TEST_CASE("zip stream: a content that was closed has nothing of its reader's, nor of the engine's, and the next is found")
{
    bench b;
    const test::byte_vector large = test::words(500'000, 62);
    zip_writer writer;
    for (const std::uint16_t method : test::zip_methods())
        for (const zip_descriptor descriptor : descriptors)
            if (method != 0 || descriptor == zip_descriptor::none)
                writer.add({.content = large, .method = method, .descriptor = descriptor});
    const test::byte_vector archive = writer.finish();
    const std::unique_ptr<weir::archive> from = open_stream(b, archive);
    while (const std::optional<weir::archive_entry> entry = test::await(b.context, from->next())) {
        weir::reservation memory = b.engine.pool().try_reserve(1, b.engine.block_bytes()).value();
        const std::unique_ptr<weir::source> source = from->open(*entry);
        for (int i = 0; i < 3; ++i)
            CHECK(!test::await(b.context, source->read(memory, 1000)).empty());
        test::run(b.context, source->close());
        CHECK(memory.free_blocks() == 1);
        memory = weir::reservation();
        CHECK(b.engine.pool().try_reserve(b.engine.memory_bytes() / b.engine.block_bytes(), b.engine.block_bytes()));
    }
    test::run(b.context, from->close());
}

TEST_CASE("zip stream: a content outlives its archive, and says that that is closed")
{
    bench b;
    zip_writer writer;
    writer.add({.content = text, .method = 8});
    const test::byte_vector bytes = writer.finish();
    std::unique_ptr<weir::archive> from = open_stream(b, bytes);
    const auto entry = test::await(b.context, from->next());
    REQUIRE(entry);
    const std::unique_ptr<weir::source> source = from->open(*entry);
    weir::reservation memory = b.engine.pool().try_reserve(1, b.engine.block_bytes()).value();
    CHECK(!test::await(b.context, source->read(memory, 10)).empty());
    from.reset();
    CHECK(test::code_of([&] { return test::await(b.context, source->read(memory, 10)); }) == errc::closed);
}
} // namespace zip_stream_test
