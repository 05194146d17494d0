#pragma once
// A directory of its own for a test case; it goes with everything in it.

#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

namespace test {

class temp_dir {
public:
    temp_dir() : path_((std::filesystem::temp_directory_path() / "weir-test-XXXXXX").string())
    {
        if (!::mkdtemp(path_.data()))
            throw std::runtime_error("no temporary directory");
    }
    temp_dir(const temp_dir&) = delete;
    temp_dir& operator=(const temp_dir&) = delete;
    ~temp_dir()
    {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }

    [[nodiscard]] const std::string& path() const noexcept { return path_; }
    [[nodiscard]] std::string operator/(std::string_view name) const { return path_ + "/" + std::string(name); }

    /// Writes a file, its directories too; gives its path.
    std::string write(std::string_view name, std::string_view content) const
    {
        const std::filesystem::path path = *this / name;
        std::filesystem::create_directories(path.parent_path());
        std::ofstream(path, std::ios::binary).write(content.data(), static_cast<std::streamsize>(content.size()));
        return path.string();
    }
    std::string write(std::string_view name, std::span<const std::byte> content) const
    {
        return write(name, std::string_view(reinterpret_cast<const char*>(content.data()), content.size()));
    }

private:
    std::string path_;
};

} // namespace test
