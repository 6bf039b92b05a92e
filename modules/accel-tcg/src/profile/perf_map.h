// SPDX-License-Identifier: MIT
// /tmp/perf-PID.map, by which `perf report` names code that is in no file.
// [Linux tools/perf/Documentation/jit-interface.txt]
#pragma once

#include <cstdio>
#include <memory>

#include "profile/code_listener.h"

namespace backplane::tcg {

class PerfMap final : public CodeListener {
 public:
  // Throws Error if the file cannot be made: one that is there already is left alone.
  PerfMap();
  void code_made(std::span<const u8> code, const std::string& name) override;

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::unique_ptr<std::FILE, Close> file_;
};

}  // namespace backplane::tcg
