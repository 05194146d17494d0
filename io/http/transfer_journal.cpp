#include "transfer_journal.hpp"

#include <weir/error.hpp>

#include <cassert>

namespace weir::http {
namespace {

constexpr std::size_t longest_shown = 1024;

/// For people who wonder whose journal it is. A query may hold what is nobody else's business.
std::string shown(const url& object)
{
    std::string text = object.without_login().to_string();
    text.resize(std::min({text.size(), text.find('?'), longest_shown}));
    return text;
}

} // namespace

transfer_journal::transfer_journal(std::filesystem::path path, const url& object, std::string_view settings, bool of_any)
    : object_(object), settings_(settings), log_(std::move(path)), start_(log_.position())
{
    is_new_ = !read_record();
    if (is_new_)
        note_subject();
    while (read_record()) {
    }
    if (version() && !of_any)
        check_subject();
}

void transfer_journal::check_subject() const
{
    const subject_record& found = *outline_.subject();
    const std::string& name = log_.path().native();
    if (found.object != log_.seal("object", identity_of(object_)))
        throw error(errc::other_object, "resume", name, std::nullopt, "of " + redacted(found.shown));
    if (found.settings != log_.seal("settings", settings_))
        throw error(errc::other_settings, "resume", name);
}

bool transfer_journal::read_record()
{
    const std::uint64_t place = log_.position();
    const std::optional<journal_record> found = log_.next();
    if (!found)
        return false;
    if (!outline_.take(*found))
        throw error(errc::damaged, "resume", log_.path().native(), place, "a record that makes no sense there");
    before_last_ = place;
    return true;
}

void transfer_journal::rewind()
{
    log_.seek(start_);
    outline_ = transfer_outline();
    // Behind the records before the first chunk: what it is of, of which version, with which digests.
    while (read_record() && kept_bytes() == 0) {
    }
    if (kept_bytes() != 0)
        outline_.drop_chunk();
    if (outline_.chunk().length != 0)
        log_.seek(before_last_);
}

std::optional<chunk_record> transfer_journal::next()
{
    const std::uint64_t before = kept_bytes();
    while (read_record()) {
        if (kept_bytes() != before)
            return outline_.chunk();
    }
    return std::nullopt;
}

void transfer_journal::drop_last()
{
    outline_.drop_chunk();
    log_.seek(before_last_);
    log_.drop_rest();
}

void transfer_journal::drop_behind(std::uint64_t offset)
{
    rewind();
    while (next()) {
        if (kept_bytes() > offset)
            return drop_last();
    }
}

std::optional<hashing::sha256_state> transfer_journal::back_to_sha256()
{
    while (read_record()) {
    }
    const std::optional<hashing::sha256_state> last = outline_.sha256();
    rewind();
    while (last && !(outline_.sha256() && outline_.sha256()->size == last->size)) {
        [[maybe_unused]] const bool found = read_record();
        assert(found); // it was there a moment ago
    }
    return last;
}

void transfer_journal::begin(const known_version& version, std::span<const stated_digest> stated)
{
    assert(can_be_kept(version));
    clear();
    append(record_kind::version, pack(version));
    for (const stated_digest& each : stated)
        append(record_kind::stated, pack(each));
    log_.flush();
}

void transfer_journal::clear()
{
    log_.clear();
    note_subject();
}

void transfer_journal::note_subject()
{
    outline_ = transfer_outline();
    const subject_record subject{log_.seal("object", identity_of(object_)), log_.seal("settings", settings_),
                                 shown(object_)};
    append(record_kind::subject, pack(subject));
    log_.sync();
}

void transfer_journal::add(std::uint64_t length, const digest& digest)
{
    append(record_kind::chunk, pack_chunk(length, digest));
}

void transfer_journal::add(const hashing::sha256_state& state)
{
    assert(state.size == kept_bytes());
    append(record_kind::sha256, pack(state));
}

void transfer_journal::append(std::uint32_t kind, std::span<const std::byte> content)
{
    [[maybe_unused]] const bool fits = outline_.take({kind, content});
    assert(fits);
    log_.append(kind, content);
}

} // namespace weir::http
