#include <weir/testing/script.hpp>

#include "script_data.hpp"

namespace weir::testing {
namespace {

using namespace detail;

constexpr std::uint64_t largest_size = std::numeric_limits<std::int64_t>::max();

} // namespace

void detail::refuse(const script_data& script, std::string_view why)
{
    throw script_error(errc::bad_configuration, script.name, script.line, why);
}

script_error::script_error(errc code, std::string_view script, std::uint64_t line, std::string_view why)
    : weir::error(code, "read", std::string(script) + (line != 0 ? ":" + std::to_string(line) : std::string()),
                  std::nullopt, why),
      line_(line)
{}

script::script() : data_(std::make_unique<script_data>()) {}
script::script(script&&) noexcept = default;
script& script::operator=(script&&) noexcept = default;
script::~script() = default;

script& script::listen(std::string_view address)
{
    data_->address = address;
    return *this;
}

script& script::tls(std::string_view certificate_file, std::string_view key_file)
{
    data_->tls = tls_files{std::string(certificate_file), std::string(key_file)};
    return *this;
}

script& script::object(std::string_view name, std::uint64_t size, std::uint64_t seed)
{
    if (size > largest_size)
        refuse(*data_, "an object ends at 2^63-1");
    if (!data_->objects.emplace(name, std::make_shared<const detail::object>(size, seed)).second)
        refuse(*data_, "there is an object '" + std::string(name) + "' already");
    return *this;
}

script& script::object(std::string_view name, std::string_view content)
{
    if (!data_->objects.emplace(name, std::make_shared<const detail::object>(content)).second)
        refuse(*data_, "there is an object '" + std::string(name) + "' already");
    return *this;
}

rule script::on(std::string_view pattern) { return on({}, pattern); }

rule script::on(std::string_view method, std::string_view pattern)
{
    rule_data& added = *data_->rules.emplace_back(std::make_unique<rule_data>());
    added.line = data_->line;
    added.method = method;
    added.pattern = pattern;
    return {*data_, added};
}

rule script::accept()
{
    rule_data& added = *data_->rules.emplace_back(std::make_unique<rule_data>());
    added.line = data_->line;
    added.at_accept = true;
    return {*data_, added};
}

} // namespace weir::testing
