//! Projects that are made of ingredients, and what is edited in them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::LazyLock;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// Something that a module does when it is imported.
#[derive(Debug)]
pub(super) struct Ingredient {
    /// `§` stands for the module.
    code: &'static str,
    /// Whether each run must do it anew, so that no process goes as far as the tests ahead of one.
    each_run: bool,
}

static INGREDIENTS: LazyLock<Vec<Ingredient>> = LazyLock::new(|| {
    let ingredient = |(name, code): (&str, _)| Ingredient { code, each_run: name.ends_with(", each run") };
    sections(include_str!("ingredients.txt")).map(ingredient).collect()
});

/// What follows each line that begins with `===`, with the rest of that line.
fn sections(text: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    text.split("=== ").skip(1).map(|section| section.split_once('\n').expect("a section has lines"))
}

/// Of the modules that are made of ingredients.
struct Place {
    file: &'static str,
    module: &'static str,
}

const PLACES: [Place; 9] = [
    Place { file: "conftest.py", module: "conftest" },
    Place { file: "test_one.py", module: "test_one" },
    Place { file: "test_two.py", module: "test_two" },
    Place { file: "alpha.py", module: "alpha" },
    Place { file: "beta.py", module: "beta" },
    Place { file: "pack/__init__.py", module: "pack" },
    Place { file: "pack/inner.py", module: "pack.inner" },
    Place { file: "pack/other.py", module: "pack.other" },
    Place { file: "space/leaf.py", module: "space.leaf" },
];
/// From here on they are those of the project, not of its tests.
const FIRST_MODULE: usize = 3;

const TESTS: &str = "\n\ndef test_now():\n    seen.tell()\n";
const LATE_TESTS: &str = "\n\ndef test_later():\n    import beta, space.leaf\n    seen.tell()\n";

/// A way to import a module.
#[derive(Clone, Copy, Debug)]
pub(super) enum Form {
    Plainly,
    From,
    Relatively,
    ByName,
    Again,
}

#[derive(Clone, Debug)]
pub(super) enum Step {
    Does(&'static Ingredient),
    Imports(Form, usize),
}

impl Step {
    fn code(&self, place: &Place) -> String {
        let unique = place.module.replace('.', "_");
        match *self {
            Self::Does(ingredient) => ingredient.code.replace('§', &unique),
            Self::Imports(form, to) => form.code(place, PLACES[to].module),
        }
    }
}

impl Form {
    fn code(self, place: &Place, to: &str) -> String {
        let name = to.replace('.', "_");
        let relative = to.strip_prefix("pack.").filter(|_| place.file.starts_with("pack/"));
        match (self, relative) {
            (Self::Relatively, Some(last)) => format!("from . import {last}\n"),
            (Self::Plainly | Self::Relatively, _) => format!("import {to}\n"),
            (Self::From, _) => {
                format!(
                    "try:\n    from {to} import EDITED as EDITED_{name}\nexcept ImportError:\n    EDITED_{name} = None\n"
                )
            }
            (Self::ByName, _) => format!("import importlib\nhidden_{name} = importlib.import_module({to:?})\n"),
            (Self::Again, _) => format!(
                "import importlib\nif __name__ not in seen.RAN[:-1]:\n    importlib.reload(importlib.import_module({to:?}))\n"
            ),
        }
    }
}

/// What is done between two runs.
#[derive(Clone, Debug)]
pub(super) enum Edit {
    /// A module gets another constant, of the same length.
    Constant(usize),
    /// A function of a module gets another body, longer by a line.
    Body(usize),
    /// A module does something else.
    Steps(usize, Vec<Step>),
    /// A file is written: it may have been there.
    Write(&'static str, &'static str),
    Remove(&'static str),
    /// A variable of the environment, with its new value.
    Variable(&'static str, &'static str),
}

const WRITTEN: [(&str, &str); 14] = [
    ("data/a.txt", "another one\n"),
    ("data/b.txt", "owt\n"),
    ("data/new.txt", "new\n"),
    ("data/script.py", "import seen\nVALUE = 2\n"),
    ("settings.cfg", "[section]\nkey = another\n"),
    ("absent.py", "VALUE = 'no more'\n"),
    ("pack/missing.py", ""),
    ("alpha/__init__.py", "import seen\nseen.ran(__name__)\nEDITED = 'a package'\n"),
    ("space/__init__.py", "import seen\nseen.ran(__name__)\n"),
    ("hidden.py", "VALUE = 'at the root'\n"),
    ("test_three.py", "import alpha\n\ndef test_three():\n    print(alpha.EDITED)\n"),
    ("sub/conftest.py", "import beta\n"),
    ("pytest.ini", "[pytest]\nfilterwarnings = ignore::UserWarning\n"),
    ("notes.txt", "nobody reads this\n"),
];
const REMOVED: [&str; 5] = ["data/b.txt", "extra/shadow.py", "shadow.py", "stub_me.py", "test_two.py"];
const VARIABLES: [(&str, &str); 5] =
    [("MODE", "one"), ("MODE", "two"), ("OTHER", "1"), ("TZ", "Asia/Kolkata"), ("UNUSED", "1")];

/// A project as it is at some time.
#[derive(Clone)]
struct State {
    units: Vec<Vec<Step>>,
    constants: [u8; PLACES.len()],
    bodies: [usize; PLACES.len()],
    written: BTreeMap<&'static str, Option<&'static str>>,
    variables: BTreeMap<&'static str, &'static str>,
}

/// A project, and what becomes of it.
#[derive(Clone)]
pub(super) struct Plan {
    /// Whether anything in it may be what each run must do anew.
    pub(super) each_run: bool,
    units: Vec<Vec<Step>>,
    pub(super) edits: Vec<Edit>,
}

/// Files by path, and variables of the environment, by name.
pub(super) type Seen = (BTreeMap<String, String>, BTreeMap<&'static str, &'static str>);

impl Plan {
    /// How it is at first, and after each edit.
    pub(super) fn states(&self) -> Vec<Seen> {
        let mut state = State {
            units: self.units.clone(),
            constants: [1; PLACES.len()],
            bodies: [0; PLACES.len()],
            written: BTreeMap::new(),
            variables: BTreeMap::new(),
        };
        let mut states = vec![self.seen(&state)];
        for edit in &self.edits {
            state.take(edit);
            states.push(self.seen(&state));
        }
        states
    }

    fn seen(&self, state: &State) -> Seen {
        let mut files: BTreeMap<String, String> =
            sections(include_str!("support.txt")).map(|(path, text)| (path.to_owned(), text.to_owned())).collect();
        for (unit, place) in PLACES.iter().enumerate() {
            files.insert(place.file.to_owned(), self.module(place, state, unit));
        }
        for (path, text) in &state.written {
            match text {
                Some(text) => files.insert((*path).to_owned(), (*text).to_owned()),
                None => files.remove(*path),
            };
        }
        (files, state.variables.clone())
    }

    fn module(&self, place: &Place, state: &State, unit: usize) -> String {
        let (steps, constant, lines) = (&state.units[unit], state.constants[unit], state.bodies[unit]);
        let function = format!(
            "def check_body():\n{}    return [{lines}, check_body.__code__.co_firstlineno]\n",
            "    seen.RAN\n".repeat(lines)
        );
        let is_left_out = |step: &&Step| matches!(step, Step::Does(each) if each.each_run && !self.each_run);
        let body: String = steps.iter().filter(|step| !is_left_out(step)).map(|step| step.code(place)).collect();
        let tests = match place.module {
            "test_one" => TESTS,
            "test_two" => LATE_TESTS,
            _ => "",
        };
        format!("import seen\nseen.ran(__name__)\nEDITED = {constant}\n{function}{body}{tests}")
    }
}

impl State {
    fn take(&mut self, edit: &Edit) {
        match edit {
            Edit::Constant(unit) => self.constants[*unit] += 1,
            Edit::Body(unit) => self.bodies[*unit] += 1,
            Edit::Steps(unit, steps) => self.units[*unit].clone_from(steps),
            Edit::Write(path, text) => _ = self.written.insert(path, Some(text)),
            Edit::Remove(path) => _ = self.written.insert(path, None),
            Edit::Variable(name, value) => _ = self.variables.insert(name, value),
        }
    }
}

/// As whoever reads why a test has failed can make it by hand.
impl fmt::Debug for Plan {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let support: BTreeMap<_, _> = sections(include_str!("support.txt")).collect();
        let mut before = Seen::default();
        for (number, now) in self.states().into_iter().enumerate() {
            writeln!(formatter, "\n##### state {number}: {:?}", now.1)?;
            for (path, text) in &now.0 {
                let is_known = before.0.get(path) == Some(text) || support.get(path.as_str()) == Some(&text.as_str());
                if !is_known {
                    writeln!(formatter, "=== {path}\n{text}")?;
                }
            }
            for path in before.0.keys().filter(|path| !now.0.contains_key(*path)) {
                writeln!(formatter, "=== {path} is removed")?;
            }
            before = now;
        }
        Ok(())
    }
}

fn step() -> impl Strategy<Value = Step> {
    let form = select(vec![Form::Plainly, Form::From, Form::Relatively, Form::ByName, Form::Again]);
    prop_oneof![
        3 => select(INGREDIENTS.iter().collect::<Vec<_>>()).prop_map(Step::Does),
        1 => (form, FIRST_MODULE..PLACES.len()).prop_map(|(form, to)| Step::Imports(form, to)),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    vec(step(), 0..4)
}

fn edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        2 => (0..PLACES.len()).prop_map(Edit::Constant),
        4 => (0..PLACES.len()).prop_map(Edit::Body),
        2 => (0..PLACES.len(), steps()).prop_map(|(unit, steps)| Edit::Steps(unit, steps)),
        3 => select(&WRITTEN[..]).prop_map(|(path, text)| Edit::Write(path, text)),
        1 => select(&REMOVED[..]).prop_map(Edit::Remove),
        2 => select(&VARIABLES[..]).prop_map(|(name, value)| Edit::Variable(name, value)),
    ]
}

/// Three of four have nothing in them that each run must do anew.
pub(super) fn plan() -> impl Strategy<Value = Plan> {
    (prop::bool::weighted(0.25), vec(steps(), PLACES.len()), vec(edit(), 1..4))
        .prop_map(|(each_run, units, edits)| Plan { each_run, units, edits })
}
