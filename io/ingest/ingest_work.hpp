#pragma once
// What the lanes of one ingest share.

#include "known_files.hpp"
#include "report.hpp"
#include "shared_archive.hpp"

#include "flow/flow_ledger.hpp"

#include <weir/codec.hpp>
#include <weir/file_source.hpp>
#include <weir/ingest.hpp>
#include <weir/open_archive.hpp>
#include <weir/tree_walker.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace weir::detail {

/// The walk, the way to the sink, and the sums.
class ingest_work final : public metered {
public:
    ingest_work(engine& on, ingest_options how, std::size_t lanes);
    ~ingest_work() { ledger_->leave(*this); }

    /// Of the batches; streams have numbers of their own.
    [[nodiscard]] flow_statistics meter() const noexcept override;

    /// Appends the next entries, or none yet; false when there are none left. Blocks on the file system, and on the
    /// supplier.
    /// \param most_urls  of them
    bool next_entries(std::vector<tree_entry>& out, std::size_t most_urls);
    /// How a file is read that has a stream of its own.
    [[nodiscard]] file_source_options file_options() const;
    /// Whether entries of the file are read if it is an archive.
    [[nodiscard]] bool reads_archives(const tree_entry& entry) const noexcept;
    /// As `weir::judge_archive`, of a URL by its path.
    [[nodiscard]] archive_verdict judge_archive(std::string_view name, std::span<const std::byte> start, bool is_whole) const;
    /// Whether entries are read of what is met as a stream.
    [[nodiscard]] bool reads_archives_of_streams() const noexcept { return options.archives == archive_choice::all; }
    [[nodiscard]] bool reads_archives_of_urls() const noexcept { return options.archives != archive_choice::none; }
    /// Whether what begins so is decoded.
    [[nodiscard]] bool is_coded(std::span<const std::byte> start) const;
    /// By which codec, where that is known.
    /// \pre it is decoded
    [[nodiscard]] std::optional<codec> codec_of(std::span<const std::byte> start) const;
    void add_stages(const stage_snapshot& more);
    [[nodiscard]] stage_snapshot stages() const;

    engine& owner;
    const ingest_options options;
    /// Of a large file, where its back end reads ahead; less where the pool is small.
    std::size_t read_ahead_blocks = file_source_options().read_ahead_blocks;
    report_channel reports;
    path_supplier paths;
    std::atomic<bool> cancelled{false}; ///< looked at between steps that do not suspend
    std::atomic<std::uint64_t> skipped{0};
    known_files known;
    archive_desk archives;
    stage_clock batches; ///< of the files that were read in batches

private:
    bool next_arguments(std::vector<tree_entry>& out, std::size_t most);

    std::shared_ptr<flow_ledger> ledger_;
    std::mutex walk_mutex_; ///< apart from the other, because a walk may block
    tree_walker walk_;
    std::vector<std::string> arguments_; ///< the next ones
    mutable std::mutex stages_mutex_;
    stage_snapshot streams_{};
};

} // namespace weir::detail
