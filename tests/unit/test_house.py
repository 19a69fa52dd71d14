"""The house keeps its order.

Who may import whom, names that are unique, wings that say their job, arms that say everything.
"""

import ast
import re
from importlib.metadata import PackageNotFoundError, version

import pytest
import yaml

from helpers.config import ROOT
from helpers.experiments.specs import imports_of, reached

PACKAGE = ROOT / "helpers"
# From left to right; a module imports from its own wing and from those before it. Wings of one entry do not
# import each other.
ORDER = (
    {"config", "options", "arms", "files"},
    {"data"},
    {"models"},
    {"pretraining", "experiments"},
    {"analysis", "figures"},
    {"prose", "demo"},
    {"report"},
    {"notebooks"},
    {"__main__"},
)
WINGS = [name for level in ORDER[1:-1] for name in sorted(level)]
MODULES = sorted(
    ".".join(file.relative_to(ROOT).with_suffix("").parts)
    for file in PACKAGE.rglob("*.py")
    if file.name != "__init__.py"
)


def wing(module):
    return module.split(".")[1]


def level(module):
    return next(number for number, names in enumerate(ORDER) if wing(module) in names)


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_from_its_own_wing_and_from_those_before_it(module):
    for other in imports_of(module):
        allowed = level(other) < level(module) or wing(other) == wing(module) or level(module) == 0
        assert allowed, f"{module} imports {other}, which lies to its right or beside it"


def test_no_module_reaches_itself_through_its_imports():
    for module in MODULES:
        assert module not in reached(imports_of(module)), f"{module} is part of a circle"


def test_everything_is_in_a_wing_and_a_modules_last_name_is_unique():
    found = {
        path.name.removesuffix(".py")
        for path in PACKAGE.iterdir()
        if path.suffix == ".py" or (path / "__init__.py").is_file()
    }
    assert found == {"__init__", *(name for names in ORDER for name in names)}
    last = [module.split(".")[-1] for module in MODULES]
    assert sorted(last) == sorted(set(last)), "two modules share a last name"


@pytest.mark.parametrize("name", WINGS)
def test_a_wings_docstring_lists_its_rooms_and_imports_nothing(name):
    tree = ast.parse((PACKAGE / name / "__init__.py").read_text(encoding="utf-8"))
    assert len(tree.body) == 1, "a docstring and nothing else"
    rooms = {module.split(".")[-1] for module in MODULES if wing(module) == name}
    assert rooms <= set(re.findall(r"`(\w+)`", ast.get_docstring(tree)))
    assert len(rooms) <= 13


def functions():
    for module in MODULES:
        file = ROOT.joinpath(*module.split(".")).with_suffix(".py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                yield f"{module}.{node.name}", node.end_lineno - node.lineno + 1


def test_rooms_and_functions_stay_small():
    for module in MODULES:
        file = ROOT.joinpath(*module.split(".")).with_suffix(".py")
        assert len(file.read_text(encoding="utf-8").splitlines()) <= 300, module
    sizes = dict(functions())
    assert {name: size for name, size in sizes.items() if size > 60} == {}
    assert sorted(sizes.values())[len(sizes) // 2] < 12


def test_no_behaviour_hangs_on_the_spelling_of_an_arms_id():
    """Ids stand in tables of the comparison and of the notebooks, and are compared nowhere."""
    equal = r"""\barm(?:_id|\.id)?\s*(?:==|!=)\s*["']|["']\s*(?:==|!=)\s*arm\b"""
    compared = rf"""{equal}|\barm(?:\.id)?\.(?:starts|ends)with|\barm in \(["']"""
    for module in MODULES:
        file = ROOT.joinpath(*module.split(".")).with_suffix(".py")
        assert not re.search(compared, file.read_text(encoding="utf-8")), module


def test_the_map_for_changes_leads_to_what_is_there():
    """Every file that it names is there, and every name in one of them."""
    told = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (?:an?|its) [^|]+ \| (.+helpers/.+) \|$", told, re.M)
    assert len(rows) == 10
    code = "\n".join(file.read_text(encoding="utf-8") for file in PACKAGE.rglob("*.py"))
    for name in (name for row in rows for name in re.findall(r"`([^`]+)`", row)):
        if name.startswith("helpers/"):
            assert (ROOT / name).exists(), name
        else:
            word = re.findall(r"\w+", name.split("(")[0])[-1]
            assert (PACKAGE / "figures" / name).is_file() or re.search(rf"\b{word}\b", code), name


def test_processes_come_in_by_one_door_and_hear_of_no_private_variable():
    """`HELPERS_BUILD` is the user's, and the manual tells of it."""
    for module in MODULES:
        text = ROOT.joinpath(*module.split(".")).with_suffix(".py").read_text(encoding="utf-8")
        assert '"-c"' not in text, module
        assert set(re.findall(r"\bHELPERS_[A-Z]+", text)) <= {"HELPERS_BUILD"}, module


@pytest.mark.parametrize(
    "pattern", ["*.txt", "*/README.md", "*.md", "docs/*.md", "Makefile", "notebooks/*.ipynb", "report/*.tex"]
)
def test_whatever_a_text_names_of_the_package_is_there(pattern):
    files = list(ROOT.glob(pattern))
    assert files
    for file in files:
        text = file.read_text(encoding="utf-8")
        for name in re.findall(r"helpers/[\w/]+\.py", text):
            assert (ROOT / name).is_file(), f"{file}: {name}"
        for name in re.findall(r"`helpers((?:\.\w+)+)`", text):
            assert f"helpers{name}" in MODULES or (PACKAGE / name[1:]).is_dir(), f"{file}: helpers{name}"


def test_what_a_push_and_a_commit_run_is_what_make_and_the_requirements_say():
    workflow = yaml.safe_load((ROOT / ".github/workflows/tests.yml").read_text(encoding="utf-8"))["jobs"][
        "make"
    ]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    asked = workflow["strategy"]["matrix"]["command"]
    assert sorted(asked) == ["run", "test"]
    assert all(re.search(rf"^{command}:", makefile, re.M) for command in asked)
    for hook in yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"][0][
        "hooks"
    ]:
        for name in re.findall(r"\S+\.py", hook["entry"]):
            assert (ROOT / name).is_file(), name


def test_the_citation_names_this_version_and_licence():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert f'version = "{citation["version"]}"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert (ROOT / "LICENSE").read_text(encoding="utf-8").startswith(citation["license"])


def pinned(file):
    lines = (ROOT / file).read_text(encoding="utf-8").splitlines()
    found = (re.match(r"([\w.-]+)==(\S+)", line) for line in lines)
    return {match[1].lower().replace("_", "-"): match[2] for match in found if match}


def test_the_constraints_hold_every_requirement_and_what_is_installed():
    constraints = pinned("constraints.txt")
    files = [file.name for file in ROOT.glob("requirements*.txt")]
    asked = {name: version for file in files for name, version in pinned(file).items()}
    assert asked.pop("torch")  # whose build is chosen at set-up
    assert {name: constraints.get(name) for name in asked} == asked, "run `make constraints`"
    assert len(constraints) > 2 * len(asked)
    other = {
        name: found
        for name in constraints
        if (found := installed(name)) is not None and found != constraints[name]
    }
    assert not other, "installed in another version than the constraints say; run `make setup` again"


def installed(name):
    try:
        return version(name)
    except PackageNotFoundError:
        return None
