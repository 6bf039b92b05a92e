// SPDX-License-Identifier: MIT
#include "layouts.h"

namespace backplane::vnc {

namespace {

// Behind the keys of the third row comes the one that is left of 1.
constexpr KeyRun kEnUs[] = {
    {2, "1234567890-=", "!@#$%^&*()_+", ""},
    {16, "qwertyuiop[]", "QWERTYUIOP{}", ""},
    {30, "asdfghjkl;'`", "ASDFGHJKL:\"~", ""},
    {43, "\\zxcvbnm,./", "|ZXCVBNM<>?", ""},
    {57, " ", " ", ""},
};
constexpr KeyRun kEnGb[] = {
    {2, "1234567890-=", "!\"\243$%^&*()_+", "   \244"},
    {16, "qwertyuiop[]", "QWERTYUIOP{}", ""},
    {30, "asdfghjkl;'`", "ASDFGHJKL:@\254", ""},
    {43, "#zxcvbnm,./", "~ZXCVBNM<>?", ""},
    {57, " ", " ", ""},
    {86, "\\", "|", ""},
};
constexpr KeyRun kDe[] = {
    {2, "1234567890\337\264", "!\"\247$%&/()=?`", " \262\263   {[]}\\ "},
    {16, "qwertzuiop\374+", "QWERTZUIOP\334*", "@ \244        ~"},
    {30, "asdfghjkl\366\344^", "ASDFGHJKL\326\304\260", ""},
    {43, "#yxcvbnm,.-", "'YXCVBNM;:_", "       \265   "},
    {57, " ", " ", ""},
    {86, "<", ">", "|"},
};
constexpr KeyRun kFr[] = {
    {2, "&\351\"'(-\350_\347\340)=", "1234567890\260+", " ~#{[|`\\^@]}"},
    {16, "azertyuiop^$", "AZERTYUIOP\250\243", "  \244"},
    {30, "qsdfghjklm\371\262", "QSDFGHJKLM% ", ""},
    {43, "*wxcvbn,;:!", "\265WXCVBN?./\247", ""},
    {57, " ", " ", ""},
    {86, "<", ">", ""},
};
constexpr KeyRun kEs[] = {
    {2, "1234567890'\241", "!\"\267$%&/()=?\277", "|@#~ \254      "},
    {16, "qwertyuiop`+", "QWERTYUIOP^*", "  \244       []"},
    {30, "asdfghjkl\361\264\272", "ASDFGHJKL\321\250\252", "          {\\"},
    {43, "\347zxcvbnm,.-", "\307ZXCVBNM;:_", "}          "},
    {57, " ", " ", ""},
    {86, "<", ">", ""},
};

}  // namespace

std::span<const KeyRun> keys_of(Layout layout) {
  switch (layout) {
    case Layout::EnUs:
      return kEnUs;
    case Layout::EnGb:
      return kEnGb;
    case Layout::De:
      return kDe;
    case Layout::Fr:
      return kFr;
    case Layout::Es:
      return kEs;
  }
  return kEnUs;
}

}  // namespace backplane::vnc
