#include "options.hpp"

#include "block_io.hpp"
#include "command.hpp"

#include <weir/codec_settings.hpp>
#include <weir/error.hpp>
#include <weir/file_handle.hpp>
#include <weir/hasher.hpp>
#include <weir/size.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <limits>

namespace tool {
namespace {

using namespace weir::literals;

weir::hash_algorithm read_hash(std::string_view option, std::string_view text)
{
    if (const auto algorithm = weir::parse_hash_algorithm(text))
        return *algorithm;
    throw usage_error(fmt::format("--{} {}: allowed are sha256, sha512-256, xxh3-128", option, text));
}

/// The secret of 32 bytes that a file of any content stands for.
std::array<std::byte, 32> read_secret(const std::string& path)
{
    const std::vector<std::byte> content = read_small_file("secret-file", path, 1_MiB);
    const weir::digest digest = weir::digest_of(weir::hash_algorithm::sha256, content);
    std::array<std::byte, 32> secret;
    std::ranges::copy(digest.span(), secret.begin());
    return secret;
}

weir::configuration load(const std::string& path)
{
    if (path.empty())
        throw usage_error("--config '': no file has this name");
    try {
        return weir::load_configuration(path);
    }
    catch (const weir::error& failure) {
        throw usage_error(failure.what()); // also where the file cannot be read
    }
}

/// \throws usage_error  the pattern cannot be meant
void check_glob(std::string_view pattern)
{
    if (pattern.empty())
        throw usage_error("--exclude '': no name matches it");
    if (!weir::glob(std::string(pattern)).is_well_formed())
        throw usage_error(fmt::format("--exclude '{}': a [ has no ] or a class that is none; \\[ is a plain one", pattern));
}

void replace_all(std::string& text, std::string_view from, std::string_view to)
{
    for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
        text.replace(at, from.size(), to);
}

} // namespace

std::uint64_t read_number(std::string_view option, std::string_view text, std::uint64_t least, std::uint64_t most)
{
    std::uint64_t value = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failure != std::errc() || end != text.data() + text.size() || value < least || value > most)
        throw usage_error(fmt::format("--{} {}: allowed are {} to {}", option, text, least, most));
    return value;
}

std::uint64_t read_size(std::string_view option, std::string_view text)
{
    try {
        if (const std::uint64_t bytes = weir::parse_size(text))
            return bytes;
    }
    catch (const weir::error& failure) {
        throw usage_error(fmt::format("--{}: {}", option, failure.what()));
    }
    // 0 stands for "the default" in the configuration file; typed, it is a mistake.
    throw usage_error(fmt::format("--{} {}: 0 is no size here; leave it out for the default", option, text));
}

void warn_of_weak_digests(const settings& values)
{
    if (values.hash == weir::hash_algorithm::xxh3_128 || values.file_digest == weir::hash_algorithm::xxh3_128)
        say("warning: xxh3-128 is NOT cryptographic: whoever chooses the content can make digests collide");
}

std::vector<std::byte> read_small_file(std::string_view option, const std::string& path, std::size_t most)
{
    std::vector<std::byte> content;
    try {
        const weir::file_handle file = weir::file_handle::open(path);
        block_reader(file.descriptor(), path).append_to(content, most + 1);
    }
    catch (const weir::error& failure) {
        throw usage_error(fmt::format("--{}: {}", option, failure.what()));
    }
    if (content.empty() || content.size() > most)
        throw usage_error(fmt::format("--{} '{}': allowed are files of 1 B to {}", option, path, weir::format_size(most)));
    return content;
}

std::uint64_t read_limit(std::string_view option, std::string_view text)
{
    return text == "none" ? weir::unlimited : read_size(option, text);
}

std::size_t choose(std::string_view option, std::string_view word, std::initializer_list<std::string_view> words)
{
    const auto found = std::find(words.begin(), words.end(), word);
    if (found == words.end())
        throw usage_error(fmt::format("--{} {}: allowed are {}", option, word, fmt::join(words, ", ")));
    return static_cast<std::size_t>(found - words.begin());
}

weir::ingest_options settings::ingest_options() const
{
    weir::ingest_options options = weir::ingest_options_of(configuration);
    options.chunker.seed = seed.value_or(0);
    options.chunker.secret = secret;
    options.hash = hash;
    options.file_digest = file_digest;
    options.direct = direct;
    options.tree.follow_links = follow_links;
    options.tree.one_file_system = one_file_system;
    for (const std::string& pattern : exclude)
        options.tree.exclude.emplace_back(pattern);
    return options;
}

setting_options::setting_options(command_line& line, const setting_choice& choice) : choice_(choice)
{
    add_chunking(line);
    add_hashing(line);
    add_performance(line);
    add_walking(line);
}

void setting_options::add_without_key(command_line& line, option added)
{
    added.apply = [this, name = added.name, apply = std::move(added.apply)](std::string_view text) {
        apply(text);
        without_keys_.push_back(fmt::format("--{}{}{}", name, text.empty() ? "" : "=", text));
    };
    line.add(std::move(added));
}

void setting_options::add_size(command_line& line, std::string name, std::string help, std::string key,
                               std::function<void(weir::configuration&, std::uint64_t)> set)
{
    line.add({name, "SIZE", std::move(help), [this, name, key, set](std::string_view text) {
                  const std::uint64_t bytes = read_size(name, text);
                  options_of_keys_[key] = "--" + name;
                  overrides_.push_back([set, bytes](settings& values) { set(values.configuration, bytes); });
              }});
}

void setting_options::add_chunking(command_line& line)
{
    line.begin_group("Chunking (sizes: K, KB and KiB are 1024; M, G and T alike)");
    line.add({"chunker", "NAME", "weir1 (default), fastcdc2020 or fixed", [this](std::string_view text) {
                  const auto chosen =
                      static_cast<weir::chunk_algorithm>(choose("chunker", text, {"weir1", "fastcdc2020", "fixed"}));
                  options_of_keys_["chunking.algorithm"] = "--chunker";
                  overrides_.push_back([=](settings& s) { s.configuration.chunking.algorithm = chosen; });
              }});
    add_size(line, "chunk-min", "shortest chunk (default: a quarter of the average)", "chunking.minimum",
             [](weir::configuration& c, std::uint64_t bytes) { c.chunking.minimum = bytes; });
    const std::string average = choice_.average == 0 ? "by file size" : weir::format_size(choice_.average);
    add_size(line, "chunk-avg", fmt::format("one average for all files (default: {})", average), "chunking.average",
             [](weir::configuration& c, std::uint64_t bytes) { c.chunking.average = bytes; });
    add_size(line, "chunk-max", "longest chunk (default: four times the average)", "chunking.maximum",
             [](weir::configuration& c, std::uint64_t bytes) { c.chunking.maximum = bytes; });
    line.add({"normalization", "0..3", "how narrowly sizes gather (default: 2; fastcdc2020: 1)",
              [this](std::string_view text) {
                  const auto level = static_cast<int>(choose("normalization", text, {"0", "1", "2", "3"}));
                  options_of_keys_["chunking.normalization"] = "--normalization";
                  overrides_.push_back([=](settings& s) { s.configuration.chunking.normalization = level; });
              }});
    add_without_key(line, {"seed", "N", "changes the cuts of fastcdc2020", [this](std::string_view text) {
                               const std::uint64_t seed =
                                   read_number("seed", text, 0, std::numeric_limits<std::uint64_t>::max());
                               overrides_.push_back([=](settings& s) { s.seed = seed; });
                           }});
    add_without_key(line, {"secret-file", "FILE", "changes the cuts of weir1 by the SHA-256 of FILE",
                           [this](std::string_view text) {
                               overrides_.push_back(
                                   [path = std::string(text)](settings& s) { s.secret = read_secret(path); });
                           }});
}

void setting_options::add_hashing(command_line& line)
{
    line.begin_group("Digests");
    add_without_key(line, {"hash", "NAME", "sha256 (default), sha512-256 or xxh3-128 (not cryptographic)",
                           [this](std::string_view text) {
                               const weir::hash_algorithm chosen = read_hash("hash", text);
                               overrides_.push_back([=](settings& s) { s.hash = chosen; });
                           }});
    if (!choice_.file_digest)
        return;
    add_without_key(line, {"file-digest", "NAME",
                           "also digest each file as a whole, shown with --json; write --file-digest=NAME",
                           [this](std::string_view text) {
                               digest_as_chunks_ = text.empty();
                               if (!digest_as_chunks_)
                                   overrides_.push_back([chosen = read_hash("file-digest", text)](settings& s) {
                                       s.file_digest = chosen;
                                   });
                           },
                           0, [](std::string_view text) { return weir::parse_hash_algorithm(text).has_value(); }});
}

void setting_options::add_performance(command_line& line)
{
    line.begin_group("Speed and memory");
    line.add(
        {"jobs", "N", "threads that cut and digest (default: the cores, at most 16)", [this](std::string_view text) {
             const std::uint64_t jobs = read_number("jobs", text, 0, 1024);
             overrides_.push_back([=](settings& s) { s.configuration.performance.max_worker_threads = jobs; });
         }});
    add_size(line, "memory", "limit of the pool of blocks (default: by the jobs)", "performance.max_memory_usage",
             [](weir::configuration& c, std::uint64_t bytes) { c.performance.max_memory_usage = bytes; });
    add_size(line, "block-size", "one block of the pool (default: 256 KiB)", "performance.buffer_size",
             [](weir::configuration& c, std::uint64_t bytes) { c.performance.buffer_size = bytes; });
    line.add({"backend", "NAME", "auto (default), uring, threads or mmap", [this](std::string_view text) {
                  const auto chosen =
                      static_cast<weir::backend>(choose("backend", text, {"auto", "uring", "threads", "mmap"}));
                  options_of_keys_["performance.backend"] = "--backend";
                  overrides_.push_back([=](settings& s) { s.configuration.performance.backend = chosen; });
              }});
    add_without_key(line, {"direct", "", "read past the page cache (O_DIRECT)", [this](std::string_view) {
                               overrides_.push_back([](settings& s) { s.direct = true; });
                           }});
    line.add({"config", "FILE", "read the configuration from FILE (TOML); there is no default file",
              [this](std::string_view text) { config_path_ = text; }});
}

void setting_options::add_walking(command_line& line)
{
    line.begin_group("Trees");
    add_without_key(line, {"follow-links", "", "follow symbolic links met in trees", [this](std::string_view) {
                               overrides_.push_back([](settings& s) { s.follow_links = true; });
                           }});
    add_without_key(line, {"one-file-system", "", "stay on the file system of each argument", [this](std::string_view) {
                               overrides_.push_back([](settings& s) { s.one_file_system = true; });
                           }});
    add_without_key(line, {"exclude", "GLOB", "leave out what matches, by name or path below the argument",
                           [this](std::string_view text) {
                               // A directory, as it is completed: it matches without the slash.
                               while (text.size() > 1 && text.ends_with('/'))
                                   text.remove_suffix(1);
                               check_glob(text);
                               overrides_.push_back(
                                   [glob = std::string(text)](settings& s) { s.exclude.push_back(glob); });
                           }});
}

settings setting_options::resolve() const
{
    settings values;
    if (config_path_)
        values.configuration = load(*config_path_);
    if (values.configuration.chunking.average == 0)
        values.configuration.chunking.average = choice_.average;
    for (const override& apply : overrides_)
        apply(values);
    if (digest_as_chunks_)
        values.file_digest = values.hash;
    check(values);
    return values;
}

void setting_options::check(const settings& values) const
{
    const weir::chunk_algorithm algorithm = values.configuration.chunking.algorithm;
    if (values.seed && algorithm != weir::chunk_algorithm::fastcdc2020)
        throw usage_error("--seed is for --chunker fastcdc2020 only");
    if (values.secret && algorithm != weir::chunk_algorithm::weir1)
        throw usage_error("--secret-file is for --chunker weir1 only");
    if (values.direct && values.configuration.performance.backend == weir::backend::mmap)
        throw usage_error(fmt::format("--direct does not go together with {}: a map is of the page cache",
                                      options_of_keys_.contains("performance.backend") ? "--backend mmap"
                                                                                       : "performance.backend = \"mmap\""));
    try {
        weir::check(values.configuration);
    }
    catch (const weir::error& failure) {
        const bool by_file_size = values.configuration.chunking.average == 0 && algorithm != weir::chunk_algorithm::fixed;
        throw usage_error(with_options_named(failure, by_file_size));
    }
}

std::string setting_options::with_options_named(const weir::error& failure, bool by_file_size) const
{
    // What the error says behind its cause: the values allowed.
    std::string why = failure.what();
    why.erase(0, std::string_view(weir::error(failure.code(), failure.operation(), failure.subject()).what()).size());
    why = fmt::format("{}: {}", failure.subject(), why.substr(2, why.size() - 3));
    if (options_of_keys_.contains(failure.subject())) { // what keys say by a value, an option says by not being there
        why.erase(std::min(why.size(), why.find(", or 0:")));
        for (const std::string_view value : {"allowed is 0:", "allowed is auto:"})
            replace_all(why, value, "leave it out:");
        if (by_file_size && (failure.subject() == "chunking.minimum" || failure.subject() == "chunking.maximum"))
            why += "; --chunk-avg sets one average for all files";
    }
    else if (config_path_) {
        why = fmt::format("{}: {}", *config_path_, why);
    }
    for (const auto& [key, option] : options_of_keys_)
        replace_all(why, key, option);
    return why;
}

void add_display_options(command_line& line, display_options& display, std::string quiet)
{
    line.begin_group("Output");
    line.add({"json", "", "JSON Lines instead of a report", [&](std::string_view) { display.json = true; }});
    line.add({"quiet", "", std::move(quiet), [&](std::string_view) { display.quiet = true; }});
    add_progress_option(line, display);
}

void add_progress_option(command_line& line, display_options& display)
{
    line.add({"progress", "WHEN", "auto (default: on a terminal), never or always", [&](std::string_view text) {
                  display.progress = static_cast<progress_mode>(choose("progress", text, {"auto", "never", "always"}));
              }});
}

} // namespace tool
