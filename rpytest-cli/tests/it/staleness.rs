//! Whatever is edited, added or removed between two runs, the second one sees it.

use crate::harness::{End, Outcome, Project, Running, SessionPath, Way, assert_alike, assert_same};
use crate::venv::Venv;

const TEST: &str = "import source\n\ndef test_a(number):\n    assert source.VALUE == number\n";

fn conftest(number: u32) -> String {
    format!("import pytest\n\n@pytest.fixture\ndef number():\n    return {number}\n")
}

#[test]
fn edits_of_the_project_are_seen() {
    let project = Project::new(&[("conftest.py", &conftest(1)), ("source.py", "VALUE = 1\n"), ("test_a.py", TEST)]);
    project.assert_same(&[]).ended(End::Code(0));
    project.write("source.py", "VALUE = 1 + 1\n");
    project.assert_same(&[]).ended(End::Code(1));
    project.write("conftest.py", &conftest(2).replace('2', "1 + 1"));
    project.assert_same(&[]).ended(End::Code(0));
    project.write("test_a.py", &TEST.replace("==", "is not"));
    project.assert_same(&[]).ended(End::Code(1));
    project.write("test_b.py", "def test_b(number): pass\n");
    project.assert_same(&["-v"]).ended(End::Code(1));
    std::fs::remove_file(project.path("test_a.py")).expect("it is there");
    project.assert_same(&["-v"]).ended(End::Code(0));
}

#[test]
fn an_edit_that_python_itself_cannot_see_is_not_seen() {
    // Same size and same time: Python takes its bytecode of the old text.
    let project = Project::new(&[("conftest.py", &conftest(1)), ("source.py", "VALUE = 1\n"), ("test_a.py", TEST)]);
    let source = project.path("source.py");
    let time = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_700_000_000);
    let put_back = || {
        let file = std::fs::File::options().write(true).open(&source).expect("it is there");
        file.set_modified(time).expect("it is ours");
    };
    put_back();
    project.assert_same(&[]).ended(End::Code(0));
    project.write("source.py", "VALUE = 2\n");
    put_back();
    project.assert_same(&[]).ended(End::Code(0));
}

#[test]
fn configuration_files_come_and_go() {
    let project = Project::new(&[("test_a.py", "import warnings\n\ndef test_a():\n    warnings.warn('x')\n")]);
    project.assert_same(&[]).ended(End::Code(0));
    project.write("pytest.ini", "[pytest]\nfilterwarnings = error\n");
    project.assert_same(&[]).ended(End::Code(1));
    project.write("pytest.ini", "[pytest]\naddopts = -v --no-such-flag\n");
    project.assert_same(&[]).ended(End::Code(4));
    std::fs::remove_file(project.path("pytest.ini")).expect("it is there");
    project.write("pyproject.toml", "[tool.pytest.ini_options]\naddopts = '-rA'\n");
    project.assert_same(&[]).ended(End::Code(0));
}

#[test]
fn a_module_that_shadows_one_of_pytests_makes_the_run_a_plain_one() {
    let project = Project::new(&[("test_a.py", "def test_a(): pass\n")]);
    project.assert_same(&[]).ended(End::Code(0));
    let shadows = [
        ("tempfile.py", "raise RuntimeError('not the real one')\n"),
        ("json/__init__.py", "print('my json')\n"),
        ("pluggy.py", "x = 1\n"),
        ("pytest.py", "print('my pytest')\n"),
    ];
    for (path, text) in shadows {
        project.write(path, text);
        let outcome = assert_alike(|way| project.command(way)).went(SessionPath::Plain);
        let name = path.split('/').next().expect("a path has a first part");
        assert!(outcome.notes.iter().any(|note| note.contains(&format!("/{name} shadows a module"))), "{outcome}");
        std::fs::remove_file(project.path(path)).expect("it is there");
        for directory in ["json", "__pycache__"] {
            let _ = std::fs::remove_dir_all(project.path(directory)); // which of them there are differs
        }
        project.assert_same(&[]).ended(End::Code(0));
    }
    project.write("json/data.txt", "a directory without __init__ shadows nothing\n");
    project.assert_same(&[]).ended(End::Code(0));
}

#[track_caller]
fn assert_same_in(venv: &Venv, project: &Project) -> Outcome {
    assert_same(|way| venv.command(project, way))
}

#[test]
fn plugins_are_installed_and_removed() {
    let project = Project::new(&[("test_a.py", "def test_a(): pass\n")]);
    let venv = Venv::new(&project, "venv");
    assert_same_in(&venv, &project);
    venv.write("talking.py", "def pytest_report_header():\n    return 'a plugin talks'\n");
    venv.write("talking-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: talking\nVersion: 1.0\n");
    venv.write("talking-1.0.dist-info/entry_points.txt", "[pytest11]\ntalking = talking\n");
    let outcome = assert_same_in(&venv, &project);
    assert!(outcome.stdout.contains("a plugin talks"), "{outcome}");
    venv.write("talking.py", "def pytest_report_header():\n    return 'it says something else'\n");
    let outcome = assert_same_in(&venv, &project);
    assert!(outcome.stdout.contains("it says something else"), "{outcome}");
    std::fs::remove_dir_all(venv.site_packages("talking-1.0.dist-info")).expect("it is there");
    let outcome = assert_same_in(&venv, &project);
    assert!(!outcome.stdout.contains("it says"), "{outcome}");
}

#[test]
fn path_files_are_added_edited_and_removed() {
    let test = "import sys\n\ndef test_a():\n    print([entry for entry in sys.path if 'elsewhere' in entry])\n    import only_there\n";
    let project = Project::new(&[("test_a.py", test), ("elsewhere/only_there.py", "")]);
    let venv = Venv::new(&project, "venv");
    assert_same_in(&venv, &project).ended(End::Code(1));
    let elsewhere = project.path("elsewhere");
    venv.write("more.pth", elsewhere.to_str().expect("its path is text"));
    assert_same_in(&venv, &project).ended(End::Code(0));
    venv.write("more.pth", "/no/such/elsewhere\n");
    assert_same_in(&venv, &project).ended(End::Code(1));
    std::fs::remove_file(venv.site_packages("more.pth")).expect("it is there");
    assert_same_in(&venv, &project).ended(End::Code(1));
}

#[test]
fn start_up_code_of_the_environment_is_edited() {
    let test = "import sys\n\ndef test_a():\n    print(getattr(sys, 'said', None), 'sitecustomize' in sys.modules)\n    assert 0\n";
    let project = Project::new(&[("test_a.py", test)]);
    let venv = Venv::new(&project, "venv");
    assert_same_in(&venv, &project);
    for text in ["import sys\nsys.said = 'one'\n", "import sys\nsys.said = 'other'\n"] {
        venv.write("sitecustomize.py", text);
        assert_same_in(&venv, &project);
    }
    std::fs::remove_file(venv.site_packages("sitecustomize.py")).expect("it is there");
    assert_same_in(&venv, &project);
}

#[test]
fn pytest_itself_is_edited() {
    let project = Project::new(&[("test_a.py", "def test_a(): pass\n")]);
    let venv = Venv::new(&project, "venv");
    // A copy of its own: the host's is not ours to edit.
    let host = std::fs::read_to_string(venv.site_packages("host.pth")).expect("the environment has it");
    let copied =
        project.clean("cp").arg("-r").arg(format!("{}/_pytest", host.trim())).arg(venv.site_packages("")).status();
    assert!(copied.is_ok_and(|status| status.success()), "_pytest is copied");
    assert_same_in(&venv, &project);
    let terminal = venv.site_packages("_pytest/terminal.py");
    let text = std::fs::read_to_string(&terminal).expect("pytest has it");
    std::fs::write(&terminal, text.replace("test session starts", "edited session starts")).expect("the copy is ours");
    let outcome = assert_same_in(&venv, &project);
    assert!(outcome.stdout.contains("edited session starts"), "{outcome}");
}

#[test]
fn why_a_warm_process_was_not_used_is_told() {
    let project = Project::new(&[("test_a.py", "def test_a(): pass\n")]);
    let venv = Venv::new(&project, "venv");
    assert_same_in(&venv, &project);
    venv.write("new.pth", "# nothing\n");
    let run = |way| Running::start(&mut venv.command(&project, way)).finish();
    run(Way::Plain); // the time that this takes is the change's age, below which nobody could tell it from a later one
    let outcome = run(Way::Rpytest).went(SessionPath::First);
    assert!(outcome.notes[0].contains("has changed since the warm process was started"), "{outcome}");
    run(Way::Rpytest).went(SessionPath::Warm);
}

#[test]
fn what_appears_on_the_python_path_is_seen() {
    let test = "import builtins\n\ndef test_a():\n    import helper\n    assert not hasattr(builtins, 'customized')\n";
    let project = Project::new(&[("test_a.py", test)]);
    let run = || {
        assert_alike(|way| {
            let mut command = project.command(way);
            command.args(["-p", "no:cacheprovider"]).env("PYTHONPATH", "lib");
            command
        })
    };
    run().ended(End::Code(1)); // the directory is not there
    project.write("lib/helper.py", "");
    run().ended(End::Code(0));
    project.write("lib/sitecustomize.py", "import builtins\n\nbuiltins.customized = True\n");
    run().ended(End::Code(1));
}

#[test]
fn a_module_that_pytest_looks_for_in_vain_may_come() {
    // `copy` of the standard library looks for `org`, for Jython's sake, up to Python 3.12.
    let test = "import sys\n\ndef test_a():\n    print('org' in sys.modules)\n";
    let project = Project::new(&[("test_a.py", test)]);
    project.assert_same(&["-s"]).ended(End::Code(0));
    project.write("org.py", "");
    assert_alike(|way| {
        let mut command = project.command(way);
        command.arg("-s");
        command
    })
    .ended(End::Code(0));
}
