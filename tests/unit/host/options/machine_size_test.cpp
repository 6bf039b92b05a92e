// SPDX-License-Identifier: MIT
#include "options/machine_size.h"

#include <gtest/gtest.h>

#include "command_line.h"

namespace backplane::host {
namespace {

struct Memory {
  const char* text;
  u64 bytes;
};
void PrintTo(const Memory& row, std::ostream* out) { *out << row.text; }

class MemorySize : public testing::TestWithParam<Memory> {};

TEST_P(MemorySize, IsReadInMebibytesOrByItsSuffix) {
  EXPECT_EQ(parse_memory(KeyValueList::parse(GetParam().text, "size")), GetParam().bytes);
}

INSTANTIATE_TEST_SUITE_P(Sizes, MemorySize,
                         testing::Values(Memory{"512", 512_MiB}, Memory{"512M", 512_MiB},
                                         Memory{"512m", 512_MiB}, Memory{"1G", 1_GiB},
                                         Memory{"size=1.5G", 1_GiB + 512_MiB},
                                         Memory{"0x10", 16_MiB}, Memory{"1.5", 1_MiB + 512_KiB},
                                         Memory{"1024K", 1_MiB}, Memory{"1T", 1024_GiB},
                                         Memory{"4096b", 4_KiB}, Memory{"5000B", 8_KiB}));

class BadMemorySize : public testing::TestWithParam<const char*> {};

TEST_P(BadMemorySize, IsRefused) {
  EXPECT_THROW(parse_memory(KeyValueList::parse(GetParam(), "size")), Error);
}

INSTANTIATE_TEST_SUITE_P(Sizes, BadMemorySize,
                         testing::Values("", "abc", "0", "-1", "512X", "512MB", "1e3", "inf", "nan",
                                         "0x1K", "1.", "999999T", "size=", "slots=2", "512,slots=2",
                                         "1 G", "0.0000001K"));

CpuTopology smp(const char* text) { return parse_smp(KeyValueList::parse(text, "cpus"), 8, "pc"); }

struct Cpus {
  const char* text;
  CpuTopology topology;
};
void PrintTo(const Cpus& row, std::ostream* out) { *out << row.text; }

class Smp : public testing::TestWithParam<Cpus> {};

TEST_P(Smp, GivesSocketsDiesCoresAndThreads) {
  EXPECT_EQ(smp(GetParam().text), GetParam().topology);
}

INSTANTIATE_TEST_SUITE_P(
    Topologies, Smp,
    testing::Values(Cpus{"1", {}}, Cpus{"8", {.cores = 8}}, Cpus{"cpus=4", {.cores = 4}},
                    Cpus{"4,sockets=1,cores=4,threads=1", {.cores = 4}},
                    Cpus{"4,cores=2", {.sockets = 2, .cores = 2}},
                    Cpus{"4,sockets=2", {.sockets = 2, .cores = 2}},
                    Cpus{"8,threads=2", {.cores = 4, .threads = 2}},
                    Cpus{"8,sockets=2,threads=2", {.sockets = 2, .cores = 2, .threads = 2}},
                    Cpus{"8,sockets=2,cores=2", {.sockets = 2, .cores = 2, .threads = 2}},
                    Cpus{"8,dies=2", {.dies = 2, .cores = 4}},
                    Cpus{"sockets=2,cores=3", {.sockets = 2, .cores = 3}},
                    Cpus{"threads=2", {.threads = 2}}, Cpus{"4,maxcpus=4", {.cores = 4}},
                    Cpus{"maxcpus=4,threads=2", {.cores = 2, .threads = 2}},
                    Cpus{"sockets=1,dies=2,clusters=1,cores=2,threads=2",
                         {.dies = 2, .cores = 2, .threads = 2}}));

struct BadCpus {
  const char* text;
  const char* message;
};
void PrintTo(const BadCpus& row, std::ostream* out) { *out << row.text; }

class BadSmp : public testing::TestWithParam<BadCpus> {};

TEST_P(BadSmp, IsRefusedWithTheReason) {
  EXPECT_EQ(message_of([] { smp(GetParam().text); }), GetParam().message);
}

INSTANTIATE_TEST_SUITE_P(
    Topologies, BadSmp,
    testing::Values(
        BadCpus{"0", "cpus='0': expects a number from 1 to 65535"},
        BadCpus{"-1", "cpus='-1': expects a number from 1 to 65535"},
        BadCpus{"abc", "cpus='abc': expects a number from 1 to 65535"},
        BadCpus{"999", "999 CPUs: machine pc has at most 8"},
        BadCpus{"65535,sockets=65535,cores=65535",
                "sockets=65535, cores=65535 do not multiply to 65535 CPUs"},
        BadCpus{"4,cores=3", "cores=3 do not multiply to 4 CPUs"},
        BadCpus{"4,sockets=1,cores=2,threads=1",
                "sockets=1, cores=2, threads=1 do not multiply to 4 CPUs"},
        BadCpus{"2,maxcpus=4", "maxcpus=4 differs from cpus=2: CPUs cannot be added while it runs"},
        BadCpus{"2,clusters=2", "clusters=2: there are no clusters between dies and cores"},
        BadCpus{"cores=3,threads=3", "9 CPUs: machine pc has at most 8"},
        BadCpus{"cores=2,maxcpus=3", "cores=2 do not multiply to 3 CPUs"},
        BadCpus{"0,cores=2", "cpus='0': expects a number from 1 to 65535"},
        BadCpus{"2,chips=1",
                "'chips' is unknown; there are: clusters, cores, cpus, dies, maxcpus, sockets, "
                "threads"}));

}  // namespace
}  // namespace backplane::host
