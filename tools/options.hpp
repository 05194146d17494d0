#pragma once
// The options that subcommands share, and what they come to together with the configuration file.

#include "command_line.hpp"

#include <weir/configuration.hpp>
#include <weir/engine.hpp>
#include <weir/error.hpp>
#include <weir/ingest.hpp>

#include <array>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tool {

/// What the command line says over the configuration file over the defaults.
struct settings {
    weir::configuration configuration;
    weir::hash_algorithm hash = weir::hash_algorithm::sha256;
    std::optional<weir::hash_algorithm> file_digest;
    std::optional<std::uint64_t> seed;
    std::optional<std::array<std::byte, 32>> secret;
    bool direct = false;
    bool follow_links = false;
    bool one_file_system = false;
    std::vector<std::string> exclude;

    [[nodiscard]] weir::ingest_options ingest_options() const;
};

/// What a subcommand has of the settings.
struct setting_choice {
    std::uint64_t average = 0; ///< of chunks, where neither file nor command line has one; 0: by the size of each file
    bool file_digest = true;   ///< whether it shows one
};

/// Chunking, hashing, reading and `--config`: the options whose outcome is `settings`.
class setting_options {
public:
    /// Adds the options to `line`, which refers to this object from then on.
    explicit setting_options(command_line& line, const setting_choice& choice = {});
    setting_options(const setting_options&) = delete;
    setting_options& operator=(const setting_options&) = delete;

    /// \throws usage_error  for values that do not fit, and for the configuration file
    [[nodiscard]] settings resolve() const;

    /// The options of the command line that no key of the configuration stands for, as typed.
    [[nodiscard]] const std::vector<std::string>& without_keys() const noexcept { return without_keys_; }

private:
    using override = std::function<void(settings&)>;

    void add_chunking(command_line& line);
    void add_hashing(command_line& line);
    void add_performance(command_line& line);
    void add_walking(command_line& line);
    void add_size(command_line& line, std::string name, std::string help, std::string key,
                  std::function<void(weir::configuration&, std::uint64_t)> set);
    void add_without_key(command_line& line, option added);
    void check(const settings& values) const;
    [[nodiscard]] std::string with_options_named(const weir::error& failure, bool by_file_size) const;

    const setting_choice choice_;
    std::optional<std::string> config_path_;
    bool digest_as_chunks_ = false;                      // --file-digest without a name
    std::vector<override> overrides_;                    // in the order of the command line
    std::map<std::string, std::string> options_of_keys_; // configuration keys that the command line has set
    std::vector<std::string> without_keys_;
};

enum class progress_mode { automatic, never, always };

/// How results and progress are shown.
struct display_options {
    bool json = false;
    bool quiet = false;
    progress_mode progress = progress_mode::automatic;
};

/// \param quiet  what help says of --quiet
void add_display_options(command_line& line, display_options& display, std::string quiet);
void add_progress_option(command_line& line, display_options& display);

/// Says so on standard error if a digest is not cryptographic.
void warn_of_weak_digests(const settings& values);

// Values of options. They throw usage_error, which names the option and what is allowed.

[[nodiscard]] std::uint64_t read_number(std::string_view option, std::string_view text, std::uint64_t least,
                                        std::uint64_t most);
/// A number of bytes above 0, as `weir::parse_size` reads it.
[[nodiscard]] std::uint64_t read_size(std::string_view option, std::string_view text);
/// As `read_size`, or `none`: `weir::unlimited`.
[[nodiscard]] std::uint64_t read_limit(std::string_view option, std::string_view text);
/// All of a file that an option names and that should be small, as it may be a device by mistake.
/// \throws usage_error  it cannot be read, is empty, or is larger than `most`
[[nodiscard]] std::vector<std::byte> read_small_file(std::string_view option, const std::string& path, std::size_t most);
/// The word's place in `words`.
[[nodiscard]] std::size_t choose(std::string_view option, std::string_view word,
                                 std::initializer_list<std::string_view> words);

} // namespace tool
