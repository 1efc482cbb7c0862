//===- SourceTest.cpp - A text, and those it imports ----------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a source imports is found before the compiler sees it: each text once, circles and what is missing told.
//
//===----------------------------------------------------------------------===//

#include "compiler/Source.h"
#include <gtest/gtest.h>
#include <map>

using namespace imbrex;

namespace {

struct Texts {
  std::map<std::string, std::string> texts;
  unsigned asked = 0;

  Source read(const std::string &name) {
    return withImports({name, texts[name]}, [this](const Source &importer, std::string_view word) -> FoundText {
      ++asked;
      auto it = texts.find(besideFile(importer.name, word));
      return it == texts.end() ? FoundText{{}, "nowhere"} : FoundText{Source{it->first, it->second}};
    });
  }
};

} // namespace

TEST(Source, ImportsStandAtTheHead) {
  Texts texts;
  texts.texts = {
      {"a", "\xEF\xBB\xBF// import \"x\";\nimport\t\"b\" ; import // why\n\"c\";\nfn f() = 1; import \"d\";"}};
  Source source = texts.read("a");
  ASSERT_EQ(source.imports.size(), 2u);
  EXPECT_EQ(source.imports[0].word, "b");
  EXPECT_EQ(source.imports[1].word, "c");
  EXPECT_EQ(source.imports[1].why, "nowhere");
  for (const char *text : {"import", "import \"", "import \"b", "import \"b\nc\";", "import b;", "//", ""}) {
    texts.texts["a"] = text;
    texts.read("a"); // does not hang, whatever the text
  }
}

// A diamond's lower end is one text, and is read once; its name is relative to the file that imports it.
TEST(Source, EachTextIsReadOnce) {
  Texts texts;
  texts.texts = {
      {"k/a", "import \"b\"; import \"c\";"}, {"k/b", "import \"../d\";"}, {"k/c", "import \"../d\";"}, {"d", "x"}};
  Source source = texts.read("k/a");
  ASSERT_EQ(source.imports.size(), 2u);
  const Source &b = *source.imports[0].source, &c = *source.imports[1].source;
  EXPECT_EQ(b.imports[0].source, c.imports[0].source);
  EXPECT_EQ(b.imports[0].source->text, "x");
  EXPECT_EQ(textsOf(source).size(), 4u);
}

TEST(Source, CirclesAndMany) {
  Texts texts;
  texts.texts = {{"a", "import \"b\";"}, {"b", "import \"c\";"}, {"c", "import \"b\";"}};
  Source source = texts.read("a");
  EXPECT_EQ(source.imports[0].source->imports[0].source->imports[0].why, "it leads in a circle: b imports c imports b");
  for (unsigned i = 0; i < 100; ++i)
    texts.texts["n" + std::to_string(i)] = "import \"n" + std::to_string(i + 1) + "\";";
  EXPECT_EQ(textsOf(texts.read("n0")).size(), kMaxImports + 1);
  EXPECT_EQ(withImports({"a", "import \"b\";"}, {}).imports[0].source, nullptr) << "nobody to ask";
}

TEST(Source, BesideAFile) {
  EXPECT_EQ(besideFile("kernels/lessons/a.tile", "../b.tile"), "kernels/b.tile");
  EXPECT_EQ(besideFile("a.tile", "b.tile"), "b.tile");
  EXPECT_EQ(besideFile("-", "x/./b.tile"), "x/b.tile");
  EXPECT_EQ(besideFile("kernels/a.tile", "/b.tile"), "/b.tile");
}
