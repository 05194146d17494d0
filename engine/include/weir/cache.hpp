#pragma once
// A bounded cache: what was used least recently goes first.
//
// Keys are dealt to shards, each with a lock, a hash table and a list of its entries in the order of their
// last use, which runs through the table's own nodes:
//
//   newest <-> ... <-> oldest        a hit moves its entry to the front; the last ones go when room is needed

#include <weir/detail/periodic_task.hpp>

#include <boost/container/small_vector.hpp>

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>

namespace weir {

struct cache_options {
    std::size_t max_count = 10'000;                                      ///< entries; 0: nothing is kept
    std::size_t max_bytes = std::numeric_limits<std::size_t>::max();     ///< as told with each entry; the most there is: no limit
    std::chrono::milliseconds time_to_live{0};                           ///< since the entry was put; 0: no end
};

struct cache_statistics {
    std::size_t count = 0;
    std::size_t bytes = 0;
    std::uint64_t hits = 0;
    std::uint64_t misses = 0;
    std::uint64_t evictions = 0;    ///< for lack of room
    std::uint64_t expirations = 0;  ///< for age
};

/// Maps keys to copies of values, within limits, forgetting what was least recently used.
///
/// The limits hold for the whole; a large cache deals them evenly to up to 16 shards, so it may forget an
/// entry while others are not full. Below 1,024 entries there is one shard and the order is exact.
/// With a time to live, old entries are not found any more, and a sleeping thread removes them.
/// \par Thread-safety
/// All functions but construction and destruction: any threads.
/// \par Cost
/// A lock, a look-up and a copy of the value: under 100 ns for small ones. Large values go in a `shared_ptr`.
template <class Key, class Value, class Hash = std::hash<Key>, class Clock = std::chrono::steady_clock>
class cache {
public:
    explicit cache(const cache_options& options = {})
        : options_(options), shard_count_(number_of_shards(options)),
          shards_(std::make_unique<shard[]>(shard_count_))
    {
        using std::chrono::milliseconds;
        if (options_.time_to_live.count() > 0)
            sweeper_ = std::make_unique<detail::periodic_task>(
                std::clamp(options_.time_to_live / 2, milliseconds(5), milliseconds(60'000)), [this] { expire(); });
    }
    cache(const cache&) = delete;
    cache& operator=(const cache&) = delete;
    ~cache() = default;

    /// A copy of the value, which becomes the most recently used; nothing if there is none, or an old one.
    [[nodiscard]] std::optional<Value> find(const Key& key)
    {
        shard& home = shard_of(key);
        std::lock_guard lock(home.mutex);
        const auto found = home.entries.find(key);
        if (found == home.entries.end() || is_old(found->second)) {
            ++home.numbers.misses;
            return std::nullopt;
        }
        ++home.numbers.hits;
        home.unlink(*found);
        home.link_front(*found);
        return found->second.value;
    }

    /// Puts a value in place of the one there may be. What is larger than a shard may hold is not kept.
    /// \param bytes  what it counts against `max_bytes`
    void put(Key key, Value value, std::size_t bytes = sizeof(Key) + sizeof(Value))
    {
        shard& home = shard_of(key);
        removed gone; // what has a destructor of its own goes without the lock
        std::lock_guard lock(home.mutex);
        if (const auto old = home.entries.find(key); old != home.entries.end())
            gone.push_back(home.remove(old));
        const std::size_t byte_limit = options_.max_bytes / shard_count_;
        const std::size_t count_limit = options_.max_count / shard_count_;
        if (bytes > byte_limit || count_limit == 0)
            return;
        while (home.entries.size() >= count_limit || home.numbers.bytes > byte_limit - bytes) {
            gone.push_back(home.remove(home.entries.find(home.oldest->first)));
            ++home.numbers.evictions;
        }
        const auto added = home.entries.try_emplace(std::move(key), std::move(value), bytes, end_of_life()).first;
        home.numbers.bytes += bytes;
        home.link_front(*added);
    }

    /// Forgets one entry.
    /// \returns  whether it was there
    bool erase(const Key& key)
    {
        shard& home = shard_of(key);
        typename table::node_type gone;
        std::lock_guard lock(home.mutex);
        const auto found = home.entries.find(key);
        if (found == home.entries.end())
            return false;
        gone = home.remove(found);
        return true;
    }

    /// Forgets everything.
    void clear()
    {
        for (std::size_t i = 0; i < shard_count_; ++i) {
            shard& each = shards_[i];
            table gone;
            std::lock_guard lock(each.mutex);
            gone.swap(each.entries);
            each.newest = each.oldest = nullptr;
            each.numbers.bytes = 0;
        }
    }

    /// Removes what is too old; otherwise that happens in the background.
    void expire()
    {
        for (std::size_t i = 0; i < shard_count_; ++i) {
            shard& each = shards_[i];
            removed gone;
            std::lock_guard lock(each.mutex);
            for (auto next = each.entries.begin(); next != each.entries.end();) {
                const auto current = next++;
                if (!is_old(current->second))
                    continue;
                gone.push_back(each.remove(current));
                ++each.numbers.expirations;
            }
        }
    }

    [[nodiscard]] cache_statistics statistics() const
    {
        cache_statistics sum;
        for (std::size_t i = 0; i < shard_count_; ++i) {
            std::lock_guard lock(shards_[i].mutex);
            sum.count += shards_[i].entries.size();
            sum.bytes += shards_[i].numbers.bytes;
            sum.hits += shards_[i].numbers.hits;
            sum.misses += shards_[i].numbers.misses;
            sum.evictions += shards_[i].numbers.evictions;
            sum.expirations += shards_[i].numbers.expirations;
        }
        return sum;
    }

private:
    using time_point = typename Clock::time_point;
    struct entry;
    using node = std::pair<const Key, entry>;

    struct entry {
        entry(Value kept, std::size_t size, time_point until) : value(std::move(kept)), bytes(size), end(until) {}
        Value value;
        std::size_t bytes;
        time_point end;
        node* newer = nullptr;
        node* older = nullptr;
    };

    using table = std::unordered_map<Key, entry, Hash>;
    using removed = boost::container::small_vector<typename table::node_type, 1>;

    struct alignas(64) shard {
        mutable std::mutex mutex;
        table entries;
        node* newest = nullptr;
        node* oldest = nullptr;
        cache_statistics numbers; // `count` is the table's

        void link_front(node& added) noexcept
        {
            added.second.newer = nullptr;
            added.second.older = newest;
            (newest ? newest->second.newer : oldest) = &added;
            newest = &added;
        }

        void unlink(node& gone) noexcept
        {
            (gone.second.newer ? gone.second.newer->second.older : newest) = gone.second.older;
            (gone.second.older ? gone.second.older->second.newer : oldest) = gone.second.newer;
        }

        [[nodiscard]] typename table::node_type remove(typename table::iterator gone)
        {
            unlink(*gone);
            numbers.bytes -= gone->second.bytes;
            return entries.extract(gone);
        }
    };

    static std::size_t number_of_shards(const cache_options& options)
    {
        return std::bit_floor(std::clamp<std::size_t>(options.max_count / 1024, 1, 16));
    }

    shard& shard_of(const Key& key)
    {
        // Hashes of integers are often the integers: the multiplication brings their bits to the top.
        const std::uint64_t mixed = static_cast<std::uint64_t>(Hash()(key)) * 0x9e3779b97f4a7c15u;
        return shards_[(mixed >> 32) & (shard_count_ - 1)];
    }

    [[nodiscard]] bool ages() const noexcept { return options_.time_to_live.count() > 0; }
    [[nodiscard]] bool is_old(const entry& one) const { return ages() && Clock::now() >= one.end; }
    [[nodiscard]] time_point end_of_life() const
    {
        constexpr std::chrono::hours longest(24 * 365 * 10); // no clock wraps
        return ages() ? Clock::now() + std::min<std::chrono::milliseconds>(options_.time_to_live, longest) : time_point::max();
    }

    const cache_options options_;
    const std::size_t shard_count_; // a power of two
    std::unique_ptr<shard[]> shards_;
    std::unique_ptr<detail::periodic_task> sweeper_; // last: stopped before the shards go
};

} // namespace weir
