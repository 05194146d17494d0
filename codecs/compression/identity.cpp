#include "compression/context.hpp"

#include <algorithm>

namespace weir::codecs {
namespace {

class identity final : public context {
public:
    using context::context;

    void start() override {}
    bool run(std::span<const std::byte>& input, std::span<std::byte>& output, bool last) override
    {
        const std::size_t count = std::min(input.size(), output.size());
        std::copy_n(input.data(), count, output.data());
        input = input.subspan(count);
        output = output.subspan(count);
        return last && input.empty();
    }
};

void check(const encoder_settings& settings)
{
    if (settings.level.is_number())
        refuse_setting(codec::identity, "level", "it has no numbers");
    refuse_window(codec::identity, settings);
    refuse_threads(codec::identity, settings);
    refuse_dictionary(codec::identity, settings.dictionary);
}

std::unique_ptr<context> make_encoder(const encoder_settings& settings, std::pmr::memory_resource& from)
{
    check(settings);
    return std::make_unique<identity>(from);
}

std::unique_ptr<context> make_decoder(const decoder_settings& settings, std::pmr::memory_resource& from)
{
    refuse_dictionary(codec::identity, settings.dictionary);
    return std::make_unique<identity>(from);
}

} // namespace

const implementation identity_implementation = {
    .version = [] { return std::string("a copy"); },
    .make_encoder = make_encoder,
    .make_decoder = make_decoder,
    .encoder_memory = [](const encoder_settings& settings) { return check(settings), std::size_t{0}; },
    .decoder_memory = [](const decoder_settings&) { return std::size_t{0}; },
    .bound = [](std::size_t size, const encoder_settings& settings) { return check(settings), size; },
};

} // namespace weir::codecs
