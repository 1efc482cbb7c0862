# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The Python binding held to imbrex_c.h: its functions, their types, the structs and the numbers.
usage: binding_test.py LIBRARY SOURCE_DIR"""
import ctypes, os, re, subprocess, sys, tempfile, unittest

LIBRARY, SOURCE = sys.argv[1:3]
sys.path.insert(0, os.path.join(SOURCE, "tests", "support"))
import imbrex
import imbrex_declarations as declared

with open(os.path.join(SOURCE, "runtime", "c", "imbrex_c.h"), encoding="utf-8") as file:
    HEADER = re.sub(r"/\*.*?\*/", " ", file.read(), flags=re.DOTALL)
C_TYPES = {"void": None, "char *": ctypes.c_char_p, "size_t": ctypes.c_size_t, "float": ctypes.c_float,
           "double": ctypes.c_double, "imbrex_status": ctypes.c_int32, "imbrex_work": declared.WORK, **declared.CALLBACKS}
C_TYPES.update({name + "_t": getattr(ctypes, "c_" + name) for name in ("uint8", "uint32", "uint64", "int32", "int64")})
HANDLES = re.findall(r"typedef struct (\w+) \1;", HEADER)


def ctype(text):
    """The ctypes type of a C type. A pointer to a handle, to void or to a text of the caller's is c_void_p."""
    if re.fullmatch(r"char ?\*\s*", text):
        return ctypes.c_void_p
    text = re.sub(r"\s+", " ", text.replace("const ", " ").replace("*", " *")).strip().replace("* *", "**")
    if text in C_TYPES:
        return C_TYPES[text]
    base, stars = re.fullmatch(r"(\w+) ?(\**)", text).groups()
    depth = len(stars)
    if base in HANDLES or base in ("void", "char"):
        kind, depth = ctypes.c_void_p, depth - 1
    else:
        kind = declared.STRUCTS.get(base) or C_TYPES[base]
    for _ in range(depth):
        kind = ctypes.POINTER(kind)
    return kind


def parameter_types(parameters):
    return [] if parameters.strip() == "void" else [
        ctype(re.fullmatch(r"(.*?)\w+", parameter.strip(), re.DOTALL).group(1)) for parameter in parameters.split(",")]


def prototypes():
    for result, name, parameters in re.findall(r"^([\w ]+?[ *]+)imbrex_(\w+)\(([^)]*)\);", HEADER, re.MULTILINE):
        yield name, ctype(result), parameter_types(parameters)


def struct_fields(name):
    body = re.search(r"typedef struct %s \{(.*?)\} %s;" % (name, name), HEADER, re.DOTALL).group(1)
    for line in filter(None, (part.strip() for part in body.split(";"))):
        kind, names = re.fullmatch(r"((?:const )?\w+ )(.*)", line, re.DOTALL).groups()
        for field in names.split(","):
            star, field, length = re.fullmatch(r"(\*?)(\w+)(?:\[(\w+)\])?", field.strip()).groups()
            length = {"IMBREX_MAX_RANK": declared.MAX_RANK, None: None}.get(length, length)
            base = ctypes.c_char if kind == "char " else ctype(kind + star)
            yield field, base * int(length) if length else base


class Binding(unittest.TestCase):
    def test_every_function_and_none_else(self):
        header = {name: (result, types) for name, result, types in prototypes()}
        binding = {name: (result, types) for name, (result, types, _) in declared.declarations().items()}
        self.assertEqual(sorted(header), sorted(binding))
        self.assertGreater(len(header), 50)
        for name, (result, types) in header.items():
            self.assertEqual((result, name), (binding[name][0], name))
            self.assertEqual([(name, t) for t in types], [(name, t) for t in binding[name][1]])

    def test_every_function_is_seen_by_this_test(self):
        self.assertEqual(len(set(re.findall(r"imbrex_\w+(?=\()", HEADER))), len(list(prototypes())))

    def test_structs(self):
        self.assertEqual(sorted(declared.STRUCTS), sorted(re.findall(r"typedef struct (\w+) \{", HEADER)))
        for name, struct in declared.STRUCTS.items():
            self.assertEqual((name, list(struct_fields(name))), (name, struct._fields_))

    def test_callbacks(self):
        types = re.findall(r"typedef ([\w ]+?) \(\*(imbrex_\w+)\)\(([^)]*)\);", HEADER)
        self.assertEqual(sorted(declared.CALLBACKS), sorted(name for _, name, _ in types if name != "imbrex_work"))
        for result, name, parameters in types:
            kind = C_TYPES[name]
            self.assertEqual((name, kind._restype_), (name, ctype(result + " ")))
            self.assertEqual((name, list(kind._argtypes_)), (name, parameter_types(parameters)))

    def test_numbers(self):
        values = {name: int(value) for name, value in re.findall(r"(IMBREX_\w+) = (\d+)", HEADER)}
        library = imbrex.Library(LIBRARY)
        for number, name in enumerate(declared.TYPES):
            self.assertEqual(values["IMBREX_" + name.upper()], number)
            self.assertEqual(library.call("type_name", number).decode(), name)
        for number, name in enumerate(declared.ERROR_FIELDS):
            self.assertEqual(values["IMBREX_ERROR_" + name.upper()], number)
        for number, name in enumerate(declared.INFO_FIELDS):
            self.assertEqual(values["IMBREX_INFO_" + name.upper()], number)
        kinds = dict(VIEW=declared.VIEW, INTEGER=declared.INTEGER, REAL=declared.REAL, BOOL=declared.BOOL)
        for name, number in kinds.items():
            self.assertEqual(values["IMBREX_ARGUMENT_" + name], number)
        self.assertIn("#define IMBREX_MAX_RANK %d\n" % declared.MAX_RANK, HEADER)
        self.assertIn("#define IMBREX_C_VERSION %d\n" % library.call("c_version"), HEADER)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
