// SPDX-License-Identifier: MIT
// Text as the source of a manual page [man(7)].
#pragma once

#include <string>
#include <string_view>

namespace backplane::manual {

// Text as it is to appear: what troff would understand is escaped.
std::string escaped(std::string_view text);

// The same for an option and what it takes: dashes that can be copied, and a line may end after
// what separates its parts.
std::string escaped_usage(std::string_view text);

// The first line of a page: its name in section 1, and the version.
std::string page_title(std::string_view name, std::string_view version);

std::string section(std::string_view title);
std::string subsection(std::string_view title);
// Of text with lines that may be filled.
std::string paragraph(std::string_view text);
// What is said of a term, below it. The term is roff already.
std::string definition(std::string_view term, std::string_view text);

}  // namespace backplane::manual
