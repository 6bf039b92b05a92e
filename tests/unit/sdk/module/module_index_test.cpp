// SPDX-License-Identifier: MIT
// The index over a directory of sound and broken modules: each its own state and its own sentence;
// none stops the others; none runs before it is accepted.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include "backplane/log.h"
#include "backplane/module.h"
#include "backplane/testing/scratch_directory.h"
#include "fixture_modules.h"
#include "module/search_path.h"

namespace backplane {
namespace {

namespace fs = std::filesystem;

// The index is one a process: it is filled once, for all tests.
class Zoo {
 public:
  static Zoo& instance() {
    static Zoo zoo;
    return zoo;
  }

  fs::path first() const { return scratch_ / "first"; }
  fs::path second() const { return scratch_ / "second"; }
  const std::string& said() const { return said_; }

 private:
  Zoo() {
    fs::create_directory(first());
    fs::create_directory(second());
    fs::create_directory(scratch_ / "empty");
    fs::create_directory(scratch_ / "open");
    chmod((scratch_ / "open").c_str(), 0777);
    for (const auto& entry : fs::directory_iterator(BACKPLANE_FIXTURE_MODULES))
      if (entry.path().stem() != "namesake")
        fs::copy_file(entry.path(), first() / entry.path().filename());
    fs::copy_file(fixture_module("namesake"), second() / "namesake.so");
    fs::copy_file(fixture_module("good"), first() / "open.so");
    chmod((first() / "open.so").c_str(), 0666);
    std::ofstream(first() / "empty.so");
    std::ofstream(first() / "text.so") << "not a module\n";
    std::ofstream(first() / "notes.txt") << "passed over\n";
    std::ofstream(first() / "known-modules") << "# comment\n"
                                                "good package-good good-thing\n"
                                                "absent package-absent absent-thing other-thing\n"
                                                "broken-line\n";
    std::ofstream(first() / "truncated.so") << read_bytes(fixture_module("good")).substr(0, 4000);
    fs::create_symlink("nowhere", first() / "dangling.so");
    fs::create_symlink(second() / "namesake.so", first() / "link.so");
    fs::create_directory(first() / "directory.so");

    unsetenv("BACKPLANE_FIXTURE_RAN");
    const std::string list = "relative::" + second().string() + ":" + first().string();
    setenv("BACKPLANE_MODULE_PATH", list.c_str(), 1);
    ModuleIndex& index = ModuleIndex::instance();
    ::testing::internal::CaptureStderr();
    index.add_path(first());
    index.add_path(first().string() + "/");
    index.add_path(scratch_ / "absent");
    index.add_path(scratch_ / "empty");
    index.add_path(scratch_ / "open");
    index.add_path(first() / "notes.txt");
    index.add_path("");
    index.scan();
    index.scan();
    said_ = ::testing::internal::GetCapturedStderr();
  }

  testing::ScratchDirectory scratch_;
  std::string said_;
};

ModuleIndex& index() {
  Zoo::instance();
  return ModuleIndex::instance();
}

const ModuleRecord& record_of_file(const std::string& name) {
  for (const ModuleRecord& record : index().records())
    if (record.path.filename() == name) return record;
  throw Error::of("no record of {}", name);
}

std::string message_of_lookup(std::string_view type) {
  try {
    class_by_name(type);
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

TEST(ModulePath, IsSearchedInTheOrderGiven) {
  const std::vector<fs::path> path = index().search_path();
  ASSERT_GE(path.size(), 3U);
  EXPECT_EQ(path[0], Zoo::instance().first());
  EXPECT_EQ(path[1].filename(), "empty");
  EXPECT_EQ(path[2], Zoo::instance().second());
}

TEST(ModulePath, SaysOnceWhatItSkips) {
  index();
  const std::string& said = Zoo::instance().said();
  const auto line = [&](const char* what) {
    const std::size_t at = said.find(what);
    EXPECT_NE(at, std::string::npos) << what << " is not in:\n" << said;
    EXPECT_EQ(said.find(what, at + 1), std::string::npos) << what << " is twice in:\n" << said;
  };
  line("/absent: No such file or directory; skipped");
  line("/empty: there are no modules in it");
  line("/open: anyone may write to it (mode 0777), so it is not trusted; chmod o-w ");
  line("/notes.txt: not a directory; skipped");
  line("-module-path: the directory's name is empty; skipped");
  line("BACKPLANE_MODULE_PATH relative: not an absolute path; skipped");
}

struct Refusal {
  const char* file;
  const char* reason;
};

class RefusalTest : public ::testing::TestWithParam<Refusal> {};

TEST_P(RefusalTest, HasItsOwnSentence) {
  const ModuleRecord& record = record_of_file(GetParam().file);
  EXPECT_EQ(record.state, ModuleState::Refused);
  EXPECT_TRUE(record.reason.starts_with(GetParam().reason)) << record.reason;
  EXPECT_NE(record.reason.find("; "), std::string::npos) << "no cure: " << record.reason;
}

INSTANTIATE_TEST_SUITE_P(
    Files, RefusalTest,
    ::testing::Values(
        Refusal{"empty.so", "the file is empty; reinstall"},
        Refusal{"text.so", "this is no shared object, but some other kind of file; remove"},
        Refusal{"truncated.so", "truncated"},
        Refusal{"open.so", "anyone may write to it (mode 0666), so it is not trusted; chmod o-w"},
        Refusal{"no-module.so", "a shared object, but no Backplane module: it has no .modinfo"},
        Refusal{"other-major.so", "built for SDK 7.0, this program offers SDK 0."},
        Refusal{"newer-minor.so", "built for SDK 0.99, which is newer than this program's SDK 0."},
        Refusal{"odd-sdk.so", "damaged: its SDK version is 'one'; reinstall"},
        Refusal{"other-abi.so",
                "compiled for the C++ ABI 'visual', this program for 'itanium-linux-libstdc++'"},
        Refusal{"other-arch.so", "built for riscv64, this program runs on x86_64; install"},
        Refusal{"lost-library.so", "it needs the library libfixture-lost.so, which is not"},
        Refusal{"directory.so", "is not a regular file; "},
        Refusal{"link.so", "a symbolic link out of its directory, to "},
        Refusal{"dangling.so", "cannot be read: No such file or directory; "}),
    [](const auto& info) {
      std::string name = info.param.file;
      std::erase_if(name, [](char c) { return c == '-' || c == '.'; });
      return name;
    });

// Root may read everything, so the tests give that up for a moment.
class Unprivileged {
 public:
  Unprivileged() : before_(geteuid()) {
    if (before_ == 0) {
      EXPECT_EQ(seteuid(65534), 0);
    }
  }
  ~Unprivileged() { EXPECT_EQ(seteuid(before_), 0); }

 private:
  uid_t before_;
};

TEST(ModuleFile, ThatCannotBeReadIsTold) {
  const testing::ScratchDirectory scratch;
  chmod(scratch.path().c_str(), 0755);
  const fs::path path = scratch.write("secret.so", "x");
  chmod(path.c_str(), 0);
  const Unprivileged unprivileged;
  try {
    read_module_file(path);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.what(), path.string() + ": cannot be read: Permission denied");
    EXPECT_EQ(error.hint(), "chmod a+r " + path.string());
  }
}

TEST(ModuleIndex, RunsNoCodeBeforeItAccepts) {
  index();
  const char* ran = std::getenv("BACKPLANE_FIXTURE_RAN");
  EXPECT_EQ(ran, nullptr) << ran;
  for (const char* type : {"other-major-thing", "newer-minor-thing", "other-abi-thing",
                           "needs-absent-thing", "needs-refused-thing", "cycle-one-thing"})
    EXPECT_NE(message_of_lookup(type), "");
  ran = std::getenv("BACKPLANE_FIXTURE_RAN");
  EXPECT_TRUE(ran == nullptr || std::string_view(ran) == "liar" ||
              std::string_view(ran) == "unresolved")
      << ran;
}

TEST(ModuleIndex, ShadowsASecondProviderOfAType) {
  const ModuleRecord& twin = record_of_file("twin.so");
  EXPECT_EQ(twin.state, ModuleState::Shadowed);
  EXPECT_EQ(twin.reason, fmt::format("the type 'good-thing' is already provided by {}; remove one "
                                     "of the two",
                                     (Zoo::instance().first() / "good.so").string()));
  EXPECT_EQ(index().provider_of("good-thing")->path.filename(), "good.so");
}

TEST(ModuleIndex, ShadowsASecondModuleOfOneName) {
  const ModuleRecord& namesake = record_of_file("namesake.so");
  EXPECT_EQ(namesake.state, ModuleState::Shadowed);
  EXPECT_TRUE(namesake.reason.starts_with("the module 'good' is already provided by "));
  EXPECT_EQ(index().find("good")->path.filename(), "good.so");
  EXPECT_NE(message_of_lookup("namesake-thing").find("is already provided by"), std::string::npos);
}

TEST(ModuleIndex, PassesOverFilesOfOtherNames) { EXPECT_THROW(record_of_file("notes.txt"), Error); }

TEST(ModuleIndex, TellsAMissingRequirementAndItsPackage) {
  const ModuleRecord& record = record_of_file("needs-absent.so");
  EXPECT_EQ(record.state, ModuleState::Available);
  EXPECT_EQ(index().unavailable_reason(record),
            record.path.string() +
                ": it requires the module 'absent', which is not installed; install the package "
                "package-absent");
}

TEST(ModuleIndex, TellsARefusedRequirement) {
  const std::string reason = index().unavailable_reason(record_of_file("needs-refused.so"));
  EXPECT_NE(reason.find("needs-refused.so: it requires the module 'other-major': "),
            std::string::npos);
  EXPECT_NE(reason.find("other-major.so: built for SDK 7.0"), std::string::npos) << reason;
}

TEST(ModuleIndex, TellsARequirementOfAVersionThatDoesNotFit) {
  EXPECT_EQ(index().unavailable_reason(record_of_file("needs-good-as-is.so")), "");
  EXPECT_NE(
      index()
          .unavailable_reason(record_of_file("needs-newer-good.so"))
          .find("needs-newer-good.so: it was built with version 2.6 of 'good', which is newer "
                "than the installed version 2.5; update good"),
      std::string::npos);
  EXPECT_NE(index()
                .unavailable_reason(record_of_file("needs-good-of-before.so"))
                .find("needs-good-of-before.so: it was built with version 1.0 of 'good', installed "
                      "is version 2.5, and they do not fit; install a build for version 2.5"),
            std::string::npos);
}

TEST(ModuleIndex, TellsModulesThatRequireEachOther) {
  EXPECT_NE(index().unavailable_reason(record_of_file("cycle-one.so")).find("it requires itself"),
            std::string::npos);
}

TEST(ClassByName, LoadsTheModuleThatHasTheType) {
  index();
  const ObjectClass* k = class_by_name("good-thing");
  ASSERT_NE(k, nullptr);
  EXPECT_EQ(k->description, "It works: every time");
  EXPECT_TRUE(k->is_a("good-base"));
  EXPECT_EQ(index().find("good")->state, ModuleState::Loaded);
  EXPECT_EQ(file_of_address(k->type->file_anchor), "good.so");
  EXPECT_EQ(TypeRegistry::instance().create("good-thing")->type_name(), "good-thing");
}

TEST(ClassByName, LoadsWhatTheModuleRequiresFirst) {
  index();
  ASSERT_NE(class_by_name("needs-good-thing"), nullptr);
  EXPECT_EQ(index().find("good")->state, ModuleState::Loaded);
  EXPECT_EQ(index().find("needs-good")->state, ModuleState::Loaded);
}

TEST(ClassByName, OfATypeThatNobodyHasIsNull) {
  index();
  EXPECT_EQ(class_by_name("nosuch-thing"), nullptr);
}

struct Failure {
  const char* type;
  const char* file;
  const char* message;
};

class FailureTest : public ::testing::TestWithParam<Failure> {};

TEST_P(FailureTest, SaysTheSameAtEachAttempt) {
  index();
  const std::string first = message_of_lookup(GetParam().type);
  EXPECT_TRUE(first.starts_with((Zoo::instance().first() / GetParam().file).string() + ": " +
                                GetParam().message))
      << first;
  EXPECT_EQ(message_of_lookup(GetParam().type), first);
  EXPECT_EQ(record_of_file(GetParam().file).state, ModuleState::Refused);
  EXPECT_FALSE(TypeRegistry::instance().has(GetParam().type));
}

INSTANTIATE_TEST_SUITE_P(
    Modules, FailureTest,
    ::testing::Values(
        Failure{"liar-thing", "liar.so",
                "its metadata promises the type 'liar-thing', but it does not register it; "},
        Failure{"unresolved-thing", "unresolved.so",
                "cannot be loaded: undefined symbol: fixture_function_that_nobody_has; "},
        Failure{"lost-library-thing", "lost-library.so", "it needs the library "},
        Failure{"other-major-thing", "other-major.so", "built for SDK 7.0, "}),
    [](const auto& info) {
      std::string name = info.param.file;
      std::erase_if(name, [](char c) { return c == '-' || c == '.'; });
      return name;
    });

const ModuleIndex::TypeListing* find(const std::vector<ModuleIndex::TypeListing>& types,
                                     std::string_view name) {
  for (const auto& type : types)
    if (type.name == name) return &type;
  return nullptr;
}

TEST(ListTypes, LoadsNothing) {
  const auto types = index().list_types("good-base");
  ASSERT_EQ(types.size(), 3U);
  EXPECT_EQ(types[0].name, "good-base");
  EXPECT_TRUE(types[0].abstract);
  EXPECT_EQ(types[2].name, "good-thing");
  EXPECT_EQ(types[2].module->name, "good");
  EXPECT_EQ(types[2].description, "It works: every time");
}

TEST(ListTypes, InheritsBusAndCategory) {
  const auto types = index().list_types("good-base");
  EXPECT_EQ(types[2].bus, "good-bus");
  EXPECT_EQ(types[2].category, "Good");
  EXPECT_EQ(types[1].category, "Parts");
  EXPECT_TRUE(types[1].board_only);
}

TEST(ListTypes, SaysWhatIsUnavailableAndWhy) {
  const auto types = index().list_types("object");
  const auto* refused = find(types, "other-major-thing");
  ASSERT_NE(refused, nullptr);
  EXPECT_NE(refused->unavailable.find("built for SDK 7.0"), std::string::npos);
  const auto* available = find(types, "good-thing");
  ASSERT_NE(available, nullptr);
  EXPECT_EQ(available->unavailable, "");
}

TEST(ListTypes, IsTheSameAfterLoading) {
  index();
  class_by_name("good-thing");
  const auto types = index().list_types("good-base");
  ASSERT_EQ(types.size(), 3U);
  EXPECT_EQ(types[2].bus, "good-bus");
  EXPECT_EQ(types[2].module->name, "good");
}

TEST(KnownModules, NameThePackageOfWhatIsNotInstalled) {
  index();
  const KnownModule* known = known_provider_of("other-thing");
  ASSERT_NE(known, nullptr);
  EXPECT_EQ(known->module, "absent");
  EXPECT_EQ(known->package, "package-absent");
  EXPECT_EQ(known_provider_of("nosuch-thing"), nullptr);
}

TEST(InstalledDirectory, IsFoundBesideTheLibrary) {
  const fs::path library = fs::canonical(fs::path(BACKPLANE_LIBRARY_DIRECTORY));
  EXPECT_EQ(installed_module_directory(), library / "backplane");
}

}  // namespace
}  // namespace backplane
