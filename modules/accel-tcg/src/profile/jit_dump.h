// SPDX-License-Identifier: MIT
// jit-PID.dump in the working directory: the code itself, and when it was made, from which
// `perf inject --jit` makes files that `perf report` and `perf annotate` read.
// [Linux tools/perf/Documentation/jitdump-specification.txt, version 1]
#pragma once

#include <cstdio>
#include <memory>

#include "profile/code_listener.h"

namespace backplane::tcg {

class JitDump final : public CodeListener {
 public:
  // Throws Error if the file cannot be made: one that is there already is left alone.
  JitDump();
  ~JitDump() override;
  void code_made(std::span<const u8> code, const std::string& name) override;

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::unique_ptr<std::FILE, Close> file_;
  void* marker_ = nullptr;  // a page of the file, mapped as code: by it perf knows of the file
  u64 pieces_ = 0;
};

}  // namespace backplane::tcg
